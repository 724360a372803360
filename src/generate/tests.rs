//! What every history holds to, and what the demonstration has to show.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use shiplog_domain::{
    decider::Decider,
    environment::{self, Environment},
    lane::{self, Correction, Event, Intent, Lane, LaneId, Status},
    metadata::ActorKind,
    release::{self, Release},
    stream::StreamName,
};
use shiplog_store::{clock::SystemClock, log::Log, sqlite::SqliteLog};

use super::{Plan, Step, What, cast::TEAMS, history, load, load::Summary};

fn until() -> Timestamp {
    "2026-11-18T15:20:00Z".parse().unwrap()
}

fn small() -> Plan {
    Plan { services: 9, deployments: 400, months: 2, ..Plan::demo(until()) }
}

/// The streams of a history, folded.
#[derive(Default)]
struct World {
    lanes: HashMap<StreamName, lane::State>,
    releases: HashMap<StreamName, release::State>,
    environments: HashMap<StreamName, environment::State>,
    events: Vec<Event>,
    governed: Vec<environment::Event>,
    judged: Vec<release::Event>,
}

fn judge<D: Decider<Refusal: std::fmt::Debug>>(
    states: &mut HashMap<StreamName, D::State>,
    stream: &StreamName,
    command: D::Command,
) -> Vec<D::Event> {
    let state = states.remove(stream).unwrap_or_default();
    let events = D::decide(&state, command).unwrap_or_else(|no| panic!("{stream}: {no:?}"));
    states.insert(stream.clone(), events.iter().fold(state, D::evolve));
    events
}

impl World {
    /// Takes every step as it comes; panics if one is refused or says nothing new.
    fn of(plan: &Plan) -> Self {
        let mut world = Self::default();
        for Step { stream, what, .. } in history(plan) {
            let shown = format!("{what:?}");
            let count = match what {
                What::Lane(command) => {
                    let events = judge::<Lane>(&mut world.lanes, &stream, *command);
                    world.events.extend(events.iter().cloned());
                    events.len()
                }
                What::Release(command) => {
                    let events = judge::<Release>(&mut world.releases, &stream, command);
                    world.judged.extend(events.iter().cloned());
                    events.len()
                }
                What::Environment(command) => {
                    let events = judge::<Environment>(&mut world.environments, &stream, command);
                    world.governed.extend(events.iter().cloned());
                    events.len()
                }
            };
            // Two people may lift the same block: the second says nothing new.
            let may_repeat = shown.starts_with("Release(Unblock");
            assert!(count > 0 || may_repeat, "{stream}: {shown} says nothing new");
        }
        world
    }

    fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    fn requests(&self, wanted: impl Fn(&Intent) -> bool) -> usize {
        self.count(|event| matches!(event, Event::Requested(one) if wanted(&one.intent)))
    }
}

#[test]
fn the_same_plan_makes_the_same_history_and_another_seed_another() {
    let plan = small();
    let once: Vec<_> = history(&plan).collect();
    assert!(once.iter().cloned().eq(history(&plan)));
    assert!(!once.into_iter().eq(history(&Plan { seed: 8, ..plan })));
}

#[test]
fn the_steps_come_in_the_order_of_time_and_end_in_time() {
    let steps: Vec<_> = history(&Plan::demo(until())).collect();
    assert!(steps.is_sorted_by_key(|step| step.at));
    assert!(steps.last().is_some_and(|last| last.at <= until()));
    let keys: BTreeSet<_> =
        steps.iter().map(|step| step.metadata.idempotency_key.as_str()).collect();
    assert_eq!(keys.len(), steps.len());
}

#[test]
fn no_step_is_refused_whatever_the_seed() {
    for seed in 0..12 {
        World::of(&Plan { seed, ..small() });
    }
}

#[test]
fn the_demonstration_has_about_as_much_as_was_planned() {
    let world = World::of(&Plan::demo(until()));
    let deployments = world.requests(|_| true);
    assert!((4_000..6_500).contains(&deployments), "{deployments}");
    let services: BTreeSet<_> = world
        .lanes
        .keys()
        .filter_map(|stream| LaneId::from_stream(stream).map(|lane| lane.service))
        .collect();
    assert_eq!(services.len(), 36);
}

#[test]
fn the_demonstration_has_one_of_everything() {
    let world = World::of(&Plan::demo(until()));
    for (what, count) in [
        ("rollback", world.requests(|intent| matches!(intent, Intent::Rollback { .. }))),
        ("roll forward", world.requests(|intent| matches!(intent, Intent::RollForward { .. }))),
        ("retry", world.requests(|intent| matches!(intent, Intent::Retry { .. }))),
        ("undeclared", world.requests(|intent| *intent == Intent::Unknown)),
        ("approval", world.count(|event| matches!(event, Event::Approved(_)))),
        ("rejection", world.count(|event| matches!(event, Event::Rejected(_)))),
        ("cancellation", world.count(|event| matches!(event, Event::Cancelled(_)))),
        ("failed target", world.count(|event| matches!(event, Event::TargetFailed(_)))),
        ("health", world.count(|event| matches!(event, Event::Health(_)))),
        ("note", world.count(|event| matches!(event, Event::Annotated(_)))),
        ("removal", world.count(|event| matches!(event, Event::Removed(_)))),
        ("freeze", frozen(&world)),
        ("registration", judged(&world, |one| matches!(one, release::Event::Registered(_)))),
        ("block", judged(&world, |one| matches!(one, release::Event::Blocked(_)))),
        ("unblock", judged(&world, |one| matches!(one, release::Event::Unblocked(_)))),
        ("blame", corrections(&world, &Correction::Blamed)),
        ("clearance", corrections(&world, &Correction::Cleared)),
    ] {
        assert!(count > 0, "no {what}");
    }
    assert_eq!(corrections(&world, &Correction::Void), 1);
    let failures = world.count(|event| matches!(event, Event::Failed(_)));
    let permille = failures * 1_000 / world.requests(|_| true);
    assert!((25..70).contains(&permille), "{permille} ‰ fail");
}

fn frozen(world: &World) -> usize {
    world.governed.iter().filter(|one| matches!(one, environment::Event::Frozen(_))).count()
}

fn judged(world: &World, wanted: impl Fn(&release::Event) -> bool) -> usize {
    world.judged.iter().filter(|one| wanted(one)).count()
}

fn corrections(world: &World, wanted: &Correction) -> usize {
    world.count(|event| matches!(event, Event::Corrected(one) if one.correction == *wanted))
}

#[test]
fn the_demonstration_ends_with_something_to_look_at() {
    let world = World::of(&Plan::demo(until()));
    let production: BTreeMap<_, _> = world
        .lanes
        .iter()
        .filter(|(stream, _)| stream.as_str().ends_with("@production"))
        .filter_map(|(_, state)| state.deployments().last().map(|last| (last.status(), last)))
        .map(|(status, last)| (status.as_str(), last.number()))
        .collect();
    for status in [Status::Started, Status::Requested, Status::Failed, Status::Succeeded] {
        assert!(production.contains_key(status.as_str()), "{} in {production:?}", status.as_str());
    }
    let gone = world.lanes.values().filter(|lane| lane.running().is_none());
    assert!(gone.count() >= 2, "a service and a branch were taken out for good");
    let restored = world.lanes.values().filter(|lane| {
        let last_removal = lane.effects().iter().rposition(|effect| effect.number.is_none());
        last_removal.is_some_and(|last| last + 1 < lane.effects().len())
    });
    assert_eq!(restored.count(), 1);
}

#[test]
fn people_work_on_weekdays() {
    let steps: Vec<_> = history(&Plan::demo(until())).collect();
    let by_people = steps.iter().filter(|step| step.metadata.actor.kind == ActorKind::Person);
    let (at_work, all) = by_people.fold((0, 0), |(at_work, all), step| {
        let open = TEAMS.iter().any(|team| team.rhythm.is_open(step.at));
        (at_work + u32::from(open), all + 1)
    });
    assert!(at_work * 10 > all * 8, "{at_work} of {all}");
}

#[tokio::test]
async fn loading_a_history_twice_adds_nothing() {
    let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(SystemClock)).unwrap());
    let mut seen = Vec::new();
    let once =
        load(Arc::clone(&log), history(&small()), &mut |done| seen.push(done)).await.unwrap();
    let head = log.head().await.unwrap();
    assert!(once.recorded > 1_000 && seen.is_sorted());
    assert_eq!(once, Summary { recorded: *seen.last().unwrap(), ..Summary::default() });
    let again = load(Arc::clone(&log), history(&small()), &mut |_| {}).await.unwrap();
    assert_eq!(again, Summary { known: once.recorded, ..Summary::default() });
    assert_eq!(log.head().await.unwrap(), head);
}
