//! What holds for every history.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::fold,
    lane::{
        Asked, Command, Correction, Deployment, DeploymentNumber, Event, Happened, Lane, LaneId,
        Outcome, Request, RollbackTo, State, Status,
    },
    names::Version,
    wire::{Decoded, DomainEvent},
};
use shiplog_projections::{
    current::{self, AsOf, Current},
    digest::{Digest, digest},
    history::{self, History},
    page::Page,
    projection::Projection,
    releases::Releases,
    rollbacks::Rollbacks,
    runner::Runner,
    sql::Sql,
    what_if::{Policy, what_if},
};
use shiplog_store::log::Recorded;

use crate::support::{RECORDING_BEGINS, World, ask, lane, release, report, request, stated};

pub(crate) const SERVICES: [&str; 2] = ["checkout", "search"];

fn second() -> impl Strategy<Value = i64> {
    0_i64..20
}

fn version() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1", "2", "3", "4"])
}

fn happened() -> impl Strategy<Value = Happened> {
    let failed = Happened::Failed { error: None, failed_step: None, log_url: None };
    let void = Happened::Correct { correction: Correction::Void, reason: "never was".into() };
    let note = Happened::Annotate { text: "noted".into(), links: Vec::new() };
    prop_oneof![
        4 => Just(Happened::Succeeded),
        3 => Just(failed),
        1 => Just(Happened::Cancel { reason: None }),
        1 => Just(Happened::Started { executor: None, log_url: None }),
        1 => Just(void),
        1 => Just(note),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed { error: Some("broken".into()) }),
        1 => Just(Outcome::Started),
    ];
    let asked = (second(), version()).prop_map(|(at, version)| {
        let labels = [("team".to_owned(), version.to_owned())].into();
        ask(Request { labels, ..request(at, Asked::Deploy(release(version))) })
    });
    let back = second().prop_map(|at| {
        let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
        ask(request(at, asked))
    });
    let told = (1_u32..8, second(), happened()).prop_map(|(number, at, happened)| {
        Command::Deployment { number: DeploymentNumber(number), when: stated(at), happened }
    });
    let removed = second().prop_map(|at| Command::Remove { when: stated(at), reason: None });
    prop_oneof![
        5 => (second(), version(), outcome).prop_map(|(at, version, how)| report(at, version, how)),
        2 => asked,
        1 => back,
        6 => told,
        1 => removed,
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<(usize, Command)>> {
    vec((0..SERVICES.len(), command()), 0..24)
}

pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn recorded(world: &World) -> Vec<Recorded<DomainEvent>> {
    let records: Vec<_> = world.log.read_all(None).try_collect().await.unwrap();
    let decode = |record: Recorded<_>| match DomainEvent::decode(&record.stream, &record.event) {
        Ok(Decoded::Known(event)) => record.with_event(event),
        other => unreachable!("{other:?}"),
    };
    records.into_iter().map(decode).collect()
}

async fn digest_of<P: Projection>(world: &World, projection: P) -> Digest {
    digest(world.fold(projection).await.tables()).unwrap()
}

/// What a lane is, told the slow way: the rules' own fold of what was known and had happened.
fn slowly(events: &[(&Recorded<DomainEvent>, &Event)], at: i64, known_at: i64) -> Told {
    let known = events.iter().filter(|(one, _)| one.recorded_at.as_second() <= known_at);
    let counts = |event: &Event| {
        // Without its request a deployment has no number; when it was asked for is looked at below.
        let requested = matches!(event, Event::Requested(_));
        let void = matches!(event, Event::Corrected(one) if one.correction == Correction::Void);
        requested || void || event.at().as_second() <= at
    };
    let state: State = fold::<Lane>(known.map(|(_, event)| *event).filter(|event| counts(event)));
    let open = state.deployments().iter().rev().find(|one| {
        one.requested.at.as_second() <= at && !one.is_void() && !one.status().is_final()
    });
    let running = state.running();
    Told {
        running: running.map(|one| (one.number(), one.finished_at().unwrap())),
        in_progress: open.map(Deployment::number),
        failed: state.last_failed().map(|one| (one.number(), one.finished_at().unwrap())),
    }
}

/// What ran in a lane, the latest first, told the slow way: after each thing that happened, in the
/// order in which it did, the rules' own fold of what was known and had happened by then.
fn slowly_ran(events: &[(&Recorded<DomainEvent>, &Event)], at: i64, known_at: i64) -> Vec<Version> {
    let known = || events.iter().filter(|(one, _)| one.recorded_at.as_second() <= known_at);
    let mut places: Vec<_> = known().map(|(one, event)| (event.at(), one.position)).collect();
    places.retain(|(happened, _)| happened.as_second() <= at);
    places.sort_unstable();
    let mut ran: Vec<(DeploymentNumber, Timestamp, Version)> = Vec::new();
    for place in places {
        let counts = |position, event: &Event| {
            let void = matches!(event, Event::Corrected(one) if one.correction == Correction::Void);
            matches!(event, Event::Requested(_)) || void || (event.at(), position) <= place
        };
        let had_happened = known().filter(|(one, event)| counts(one.position, event));
        let state: State = fold::<Lane>(had_happened.map(|(_, event)| *event));
        if let Some(running) = state.running() {
            let version = running.release().version.clone();
            ran.push((running.number(), running.finished_at().unwrap(), version));
        }
    }
    ran.dedup();
    ran.into_iter().rev().map(|(_, _, version)| version).collect()
}

#[derive(Debug, PartialEq)]
struct Told {
    running: Option<(DeploymentNumber, Timestamp)>,
    in_progress: Option<DeploymentNumber>,
    failed: Option<(DeploymentNumber, Timestamp)>,
}

fn told(lane: Option<current::LaneNow>) -> Told {
    let Some(lane) = lane else { return Told { running: None, in_progress: None, failed: None } };
    Told {
        running: lane.running.map(|one| (one.number, one.at)),
        in_progress: lane.in_progress.map(|one| one.number),
        failed: lane.last_failed.map(|one| (one.number, one.at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuild_equals_a_model_restarted_at_every_step(steps in steps()) {
        run(async {
            let world = World::new();
            let files = tempfile::tempdir().unwrap();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
                restart(&world, files.path()).await;
            }
            let live = restart(&world, files.path()).await;
            let rebuilt = [
                digest_of(&world, Current).await,
                digest_of(&world, History).await,
                digest_of(&world, Rollbacks).await,
                digest_of(&world, Releases).await,
                digest_of(&world, Sql).await,
            ];
            prop_assert_eq!(live, rebuilt);
            Ok(())
        })?;
    }

    #[test]
    fn under_the_rules_that_held_nothing_would_have_been_otherwise(steps in steps()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let report = what_if(&*world.log, &Policy::default()).await.unwrap();
            prop_assert!(report.differences.is_empty(), "{:?}", report.differences);
            let asked = recorded(&world).await.iter().filter(|one| {
                matches!(one.event, DomainEvent::Lane(Event::Requested(_)))
            }).count() as u64;
            prop_assert_eq!(report.deployments, asked);
            Ok(())
        })?;
    }

    #[test]
    fn what_a_lane_was_at_any_instant_is_what_its_rules_make_of_what_was_known(
        steps in steps(),
        instants in vec((-1_i64..21, 0_i64..40), 12),
    ) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let model = world.fold(Current).await;
            let records = recorded(&world).await;
            for service in SERVICES {
                let lane = lane(service);
                let events = of_lane(&records, &lane);
                for (at, known) in instants.iter().copied().chain([(i64::MAX, i64::MAX)]) {
                    let known_at = RECORDING_BEGINS.saturating_add(known);
                    let instant = |second: i64| Timestamp::from_second(second).ok();
                    let as_of = AsOf { at: instant(at), known_at: instant(known_at) };
                    let found = model.look(|view| current::lane(view, &lane, as_of)).unwrap();
                    prop_assert_eq!(told(found), slowly(&events, at, known_at), "{:?}", as_of);
                    let ran = |until: &str| {
                        let goes_on = |version: &Version| version.as_str() != until;
                        model.look(|view| current::ran(view, &lane, as_of, goes_on)).unwrap()
                    };
                    let mut expected = slowly_ran(&events, at, known_at);
                    prop_assert_eq!(ran("none"), expected.clone(), "{:?}", as_of);
                    let first = expected.iter().position(|version| version.as_str() == "2");
                    expected.truncate(first.map_or(usize::MAX, |first| first + 1));
                    prop_assert_eq!(ran("2"), expected, "{:?}", as_of);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_history_says_of_each_deployment_what_its_lane_says(steps in steps()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let model = world.fold(History).await;
            let records = recorded(&world).await;
            let listed = model.look(|view| {
                history::list(view, &history::Filter::default(), &Page::first(1_000))
            }).unwrap();
            let mut left: BTreeMap<_, _> = listed.items.into_iter()
                .map(|entry| ((entry.lane.clone(), entry.deployment.number()), entry))
                .collect();
            for service in SERVICES {
                let lane = lane(service);
                let events = of_lane(&records, &lane);
                let state: State = fold::<Lane>(events.iter().map(|(_, event)| *event));
                for deployment in state.deployments() {
                    let number = deployment.number();
                    let entry = left.remove(&(lane.clone(), number)).unwrap();
                    prop_assert_eq!(&entry.deployment, deployment);
                    let replaced = state.replaced(number).map(Deployment::number);
                    prop_assert_eq!(entry.replaced.map(|place| place.number), replaced);
                    if deployment.status() == Status::Succeeded && !deployment.is_void() {
                        prop_assert_eq!(Some(entry.classification), state.classification(number));
                    }
                }
            }
            prop_assert!(left.is_empty());
            Ok(())
        })?;
    }
}

fn of_lane<'r>(
    records: &'r [Recorded<DomainEvent>],
    lane: &LaneId,
) -> Vec<(&'r Recorded<DomainEvent>, &'r Event)> {
    let stream = lane.stream();
    let event = |record: &'r Recorded<DomainEvent>| match &record.event {
        DomainEvent::Lane(event) => Some((record, event)),
        DomainEvent::Release(_) | DomainEvent::Environment(_) | DomainEvent::Projection(_) => None,
    };
    records.iter().filter(|record| record.stream == stream).filter_map(event).collect()
}

async fn restart(world: &World, directory: &std::path::Path) -> [Digest; 5] {
    async fn one<P: Projection>(
        projection: P,
        world: &World,
        directory: &std::path::Path,
    ) -> Digest {
        let mut runner = Runner::open(projection, directory, world.log.id()).unwrap();
        runner.catch_up_to(&*world.log, None).await.unwrap();
        digest(runner.tables()).unwrap()
    }
    [
        one(Current, world, directory).await,
        one(History, world, directory).await,
        one(Rollbacks, world, directory).await,
        one(Releases, world, directory).await,
        one(Sql, world, directory).await,
    ]
}
