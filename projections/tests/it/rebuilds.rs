//! A read model that is rebuilt beside the one that answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;
use shiplog_domain::lane::Outcome;
use shiplog_projections::{
    current::{self, AsOf, Current},
    digest::digest,
    history::History,
    models::{Model, ReadModels, Rebuild, RebuildStatus},
    projection::Projection,
    runner::Runner,
};
use tokio::time::timeout;

use crate::support::{World, lane, report};

const PATIENCE: Duration = Duration::from_mins(1);

async fn deploy(world: &World, from: i64, count: i64) {
    for at in from..from + count {
        let service = if at % 2 == 0 { "checkout" } else { "search" };
        world.tell(&lane(service), report(at, &at.to_string(), Outcome::Succeeded)).await;
    }
}

async fn level(world: &World, models: &ReadModels) {
    if let Some(head) = world.log.head().await.unwrap() {
        for model in models.all() {
            model.at_least(head, PATIENCE).await.unwrap();
        }
    }
}

/// Waits until the rebuild is as wanted.
async fn until(model: &Model, is_wanted: impl Fn(&Rebuild) -> bool) -> Rebuild {
    let waiting = async {
        loop {
            if let Some(rebuild) = model.rebuilding().filter(&is_wanted) {
                return rebuild;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "it stays {:?}", model.rebuilding());
    waited.unwrap()
}

fn is_over(rebuild: &Rebuild) -> bool {
    !rebuild.status.is_under_way()
}

/// The files of a read model that hold tables, by name.
fn files(directory: &Path, name: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    let mut names: Vec<_> =
        names.filter(|file| file.starts_with(name) && file.ends_with(".sqlite")).collect();
    names.sort();
    names
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}

/// Changes a row by hand, as a bug or a broken disk might.
fn damage(path: &Path) {
    let tables = Connection::open(path).unwrap();
    tables.busy_timeout(PATIENCE).unwrap();
    assert!(tables.execute("UPDATE entries SET version = 'none'", []).unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rebuilt_answers_and_what_answered_before_goes() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 30).await;
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    for generation in 2..5 {
        models.history.rebuild(None).await.unwrap();
        let rebuild = until(&models.history, is_over).await;
        assert_eq!(rebuild.status, RebuildStatus::Done);
        assert_eq!(rebuild.verdict.unwrap().is_same(), Some(true));
        assert_eq!((rebuild.events_done, rebuild.events_total), (60, 60));
        let name = format!("history-v{}-g{generation}.sqlite", History.version());
        assert_eq!(files(directory.path(), "history"), [name]);
    }
    deploy(&world, 30, 1).await;
    level(&world, &models).await;
    assert_eq!(models.history.progress().events, 62);
    models.stop().await;
    is_whole(&world, directory.path(), History).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_changed_is_found_out_and_mended() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 10).await;
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    damage(&file(directory.path(), &files(directory.path(), "history")[0]));
    models.history.rebuild(None).await.unwrap();
    let rebuild = until(&models.history, is_over).await;
    assert_eq!(rebuild.status, RebuildStatus::Done);
    assert_eq!(rebuild.verdict.unwrap().is_same(), Some(false));
    models.stop().await;
    is_whole(&world, directory.path(), History).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_damaged_is_replaced_without_being_compared() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 200).await;
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    let path = file(directory.path(), &files(directory.path(), "history")[0]);
    let tables = Connection::open(&path).unwrap();
    tables.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first two, which tell what is where and how far it is.
    bytes[3 * 8192..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    models.history.rebuild(None).await.unwrap();
    let rebuild = until(&models.history, is_over).await;
    assert_eq!(rebuild.status, RebuildStatus::Done);
    assert_ne!(rebuild.verdict.unwrap().is_same(), Some(true));
    drop(tables);
    models.stop().await;
    is_whole(&world, directory.path(), History).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_paused_stays_so_over_a_restart_and_one_that_is_cancelled_leaves_nothing()
{
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 10).await;
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    let before = files(directory.path(), "history");
    models.history.rebuild(Some(1)).await.unwrap();
    until(&models.history, |rebuild| rebuild.events_done > 0).await;
    models.history.pause().await.unwrap();
    let paused = until(&models.history, |rebuild| rebuild.status == RebuildStatus::Paused).await;
    assert!(paused.events_done < 20, "{paused:?}");
    models.stop().await;

    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    let there = until(&models.history, |rebuild| rebuild.events_done > 0).await;
    assert_eq!(there.status, RebuildStatus::Paused);
    assert_eq!(there.max_events_per_second.unwrap().get(), 1);
    assert!(there.events_done >= paused.events_done, "what was folded is not folded again");
    assert_eq!(files(directory.path(), "history").len(), 2);
    models.history.cancel().await.unwrap();
    assert_eq!(models.history.rebuilding().unwrap().status, RebuildStatus::Cancelled);
    assert_eq!(files(directory.path(), "history"), before);
    for refused in [models.history.cancel().await, models.history.resume().await] {
        assert!(refused.unwrap_err().to_string().contains("not being rebuilt"));
    }
    models.stop().await;
    is_whole(&world, directory.path(), History).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_that_cannot_be_written_harms_nobody_and_is_tried_again() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 10).await;
    let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
    level(&world, &models).await;
    models.current.rebuild(Some(1)).await.unwrap();
    until(&models.current, |rebuild| rebuild.events_done > 0).await;
    let new = files(directory.path(), "current").pop().unwrap();
    let other = Connection::open(file(directory.path(), &new)).unwrap();
    other.busy_timeout(PATIENCE).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    models.current.rebuild(Some(0)).await.unwrap();
    let is_waiting = |rebuild: &Rebuild| matches!(&rebuild.status, RebuildStatus::Waiting { why } if why.contains("locked"));
    until(&models.current, is_waiting).await;
    deploy(&world, 10, 10).await;
    level(&world, &models).await;
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    assert_eq!(until(&models.current, is_over).await.status, RebuildStatus::Done);
    models.stop().await;
    is_whole(&world, directory.path(), Current).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_fails_or_goes_back_in_time_while_files_are_swapped() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    deploy(&world, 0, 40).await;
    let models = Arc::new(ReadModels::start(&world.log, directory.path()).await.unwrap());
    level(&world, &models).await;
    let (done, mut is_done) = tokio::sync::watch::channel(false);
    let asked = Arc::clone(&models);
    let asking = tokio::spawn(async move {
        let (mut last, mut count) = (None, 0);
        while !*is_done.borrow_and_update() {
            let answer = asked
                .current
                .query(|view| current::lane(view, &lane("checkout"), AsOf::at(Timestamp::MAX)));
            let answer = answer.await.unwrap();
            assert!(answer.position >= last, "{:?} comes after {last:?}", answer.position);
            assert!(answer.value.unwrap().running.is_some());
            (last, count) = (answer.position, count + 1);
        }
        count
    });
    for round in 0..5 {
        models.current.rebuild(None).await.unwrap();
        deploy(&world, 40 + round * 10, 10).await;
        assert_eq!(until(&models.current, is_over).await.status, RebuildStatus::Done);
    }
    done.send_replace(true);
    assert!(asking.await.unwrap() > 0);
    level(&world, &models).await;
    models.stop().await;
    is_whole(&world, directory.path(), Current).await;
    assert_eq!(files(directory.path(), "current").len(), 1);
}

/// That what answers after a restart is what the log makes of it.
async fn is_whole<P: Projection + Copy>(world: &World, directory: &Path, projection: P) {
    let live = Runner::open(projection, directory, world.log.id()).unwrap();
    let mut rebuilt = Runner::in_memory(projection, world.log.id()).unwrap();
    rebuilt.catch_up_to(&*world.log, live.checkpoint()).await.unwrap();
    if live.checkpoint().is_none() {
        rebuilt = Runner::in_memory(projection, world.log.id()).unwrap();
    }
    assert_eq!(rebuilt.events(), live.events());
    assert_eq!(digest(rebuilt.tables()).unwrap(), digest(live.tables()).unwrap());
}

/// Something that is done to a server, or the moment in which it is cut off.
#[derive(Clone, Copy, Debug)]
enum Step {
    Rebuild {
        max: Option<u32>,
    },
    Pause,
    Resume,
    Cancel,
    Deploy,
    /// Lets go on what runs, for so many turns.
    Turns(u16),
    /// Drops everything where it is.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::option::of(prop_oneof![Just(0_u32), 1_u32..400])
            .prop_map(|max| Step::Rebuild { max }),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::Cancel),
        3 => Just(Step::Deploy),
        6 => (0_u16..400).prop_map(Step::Turns),
        6 => Just(Step::Kill),
    ]
}

/// What happens between two kills.
async fn live(world: &World, directory: &Path, steps: &[Step]) {
    let models = ReadModels::start(&world.log, directory).await.unwrap();
    let model = &models.history;
    for step in steps {
        // What comes too late is refused.
        match *step {
            Step::Rebuild { max } => drop(model.rebuild(max).await),
            Step::Pause => drop(model.pause().await),
            Step::Resume => drop(model.resume().await),
            Step::Cancel => drop(model.cancel().await),
            Step::Deploy => {
                deploy(world, world.requests(), 3).await;
            }
            Step::Turns(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            Step::Kill => {}
        }
        let answer = model.query(|_| Ok(())).await.unwrap();
        assert!(answer.position <= world.log.head().await.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wherever_it_is_killed_what_answers_is_whole_and_the_rebuild_comes_to_its_end(
        steps in prop::collection::vec(step(), 1..24),
    ) {
        let outer = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
        outer.block_on(deploy(&world, 0, 12));
        for life in steps.split(|step| matches!(step, Step::Kill)) {
            // Its tasks end wherever they are; what has begun on a thread of its own is waited for, as
            // what the system has begun to write is.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(live(&world, directory.path(), life));
            drop(runtime);
            outer.block_on(is_whole(&world, directory.path(), History));
        }
        outer.block_on(async {
            let models = ReadModels::start(&world.log, directory.path()).await.unwrap();
            level(&world, &models).await;
            // It may have been paused, or have ended.
            drop(models.history.rebuild(Some(0)).await);
            drop(models.history.resume().await);
            let ended = until(&models.history, is_over).await;
            assert_eq!(ended.status, RebuildStatus::Done);
            assert_eq!(ended.verdict.unwrap().is_same(), Some(true));
            models.stop().await;
        });
        outer.block_on(is_whole(&world, directory.path(), History));
        assert_eq!(files(directory.path(), "history").len(), 1);
    }
}
