//! Every history folds, and what follows from it hangs together.

use std::{collections::BTreeSet, str::FromStr as _};

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::{Decider, fold},
    environment::Environment,
    lane::{
        Correction, Deployment, DeploymentNumber, Effect, Event, Lane, OutcomeReport, State,
        Status, TargetFailed, TargetReport,
    },
    names::TargetName,
    release::Release,
};

use crate::{
    arbitrary::{command, environment_event, lane_event, release_event},
    samples::{
        at, cancelled, clock, corrected, deploy, failed, rejected, removed, started, succeeded,
    },
};

fn took_effect(deployment: &Deployment) -> bool {
    deployment.status() == Status::Succeeded && !deployment.is_void()
}

/// What is true of a lane whatever happened in it.
fn hangs_together(state: &State) -> Result<(), TestCaseError> {
    for (deployment, expected) in state.deployments().iter().zip(1..) {
        prop_assert_eq!(deployment.number().0, expected);
        prop_assert_eq!(state.deployment(deployment.number()), Some(deployment));
        prop_assert!(state.classification(deployment.number()).is_some());
    }
    prop_assert!(state.effects().is_sorted_by_key(|effect| effect.at));
    let found: Vec<_> = state.effects().iter().filter_map(|effect| effect.number).collect();
    let expected: BTreeSet<_> =
        state.deployments().iter().filter(|one| took_effect(one)).map(Deployment::number).collect();
    prop_assert_eq!(found.len(), expected.len(), "each takes effect once: {:?}", found);
    prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    for Effect { at, number, .. } in state.effects() {
        let finished = number.map(|number| state.deployment(number).unwrap().finished_at());
        prop_assert!(finished.is_none_or(|finished| finished == Some(*at)));
    }
    prop_assert!(state.running().is_none_or(took_effect));
    let open = |one: &Deployment| !one.status().is_final() && !one.is_void();
    prop_assert!(state.in_progress().is_none_or(open));
    let failed = |one: &Deployment| one.status() == Status::Failed && !one.is_void();
    prop_assert!(state.last_failed().is_none_or(failed));
    prop_assert_eq!(state.last_failed().is_some(), state.deployments().iter().any(failed));
    Ok(())
}

proptest! {
    #[test]
    fn any_history_of_a_lane_folds_and_hangs_together(history in vec(lane_event(), 0..50)) {
        hangs_together(&fold::<Lane>(&history))?;
    }

    #[test]
    fn what_was_decided_hangs_together(commands in vec(command(), 0..40)) {
        let state = commands.into_iter().fold(State::default(), |state, command| {
            let events = Lane::decide(&state, command).unwrap_or_default();
            events.iter().fold(state, Lane::evolve)
        });
        hangs_together(&state)?;
    }

    #[test]
    fn any_history_of_a_release_folds(history in vec(release_event(), 0..20)) {
        fold::<Release>(&history);
    }

    #[test]
    fn any_history_of_an_environment_folds(history in vec(environment_event(), 0..20)) {
        fold::<Environment>(&history);
    }
}

/// Deployments that are asked for, then what is told of them, each at a minute of its own.
fn told() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    (1..=5_u32, vec((0..10_u8, 1..=5_u32), 0..24)).prop_map(|(deployments, told)| {
        let asked = (1..=deployments).map(|number| deploy(number, &number.to_string(), "00:00"));
        let tell = |((what, number), minute): ((u8, u32), u32)| {
            let time = &*clock(minute);
            match what {
                0..=3 => succeeded(number, time),
                4..=5 => failed(number, time),
                6 => cancelled(number, time),
                7 => rejected(number, "ada", time),
                8 => removed(time),
                _ => started(number, time),
            }
        };
        (asked.collect(), told.into_iter().zip(1..).map(tell).collect())
    })
}

/// The same in two orders of arrival.
fn told_in_two_orders() -> impl Strategy<Value = [Vec<Event>; 2]> {
    let void = (0..4_u8, 1..=5_u32).prop_map(|(odds, number)| {
        (odds == 0).then(|| corrected(number, Correction::Void, "23:00"))
    });
    (told(), void).prop_flat_map(|((asked, mut told), void)| {
        told.extend(void);
        let other = Just(told.clone()).prop_shuffle();
        (Just(asked), Just(told), other).prop_map(|(asked, one, other)| {
            [[asked.clone(), one].concat(), [asked, other].concat()]
        })
    })
}

/// How one deployment ended, from the definition: what was said of the latest time holds, and
/// holds since the first of those that say the same with nothing else between them.
fn ending(deployment: &Deployment) -> Option<OutcomeReport> {
    let mut reports = deployment.outcomes.clone();
    reports.sort_by_key(|report| report.at);
    let status = reports.last()?.status;
    reports.into_iter().rev().take_while(|report| report.status == status).last()
}

/// What runs, from the definition: the last success by time, unless a removal came after it.
fn runs(history: &[Event], state: &State) -> Option<u32> {
    let removals = history.iter().filter(|event| matches!(event, Event::Removed(_)));
    let removals = removals.map(|event| (event.at(), None));
    let successes = state.deployments().iter().filter(|one| !one.is_void()).filter_map(|one| {
        let ending = ending(one)?;
        (ending.status == Status::Succeeded).then_some((ending.at, Some(one.number().0)))
    });
    removals.chain(successes).max_by_key(|(at, _): &(Timestamp, _)| *at)?.1
}

/// What happens to targets of a few deployments, each at some minute.
fn on_targets() -> impl Strategy<Value = Vec<Event>> {
    let one =
        (0..3_u8, 1..=3_u32, 0..2_u8, 0..24_u32).prop_map(|(what, number, target, minute)| {
            let (number, at) = (DeploymentNumber(number), at(&clock(minute)));
            let target = TargetName::from_str(["eu", "us"][usize::from(target)]).unwrap();
            match what {
                0 => Event::TargetStarted(TargetReport { number, at, target }),
                1 => Event::TargetSucceeded(TargetReport { number, at, target }),
                _ => Event::TargetFailed(TargetFailed { number, at, target, error: None }),
            }
        });
    vec(one, 0..12)
}

proptest! {
    /// However late it is told, and whatever is told of later.
    #[test]
    fn as_of_an_instant_a_lane_is_what_happened_until_then(
        (asked, told) in told(),
        on_targets in on_targets(),
        seed in any::<prop::sample::Selector>(),
        minute in 0..26_u32,
    ) {
        let now = at(&clock(minute));
        let mut told = [told, on_targets].concat();
        told.retain(|event| event.number().is_none_or(|number| number.0 as usize <= asked.len()));
        let mut shuffled = Vec::new();
        while !told.is_empty() {
            let next = seed.select(0..told.len());
            shuffled.push(told.swap_remove(next));
        }
        let all = fold::<Lane>(&[asked.clone(), shuffled.clone()].concat());
        shuffled.retain(|event| event.at() <= now);
        let known = fold::<Lane>(&[asked, shuffled].concat());
        let state = all.as_of(now);
        let told = |state: &State| {
            [state.running(), state.in_progress(), state.last_failed()]
                .map(|deployment| deployment.map(Deployment::number))
        };
        prop_assert_eq!(told(&state), told(&known));
        prop_assert_eq!(state.is_in_doubt(), known.is_in_doubt());
        for (one, other) in state.deployments().iter().zip(known.deployments()) {
            let told = |one: &Deployment| {
                let targets = one.targets.iter().map(|(name, told)| (name.clone(), told.status, told.at));
                targets.collect::<Vec<_>>()
            };
            prop_assert_eq!((one.status(), told(one)), (other.status(), told(other)));
        }
    }

    #[test]
    fn the_order_in_which_reports_arrive_changes_nothing(orders in told_in_two_orders()) {
        let [one, other] = orders.each_ref().map(fold::<Lane>);
        let effects = |state: &State| {
            state.effects().iter().map(|effect| (effect.at, effect.number)).collect::<Vec<_>>()
        };
        prop_assert_eq!(effects(&one), effects(&other));
        let numbers = |state: &State| {
            [state.running(), state.in_progress(), state.last_failed()]
                .map(|deployment| deployment.map(Deployment::number))
        };
        prop_assert_eq!(numbers(&one), numbers(&other));
        for (one, other) in one.deployments().iter().zip(other.deployments()) {
            prop_assert_eq!(one.status(), other.status());
            prop_assert_eq!(one.finished_at(), other.finished_at());
            prop_assert_eq!(one.is_contradicted(), other.is_contradicted());
            prop_assert_eq!(&one.started, &other.started);
        }
    }

    #[test]
    fn what_runs_is_what_the_definition_says(orders in told_in_two_orders()) {
        for history in orders {
            let state = fold::<Lane>(&history);
            prop_assert_eq!(state.running().map(|one| one.number().0), runs(&history, &state));
            for deployment in state.deployments() {
                let ending = ending(deployment);
                prop_assert_eq!(deployment.finished_at(), ending.map(|ending| ending.at));
                let ended = Some(deployment.status()).filter(|status| status.is_final());
                prop_assert_eq!(ended, ending.map(|ending| ending.status));
            }
        }
    }
}
