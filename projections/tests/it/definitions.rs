//! The projections that users wrote, as the read model has them.

use proptest::{collection::vec, prelude::*};
use shiplog_domain::projection::{Command, Language, Projection, ProjectionName, stream};
use shiplog_projections::{
    definitions::{self, Definitions, What},
    digest::digest,
    runner::Runner,
};
use shiplog_store::{execute::Streams, position::GlobalPosition};

use crate::support::{World, metadata, stated};

fn name(text: &str) -> ProjectionName {
    text.parse().unwrap()
}

/// Asks one projection after the other, each under a key of its own; refusals leave no events.
async fn tell(world: &World, steps: Vec<(ProjectionName, Command)>) {
    let projections: Streams<Projection> = Streams::new(std::sync::Arc::clone(&world.log));
    for ((name, command), request) in steps.into_iter().zip(0..) {
        let stream = stream(&name);
        let done = projections.execute(&stream, None, command, metadata(request), |_, _| ());
        let _ = done.await;
    }
}

fn define(source: &str) -> Command {
    Command::Define { at: stated(1).at, language: Language::Javascript, source: source.into() }
}

#[tokio::test]
async fn a_definition_is_the_last_one_and_every_change_is_kept() {
    let world = World::new();
    let at = stated(2).at;
    let (one, other) = (name("lead-time"), name("drift"));
    let steps = vec![
        (one.clone(), define("1")),
        (other.clone(), define("2")),
        (one.clone(), define("3")),
        (one.clone(), Command::Pause { at }),
        (one.clone(), Command::Pause { at }),
        (other.clone(), Command::Drop { at }),
        (other.clone(), Command::Pause { at }),
    ];
    tell(&world, steps).await;
    let runner = world.fold(Definitions).await;
    let [found] = &runner.look(definitions::all).unwrap()[..] else { panic!("one is left") };
    assert_eq!((&found.name, found.source.as_str(), found.paused), (&one, "3", true));
    assert_eq!(found.revision, GlobalPosition(3));
    let changes = runner.look(|view| definitions::changes(view, &other, 10)).unwrap();
    let told: Vec<_> = changes.iter().map(|change| (change.position.0, change.what)).collect();
    assert_eq!(told, [(5, What::Dropped), (2, What::Defined)]);
    assert_eq!(changes[1].defined.as_ref().unwrap().1, "2");
    assert_eq!(runner.look(|view| definitions::one(view, &other)).unwrap(), None);
}

fn command() -> impl Strategy<Value = Command> {
    let at = stated(1).at;
    prop_oneof![
        3 => "[a-c]".prop_map(|source| define(&source)),
        1 => Just(Command::Pause { at }),
        1 => Just(Command::Resume { at }),
        1 => Just(Command::Drop { at }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuild_equals_a_model_restarted_at_every_step(
        steps in vec((prop::sample::select(vec!["a", "b"]), command()), 0..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let files = tempfile::tempdir().unwrap();
            let steps: Vec<_> = steps.into_iter().map(|(one, command)| (name(one), command)).collect();
            for until in 0..=steps.len() {
                // What was asked before is known by its key and is not recorded again.
                tell(&world, steps[..until].to_vec()).await;
                let mut live = Runner::open(Definitions, files.path(), world.log.id()).unwrap();
                live.catch_up_to(&*world.log, None).await.unwrap();
                let rebuilt = world.fold(Definitions).await;
                prop_assert_eq!(digest(live.tables()).unwrap(), digest(rebuilt.tables()).unwrap());
            }
            Ok(())
        })?;
    }
}
