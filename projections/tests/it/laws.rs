//! What holds for every history.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::fold,
    lane::{
        Asked, Command, Correction, Deployment, DeploymentNumber, Event, Happened, Intent, Lane,
        LaneId, Outcome, Report, Request, RollbackTo, State, Status,
    },
    names::{TargetName, Version},
    release::{Artifact, Manifest},
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

use crate::support::{RECORDING_BEGINS, World, ask, lane, release, request, stated};

pub(crate) const SERVICES: [&str; 2] = ["checkout", "search"];

/// Releases that differ in their version, and two tags that move: one by its commit alone.
fn manifest() -> impl Strategy<Value = Manifest> {
    let tagged = |version: &str, digest: &str, commit: &str| Manifest {
        artifacts: vec![Artifact { name: "img".into(), digest: digest.into(), media_type: None }],
        commit: Some(commit.into()),
        ..release(version)
    };
    let built =
        |version, commit: &str| Manifest { commit: Some(commit.into()), ..release(version) };
    prop::sample::select(vec![
        release("1"),
        release("2"),
        release("3"),
        built("3", "1111111"),
        built("3", "2222222"),
        tagged("4", "sha256:1", "1111111"),
        tagged("4", "sha256:2", "1111111"),
    ])
}

fn happened() -> impl Strategy<Value = Happened> {
    let failed = Happened::Failed { error: None, failed_step: None, log_url: None };
    let void = Happened::Correct { correction: Correction::Void, reason: "never was".into() };
    let note = Happened::Annotate { text: "noted".into(), links: Vec::new() };
    prop_oneof![
        4 => Just(Happened::Succeeded),
        3 => Just(failed),
        1 => Just(Happened::Cancel { reason: None }),
        2 => Just(Happened::Started { executor: None, log_url: None }),
        2 => on_target(),
        1 => Just(Happened::Correct { correction: Correction::Intent { intent: Intent::Deploy }, reason: "it was none".into() }),
        1 => Just(Happened::Correct { correction: Correction::Intent { intent: Intent::Rollback { restores: None, reverts: Vec::new() } }, reason: "it was one".into() }),
        1 => Just(void),
        1 => Just(note),
    ]
}

fn on_target() -> impl Strategy<Value = Happened> {
    let target = prop::sample::select(vec!["eu", "us"]).prop_map(|name| name.parse().unwrap());
    (target, 0..3_u8).prop_map(|(target, how): (TargetName, u8)| match how {
        0 => Happened::TargetStarted(target),
        1 => Happened::TargetSucceeded(target),
        _ => Happened::TargetFailed { target, error: None },
    })
}

/// Commands of twenty seconds from here on.
pub(crate) fn command(base: i64) -> impl Strategy<Value = Command> {
    let second = move || base..base + 20;
    let outcome = prop_oneof![
        4 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed { error: Some("broken".into()) }),
        1 => Just(Outcome::Started),
    ];
    let asked = (second(), manifest()).prop_map(|(at, release)| {
        let labels = [("team".to_owned(), release.version.to_string())].into();
        ask(Request { labels, ..request(at, Asked::Deploy(release)) })
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
        5 => (second(), manifest(), outcome).prop_map(|(at, release, outcome)| {
            let request = request(at, Asked::Unknown(release));
            Command::Report(Report { request, outcome })
        }),
        2 => asked,
        1 => back,
        6 => told,
        1 => removed,
    ]
}

/// What happens long before it is recorded.
pub(crate) fn steps() -> impl Strategy<Value = Vec<(usize, Command)>> {
    vec((0..SERVICES.len(), command(0)), 0..24)
}

/// What happens about when it is recorded: some of it is recorded for later.
pub(crate) fn steps_about_now() -> impl Strategy<Value = Vec<(usize, Command)>> {
    vec((0..SERVICES.len(), command(RECORDING_BEGINS + 10)), 0..24)
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

/// What happened in a lane, in the order of recording.
pub(crate) async fn recorded_of(world: &World, lane: &LaneId) -> Vec<Event> {
    let records = recorded(world).await;
    of_lane(&records, lane).into_iter().map(|(_, event)| event.clone()).collect()
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
    let open = || {
        state.deployments().iter().rev().filter(|one| {
            let is_there = one.requested.at.as_second() <= at || one.has_begun();
            is_there && !one.is_void() && !one.status().is_final()
        })
    };
    let begun = open().find(|one| one.has_begun());
    let waits = open().filter(|one| !one.has_begun()).count();
    let in_progress = begun.or_else(|| open().next()).map(Deployment::number);
    let running = state.running();
    Told {
        running: running.map(|one| (one.number(), slowly_since(&state))),
        in_progress,
        queued: waits.saturating_sub(usize::from(begun.is_none())),
        doubt: slowly_doubted(&state),
        failed: state.last_failed().map(|one| (one.number(), one.finished_at().unwrap())),
    }
}

/// Since when what runs has run: the first of the last successes in a row that put the same there.
fn slowly_since(state: &State) -> Timestamp {
    let effects = state.effects();
    let of = |place: usize| state.deployment(effects[place].number?);
    let last = effects.len() - 1;
    let first = (0..=last)
        .rev()
        .take_while(|place| of(*place).is_some_and(|one| one.states_same_as(of(last).unwrap())));
    effects[first.last().unwrap()].at
}

/// The deployment that left the lane in doubt: of those that have ended or failed on a target since
/// anything took effect, the last.
fn slowly_doubted(state: &State) -> Option<DeploymentNumber> {
    let last = state.effects().last().map(|effect| (effect.at, effect.record));
    let doubts = state.deployments().iter().filter(|one| !one.is_void()).filter_map(|one| {
        let on = |status| one.targets.values().filter(move |target| target.status == status);
        let place = match one.settled() {
            None => on(Status::Failed).map(|target| (target.at, target.record)).max()?,
            Some(end) => {
                let is_doubtful = match end.status {
                    Status::Failed => true,
                    Status::Cancelled | Status::Rejected => {
                        one.started.is_some() || !one.targets.is_empty()
                    }
                    Status::Requested | Status::Started | Status::Succeeded => {
                        on(Status::Failed).chain(on(Status::Started)).next().is_some()
                    }
                };
                is_doubtful.then_some((end.at, end.record))?
            }
        };
        (Some(place) >= last).then_some((place, one.number()))
    });
    doubts.max().map(|(_, number)| number)
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
            ran.push((running.number(), slowly_since(&state), version));
        }
    }
    ran.dedup();
    ran.into_iter().rev().map(|(_, _, version)| version).collect()
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    running: Option<(DeploymentNumber, Timestamp)>,
    in_progress: Option<DeploymentNumber>,
    /// How many wait beside what is in progress.
    queued: usize,
    /// What left the lane in doubt.
    doubt: Option<DeploymentNumber>,
    failed: Option<(DeploymentNumber, Timestamp)>,
}

fn told(lane: Option<current::LaneNow>) -> Told {
    let Some(lane) = lane else { return Told::default() };
    Told {
        queued: lane.queued_count as usize,
        doubt: lane.doubt.map(|(number, _)| number),
        running: lane.running.map(|one| (one.number, one.at)),
        in_progress: lane.in_progress.map(|(one, _)| one.number),
        failed: lane.last_failed.map(|one| (one.number, one.at)),
    }
}

/// That each lane is, as of instants by both clocks, what its rules make of what was known and had happened.
async fn are_lanes_as_known(world: &World, instants: &[(i64, i64)]) -> Result<(), TestCaseError> {
    let model = world.fold(Current).await;
    let records = recorded(world).await;
    for service in SERVICES {
        let lane = lane(service);
        let events = of_lane(&records, &lane);
        let latest = Timestamp::MAX.as_second();
        for (at, known) in instants.iter().copied().chain([(latest, i64::MAX)]) {
            let known_at = RECORDING_BEGINS.saturating_add(known);
            let instant = |second: i64| Timestamp::from_second(second).ok();
            let as_of = AsOf { at: instant(at).unwrap(), known_at: instant(known_at) };
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
            are_lanes_as_known(&world, &instants).await
        })?;
    }

    #[test]
    fn the_same_holds_where_servers_recorded_it_whose_clocks_differ(
        steps in steps(),
        behind in vec(0_i64..12, 1..6),
        instants in vec((-1_i64..21, -12_i64..40), 12),
    ) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            are_lanes_as_known(&world.recorded_by(&behind).await, &instants).await
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
                    let taken_back = state.taken_back();
                    prop_assert_eq!(
                        entry.taken_back.map(|rollback| rollback.number),
                        taken_back.get(&number).copied(),
                        "{}", number
                    );
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
