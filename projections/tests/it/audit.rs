//! What is told of rollbacks adds up, and none goes by itself where a fact speaks against it, told
//! once more as naively as can be.

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::Decider,
    lane::{
        Asked, Command, Correction, Deployment, DeploymentNumber, Event, Happened, Health, Intent,
        Lane, LaneId, RollbackTo, State, Status,
    },
};
use shiplog_projections::{
    page::Page,
    rollbacks::{self, Rollback, Rollbacks},
    view::View,
};

use crate::{
    laws::{SERVICES, command, recorded_of, run},
    support::{World, ask, lane, request, stated},
};

/// What happened in a lane, with harm that is reported of what ran.
fn steps() -> impl Strategy<Value = Vec<(usize, Command)>> {
    let correction = prop_oneof![
        2 => Just(Correction::Blamed),
        1 => Just(Correction::Cleared),
    ];
    let blame = correction
        .prop_map(|correction| Happened::Correct { correction, reason: "it loses orders".into() });
    let health = prop::sample::select(vec![Health::Healthy, Health::Degraded, Health::Unhealthy])
        .prop_map(|health| Happened::Health { health, source: None, detail: None });
    let harm =
        (1_u32..8, 0_i64..20, prop_oneof![blame, health]).prop_map(|(number, at, happened)| {
            Command::Deployment { number: DeploymentNumber(number), when: stated(at), happened }
        });
    let step = prop_oneof![6 => command(0), 1 => harm];
    vec((0..SERVICES.len(), step), 0..40)
}

/// A lane's effects, each with what took effect.
struct Naive<'s> {
    state: &'s State,
    effects: Vec<((Timestamp, u64), Option<&'s Deployment>)>,
}

impl<'s> Naive<'s> {
    fn of(state: &'s State, removals: &[(Timestamp, u64)]) -> Self {
        let worked = state.deployments().iter().filter(|one| !one.is_void()).filter_map(|one| {
            let end = one.settled().filter(|end| end.status == Status::Succeeded)?;
            Some(((end.at, end.record), Some(one)))
        });
        let mut effects: Vec<_> =
            worked.chain(removals.iter().map(|removal| (*removal, None))).collect();
        effects.sort_by_key(|(point, _)| *point);
        Self { state, effects }
    }

    fn place(&self, number: DeploymentNumber) -> Option<usize> {
        self.effects.iter().position(|(_, one)| one.is_some_and(|one| one.number() == number))
    }

    /// What the effect at a place took back if it is a rollback: newest first.
    fn reverts(&self, place: usize) -> Option<(Option<usize>, Vec<DeploymentNumber>)> {
        let own = self.effects[place].1?;
        let is_release = |at: &usize| {
            let one = self.effects[*at].1;
            one.is_some_and(|one| one.release().identity().is(&own.release().identity()))
        };
        let last = (0..place).rev().find(is_release);
        let restored = match own.intent() {
            Intent::Rollback { restores: Some(number), .. } => {
                self.place(*number).filter(|restored| *restored < place).or(last)
            }
            Intent::Rollback { restores: None, .. } => last,
            Intent::Deploy
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
            | Intent::Unknown => {
                // It went back if it ran before what it replaced first ran.
                let replaced = self.effects[..place].iter().rev().find_map(|(_, one)| *one)?;
                let first = |of: &Deployment| {
                    let alike =
                        |one: &&Deployment| one.release().identity().is(&of.release().identity());
                    let mut ran = self.effects[..place].iter();
                    ran.position(|(_, one)| one.as_ref().is_some_and(alike))
                };
                let removed = self.effects[place - 1].1.is_none();
                let same = replaced.release().identity().is(&own.release().identity());
                if removed && same || first(own)? >= first(replaced)? {
                    return None;
                }
                last
            }
        };
        let since = place.checked_sub(1).map(|before| self.effects[before].0);
        let mut doubts: Vec<_> = self
            .state
            .deployments()
            .iter()
            .filter_map(|one| {
                let doubt = one.doubt().filter(|_| one.took_effect().is_none())?;
                let point = (doubt.at, doubt.record);
                (Some(point) > since && point < self.effects[place].0)
                    .then_some((point, one.number()))
            })
            .collect();
        doubts.sort_unstable_by(|one, other| other.cmp(one));
        let first = restored.map_or(place.saturating_sub(1), |restored| restored + 1);
        let ran = self.effects[first..place].iter().rev();
        let ran = ran.filter_map(|(_, one)| one.map(Deployment::number));
        Some((restored, doubts.into_iter().map(|(_, number)| number).chain(ran).collect()))
    }

    /// Since when the content of what took effect at a place had run without a break.
    fn since(&self, place: usize) -> Timestamp {
        let own = self.effects[place].1.unwrap();
        let same = (0..=place)
            .rev()
            .take_while(|at| self.effects[*at].1.is_some_and(|one| one.states_same_as(own)));
        self.effects[same.last().unwrap()].0.0
    }

    /// What an effective rollback is to be told as.
    fn audit(&self, rollback: &Deployment) -> Option<Audit> {
        let place = self.place(rollback.number())?;
        let (to, reverts) = self.reverts(place)?;
        let own = rollback.release().identity();
        let deployment = |number| self.state.deployment(number).unwrap();
        let left = reverts
            .iter()
            .copied()
            .find(|number| !deployment(*number).release().identity().is(&own));
        let before = place.checked_sub(1).and_then(|before| self.effects[before].1);
        let from = left.or(before.map(Deployment::number));
        let began = from.and_then(|from| self.place(from)).map(|from| self.since(from));
        let at = self.effects[place].0.0;
        let restored = match rollback.intent() {
            Intent::Rollback { restores, .. } => *restores,
            Intent::Deploy
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
            | Intent::Unknown => None,
        };
        let restored = restored.filter(|number| self.state.deployment(*number).is_some());
        Some(Audit {
            to: to.and_then(|to| self.effects[to].1).map(Deployment::number).or(restored),
            left_at: began.or_else(|| deployment(from?).finished_at()),
            from,
            reverts,
            ran_for_ms: began.map(|began| at.as_millisecond() - began.as_millisecond()),
        })
    }

    /// The rollback that took a deployment back first, if one did.
    fn taken_back_by(&self, number: DeploymentNumber) -> Option<DeploymentNumber> {
        let release = self.state.deployment(number)?.release();
        (0..self.effects.len()).find_map(|place| {
            let rollback = self.effects[place].1?;
            let (_, reverts) = self.reverts(place)?;
            let is_other = !rollback.release().identity().is(&release.identity());
            (is_other && reverts.contains(&number)).then(|| rollback.number())
        })
    }
}

#[derive(Debug, PartialEq)]
struct Audit {
    from: Option<DeploymentNumber>,
    to: Option<DeploymentNumber>,
    reverts: Vec<DeploymentNumber>,
    left_at: Option<Timestamp>,
    ran_for_ms: Option<i64>,
}

fn told(rollback: &Rollback) -> Audit {
    let Rollback { from, to, reverts, left_at, ran_for_ms, .. } = rollback;
    let number = |place: &Option<shiplog_projections::history::Place>| {
        place.as_ref().map(|place| place.number)
    };
    Audit {
        from: number(from),
        to: number(to),
        reverts: reverts.iter().map(|place| place.number).collect(),
        left_at: *left_at,
        ran_for_ms: *ran_for_ms,
    }
}

/// A lane as its events leave it, and when the service was removed from it.
async fn lived(world: &World, lane: &LaneId) -> (State, Vec<(Timestamp, u64)>) {
    let events = recorded_of(world, lane).await;
    let removals = events.iter().zip(0..).filter_map(|(event, record)| {
        let Event::Removed(removed) = event else { return None };
        Some((removed.at, record))
    });
    let removals = removals.collect();
    (events.iter().fold(State::default(), Lane::evolve), removals)
}

/// What speaks against a deployment that worked, told of everything that put the same there.
fn speaks_against(naive: &Naive<'_>, one: &Deployment) -> Vec<&'static str> {
    let alike = || {
        let all = naive.state.deployments().iter();
        all.filter(|other| !other.is_void() && other.is_same_as(one))
    };
    let last =
        naive.effects.iter().rev().find_map(|(_, other)| {
            other.filter(|other| other.is_same_as(one)).map(Deployment::number)
        });
    let health = alike().filter_map(|one| one.health.as_ref()).max_by_key(|report| report.at);
    let mut against = Vec::new();
    against.extend(last.and_then(|last| naive.taken_back_by(last)).map(|_| "taken back"));
    against.extend(alike().any(Deployment::is_blamed).then_some("blamed"));
    against.extend(health.filter(|one| one.health == Health::Unhealthy).map(|_| "unhealthy"));
    against
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_figures_of_the_audit_are_those_of_a_computation_of_their_own(steps in steps()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            let model = world.fold(Rollbacks).await;
            let all = |view: &View<'_>| {
                rollbacks::list(view, &rollbacks::Filter::default(), &Page::first(1_000))
            };
            let listed = model.look(all).unwrap().items;
            for service in SERVICES {
                let lane = lane(service);
                let (state, removals) = lived(&world, &lane).await;
                let naive = Naive::of(&state, &removals);
                let mut left: Vec<_> =
                    listed.iter().filter(|one| one.entry.lane == lane).collect();
                for deployment in state.deployments() {
                    let number = deployment.number();
                    let found = left.iter().position(|one| one.entry.deployment.number() == number);
                    let found = found.map(|found| left.remove(found));
                    if let Some(expected) = naive.audit(deployment) {
                        let found = found.expect("it went back");
                        prop_assert_eq!(told(found), expected, "{}", number);
                    }
                    let Some(found) = found else { continue };
                    for ms in [found.ran_for_ms, found.to_request_ms(), found.to_end_ms()] {
                        prop_assert!(ms.is_none_or(|ms| ms >= 0), "{:?} of {}", ms, number);
                    }
                }
                prop_assert!(left.is_empty());
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_rollback_without_a_target_never_goes_where_a_fact_speaks_against_it(steps in steps()) {
        run(async {
            let world = World::new();
            for (service, command) in steps {
                world.tell(&lane(SERVICES[service]), command).await;
            }
            for service in SERVICES {
                let (state, removals) = lived(&world, &lane(service)).await;
                let naive = Naive::of(&state, &removals);
                let back = Asked::Rollback { to: RollbackTo::Previous, release: None };
                let Ok(events) = Lane::decide(&state, ask(request(100, back))) else { continue };
                let Some(Event::Requested(requested)) = events.first() else { panic!("{events:?}") };
                let Intent::Rollback { restores: Some(restores), .. } = requested.intent else {
                    panic!("{requested:?}")
                };
                let target = state.deployment(restores).unwrap();
                prop_assert_eq!(target.status(), Status::Succeeded);
                prop_assert_eq!(speaks_against(&naive, target), Vec::<&str>::new(), "{}", restores);
                let is_left = |one: &Deployment| !matches!(one.intent(), Intent::Rollback { .. });
                let newest = state.doubts().next().and_then(|doubt| state.deployment(doubt.number));
                match newest {
                    None => prop_assert!(!state.running().unwrap().is_same_as(target)),
                    Some(newest) => prop_assert!(!is_left(newest) || !newest.is_same_as(target)),
                }
            }
            Ok(())
        })?;
    }
}
