//! What is decided, whatever happened before.

use std::fmt::Debug;

use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    decider::{Decider, fold},
    environment::Environment,
    lane::{
        Asked, Command, Correction, Deployment, DeploymentNumber, Event, Happened, Intent, Lane,
        Outcome, Refusal, Report, Requested, RollbackTo, State, Status, When,
    },
    release::Release,
};

use crate::{
    arbitrary::{
        built, command, environment_command, environment_event, happened, known_number, lane_event,
        minute, release_command, release_event, rollback_to,
    },
    samples::{ask, now, request},
};

/// Asks twice; the second time nothing may come of it.
fn asked_twice<D>(state: D::State, command: D::Command) -> Result<(), TestCaseError>
where
    D: Decider<Command: Clone, Event: Debug + PartialEq, Refusal: PartialEq>,
{
    let Ok(events) = D::decide(&state, command.clone()) else { return Ok(()) };
    let state = events.iter().fold(state, D::evolve);
    prop_assert_eq!(D::decide(&state, command), Ok(Vec::new()));
    Ok(())
}

/// Some is recorded as often as it is said: each start, and each correction but a void.
fn is_recorded_once(happened: &Happened) -> bool {
    match happened {
        Happened::Approve { .. }
        | Happened::Reject { .. }
        | Happened::Cancel { .. }
        | Happened::Succeeded
        | Happened::Failed { .. }
        | Happened::Correct { correction: Correction::Void, .. } => true,
        Happened::Started { .. }
        | Happened::Claim { .. }
        | Happened::TargetStarted(_)
        | Happened::TargetSucceeded(_)
        | Happened::TargetFailed { .. }
        | Happened::Health { .. }
        | Happened::Annotate { .. }
        | Happened::Correct { .. } => false,
    }
}

proptest! {
    #[test]
    fn what_happened_to_a_deployment_is_recorded_once(
        history in vec(lane_event(), 0..40),
        number in known_number(),
        (minutes, stated) in (0..30_i64, any::<bool>()),
        happened in happened().prop_filter("recorded each time", is_recorded_once),
    ) {
        let when = When { at: minute(minutes), stated };
        asked_twice::<Lane>(fold::<Lane>(&history), Command::Deployment { number, when, happened })?;
    }

    #[test]
    fn a_removal_is_recorded_once(
        history in vec(lane_event(), 0..40),
        (minutes, stated) in (0..30_i64, any::<bool>()),
    ) {
        let when = When { at: minute(minutes), stated };
        asked_twice::<Lane>(fold::<Lane>(&history), Command::Remove { when, reason: None })?;
    }

    #[test]
    fn whatever_is_asked_of_a_release_is_recorded_once(
        history in vec(release_event(), 0..10),
        command in release_command(),
    ) {
        asked_twice::<Release>(fold::<Release>(&history), command)?;
    }

    #[test]
    fn whatever_is_asked_of_an_environment_is_recorded_once(
        history in vec(environment_event(), 0..10),
        command in environment_command(),
    ) {
        asked_twice::<Environment>(fold::<Environment>(&history), command)?;
    }
}

/// Everything that is asked for, as far as it is granted.
fn lived(commands: Vec<Command>) -> State {
    commands.into_iter().fold(State::default(), |state, command| {
        // A refusal leaves no events.
        let events = Lane::decide(&state, command).unwrap_or_default();
        events.iter().fold(state, Lane::evolve)
    })
}

fn roll_back(state: &State, to: RollbackTo) -> Result<Vec<Event>, Refusal> {
    Lane::decide(state, ask(Asked::Rollback { to, release: None }, "01:00"))
}

/// What ended after the last change of what runs and left something behind, oldest first.
fn left_half_way(state: &State) -> Vec<DeploymentNumber> {
    let last = state.effects().last().map(|effect| (effect.at, effect.record));
    let end = |one: &Deployment| {
        let end = one.settled().filter(|end| match end.status {
            Status::Failed => true,
            Status::Cancelled | Status::Rejected => one.started.is_some(),
            Status::Requested | Status::Started | Status::Succeeded => false,
        })?;
        Some((end.at, end.record))
    };
    let whole = state.deployments().iter().filter(|one| !one.is_void());
    let mut failed: Vec<_> = whole.filter_map(|one| Some((end(one)?, one.number()))).collect();
    failed.retain(|(end, _)| Some(*end) > last);
    failed.sort_unstable();
    failed.into_iter().map(|(_, number)| number).collect()
}

proptest! {
    #[test]
    fn a_rollback_replays_one_that_succeeded_and_takes_back_what_came_after_it(
        commands in vec(command(), 0..40),
        to in rollback_to(),
    ) {
        let state = lived(commands);
        let Ok(events) = roll_back(&state, to.clone()) else { return Ok(()) };
        let [Event::Requested(Requested { number, intent, release, configuration, .. })] =
            &events[..]
        else {
            panic!("{events:?}");
        };
        let Intent::Rollback { restores: Some(restores), reverts } = intent else {
            panic!("{intent:?}");
        };
        let restored = state.deployment(*restores).unwrap();

        prop_assert_eq!(*number, state.next_number());
        prop_assert_eq!(restored.status(), Status::Succeeded);
        prop_assert!(!restored.is_void());
        prop_assert_eq!(release, restored.release());
        prop_assert_eq!(configuration, &restored.requested.configuration);
        let place = state.effects().iter().position(|one| one.number == Some(*restores)).unwrap();
        let mut after: Vec<_> =
            state.effects()[place + 1..].iter().filter_map(|effect| effect.number).collect();
        let failed = left_half_way(&state);
        after.extend(&failed);
        after.reverse();
        prop_assert_eq!(reverts, &after);
        let running = state.running();
        let stays = running.is_some_and(|running| running.is_same_as(restored));
        prop_assert!(!stays || !failed.is_empty());
        match to {
            RollbackTo::Number(number) => prop_assert_eq!(number, *restores),
            RollbackTo::Version(version) => prop_assert_eq!(&version, &release.version),
            RollbackTo::Previous => prop_assert!(running.is_some()),
        }
    }

    #[test]
    fn whatever_worked_here_and_does_not_certainly_run_can_be_rolled_back_to(
        commands in vec(command(), 0..40),
    ) {
        let state = lived(commands);
        for one in state.deployments() {
            let version = &one.release().version;
            let worked = one.status() == Status::Succeeded && !one.is_void();
            let certain = left_half_way(&state).is_empty();
            let stays = state.running().is_some_and(|running| running.is_same_as(one));
            let granted = worked && (!stays || !certain);
            let by_number = roll_back(&state, RollbackTo::Number(one.number()));
            prop_assert_eq!(by_number.is_ok(), granted, "{:?}", by_number);
            let by_version = roll_back(&state, RollbackTo::Version(version.clone()));
            // Of several configurations of a version, it is the last one that is meant.
            let runs = state.running().is_some_and(|running| running.release().version == *version);
            prop_assert!(by_version.is_ok() || !granted || runs, "{:?}", by_version);
        }
    }

    #[test]
    fn a_rollback_that_succeeds_puts_back_what_it_replays(
        commands in vec(command(), 0..40),
        to in rollback_to(),
    ) {
        let state = lived(commands);
        let number = state.next_number();
        let Ok(events) = roll_back(&state, to) else { return Ok(()) };
        let state = events.iter().fold(state, Lane::evolve);
        let worked = Command::Deployment { number, when: now("02:00"), happened: Happened::Succeeded };
        let events = Lane::decide(&state, worked).unwrap();
        let state = events.iter().fold(state, Lane::evolve);
        let running = state.running().unwrap();
        prop_assert_eq!(running.number(), number);
        let Intent::Rollback { restores: Some(restores), .. } = running.intent() else { panic!() };
        prop_assert_eq!(state.deployment(*restores).unwrap().release(), running.release());
    }

    #[test]
    fn a_report_that_says_what_was_put_there_is_never_refused(
        commands in vec(command(), 0..40),
        to in rollback_to(),
        release in built(),
        kind in 0..4_u8,
    ) {
        let asked = match kind {
            0 => Asked::Deploy(release),
            1 => Asked::Unknown(release),
            2 => Asked::RollForward { release, mends: None },
            _ => Asked::Rollback { to, release: Some(release) },
        };
        let report = Report { request: request(asked, now("01:00")), outcome: Outcome::Succeeded };
        let events = Lane::decide(&lived(commands), Command::Report(report)).unwrap();
        prop_assert!(matches!(events[..], [Event::Requested(_), Event::Succeeded(_)]));
    }

    #[test]
    fn a_report_is_refused_only_if_nobody_can_tell_what_was_put_there(
        commands in vec(command(), 0..40),
        to in rollback_to(),
    ) {
        let asked = Asked::Rollback { to, release: None };
        let report = Report { request: request(asked, now("01:00")), outcome: Outcome::Succeeded };
        match Lane::decide(&lived(commands), Command::Report(report)) {
            Ok(events) => {
                prop_assert!(matches!(events[..], [Event::Requested(_), Event::Succeeded(_)]));
            }
            Err(
                Refusal::Unknown { .. } | Refusal::NothingRuns | Refusal::NothingBefore { .. },
            ) => {}
            Err(refusal) => panic!("{refusal}"),
        }
    }

    #[test]
    fn a_refusal_or_a_decision_depends_on_nothing_but_state_and_command(
        commands in vec(command(), 0..20),
        asked in command(),
    ) {
        let [one, other] = [lived(commands.clone()), lived(commands)];
        prop_assert_eq!(Lane::decide(&one, asked.clone()), Lane::decide(&other, asked));
    }
}
