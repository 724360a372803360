//! What a rollback goes back to, what it takes back, and when there is no way back.

use shiplog_domain::{
    lane::{
        Asked, Command, Correction, DeploymentNumber, Event, Intent, Lane, Refusal, RollbackTo,
        Status,
    },
    testing::given,
};

use crate::samples::{
    ask, built, cancelled, corrected, deploy, failed, number, ran, rejected, release, removed,
    requested, started, succeeded,
};

fn to(number: u32) -> RollbackTo {
    RollbackTo::Number(DeploymentNumber(number))
}

fn to_version(version: &str) -> RollbackTo {
    RollbackTo::Version(version.parse().unwrap())
}

fn roll_back(to: RollbackTo) -> Command {
    ask(Asked::Rollback { to, release: None }, "11:00")
}

/// The deployment `of` that comes of it.
fn rollback(of: u32, restores: u32, reverts: &[u32], version: &str) -> Event {
    let reverts = reverts.iter().copied().map(number).collect();
    let intent = Intent::Rollback { restores: Some(number(restores)), reverts };
    requested(of, intent, release(version), "11:00")
}

/// Versions 1, 2 and 3 ran one after the other.
fn three() -> Vec<Event> {
    [ran(1, "1", "10:00"), ran(2, "2", "10:10"), ran(3, "3", "10:20")].concat()
}

fn three_and(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    three().into_iter().chain(more).collect()
}

#[test]
fn the_previous_release_is_the_one_before_what_runs() {
    given::<Lane>(three()).when(roll_back(RollbackTo::Previous)).then([rollback(4, 2, &[3], "2")]);
}

#[test]
fn the_previous_release_is_another_version_than_the_one_that_runs() {
    given::<Lane>(three_and(ran(4, "3", "10:30")))
        .when(roll_back(RollbackTo::Previous))
        .then([rollback(5, 2, &[4, 3], "2")]);
}

/// Version 4 was to replace version 3, and failed half-way.
fn half_way() -> Vec<Event> {
    three_and([deploy(4, "4", "10:30"), failed(4, "10:31")])
}

#[test]
fn after_a_failure_the_previous_release_is_the_last_one_that_worked() {
    given::<Lane>(half_way()).when(roll_back(RollbackTo::Previous)).then([rollback(
        5,
        3,
        &[4],
        "3",
    )]);
    for restored in [to(3), to_version("3")] {
        given::<Lane>(half_way()).when(roll_back(restored)).then([rollback(5, 3, &[4], "3")]);
    }
}

#[test]
fn a_rollback_after_failures_takes_them_back_too_newest_first() {
    let history = [half_way(), vec![deploy(5, "5", "10:40"), failed(5, "10:41")]].concat();
    given::<Lane>(history.clone()).when(roll_back(RollbackTo::Previous)).then([rollback(
        6,
        3,
        &[5, 4],
        "3",
    )]);
    given::<Lane>(history).when(roll_back(to(1))).then([rollback(6, 1, &[5, 4, 3, 2], "1")]);
}

#[test]
fn what_failed_before_the_last_success_is_not_taken_back() {
    let history = [half_way(), ran(5, "5", "10:40").to_vec()].concat();
    given::<Lane>(history.clone()).when(roll_back(RollbackTo::Previous)).then([rollback(
        6,
        3,
        &[5],
        "3",
    )]);
    given::<Lane>(history)
        .when(roll_back(to_version("5")))
        .refused(&Refusal::AlreadyRuns { number: number(5), version: "5".parse().unwrap() });
}

#[test]
fn a_rollback_that_failed_is_tried_again() {
    let history = three_and([rollback(4, 2, &[3], "2"), failed(4, "11:00")]);
    given::<Lane>(history).when(roll_back(RollbackTo::Previous)).then([rollback(
        5,
        2,
        &[4, 3],
        "2",
    )]);
}

#[test]
fn a_voided_deployment_is_no_previous_release() {
    given::<Lane>(three_and([corrected(2, Correction::Void, "10:30")]))
        .when(roll_back(RollbackTo::Previous))
        .then([rollback(4, 1, &[3], "1")]);
}

#[test]
fn if_what_ran_is_voided_what_ran_before_it_is_rolled_back_from() {
    given::<Lane>(three_and([corrected(3, Correction::Void, "10:30")]))
        .when(roll_back(RollbackTo::Previous))
        .then([rollback(4, 1, &[2], "1")]);
}

#[test]
fn what_is_blamed_or_cleared_is_taken_back_once() {
    let corrections =
        [corrected(3, Correction::Blamed, "10:30"), corrected(3, Correction::Cleared, "10:31")];
    given::<Lane>(three_and(corrections)).when(roll_back(RollbackTo::Previous)).then([rollback(
        4,
        2,
        &[3],
        "2",
    )]);
}

#[test]
fn a_rollback_to_a_number_takes_back_all_that_came_after_it_newest_first() {
    given::<Lane>(three()).when(roll_back(to(1))).then([rollback(4, 1, &[3, 2], "1")]);
}

#[test]
fn a_rollback_to_a_version_replays_its_last_success() {
    given::<Lane>(three_and([ran(4, "1", "10:30"), ran(5, "5", "10:40")].concat()))
        .when(roll_back(to_version("1")))
        .then([rollback(6, 4, &[5], "1")]);
}

#[test]
fn a_rollback_replays_the_whole_release_as_it_was() {
    let first = requested(1, Intent::Deploy, built("1", "9fceb02"), "10:00");
    let history = [vec![first, succeeded(1, "10:05")], ran(2, "2", "10:10").to_vec()].concat();
    let intent = Intent::Rollback { restores: Some(number(1)), reverts: vec![number(2)] };
    given::<Lane>(history).when(roll_back(RollbackTo::Previous)).then([requested(
        3,
        intent,
        built("1", "9fceb02"),
        "11:00",
    )]);
}

#[test]
fn the_order_is_that_of_success_not_of_number() {
    let history = [
        deploy(1, "1", "10:00"),
        deploy(2, "2", "10:01"),
        succeeded(2, "10:02"),
        succeeded(1, "10:03"),
    ];
    given::<Lane>(history.clone()).when(roll_back(RollbackTo::Previous)).then([rollback(
        3,
        2,
        &[1],
        "2",
    )]);
    given::<Lane>(history)
        .when(roll_back(to(1)))
        .refused(&Refusal::AlreadyRuns { number: number(1), version: "1".parse().unwrap() });
}

#[test]
fn what_runs_cannot_be_rolled_back_to() {
    let runs = Refusal::AlreadyRuns { number: number(3), version: "3".parse().unwrap() };
    given::<Lane>(three()).when(roll_back(to(3))).refused(&runs);
    given::<Lane>(three()).when(roll_back(to_version("3"))).refused(&runs);
}

#[test]
fn an_earlier_deployment_of_the_version_that_runs_cannot_be_rolled_back_to() {
    given::<Lane>(three_and(ran(4, "1", "10:30")))
        .when(roll_back(to(1)))
        .refused(&Refusal::AlreadyRuns { number: number(4), version: "1".parse().unwrap() });
}

#[test]
fn what_never_succeeded_cannot_be_rolled_back_to() {
    for (fate, status) in [
        (None, Status::Requested),
        (Some(started(4, "10:31")), Status::Started),
        (Some(failed(4, "10:31")), Status::Failed),
        (Some(cancelled(4, "10:31")), Status::Cancelled),
        (Some(rejected(4, "ada", "10:31")), Status::Rejected),
    ] {
        given::<Lane>(three_and([deploy(4, "4", "10:30")].into_iter().chain(fate)))
            .when(roll_back(to(4)))
            .refused(&Refusal::NeverSucceeded { number: number(4), status });
    }
}

#[test]
fn a_success_that_was_contradicted_later_cannot_be_rolled_back_to() {
    given::<Lane>(three_and([failed(2, "10:11")]))
        .when(roll_back(to(2)))
        .refused(&Refusal::NeverSucceeded { number: number(2), status: Status::Failed });
}

#[test]
fn what_never_took_place_cannot_be_rolled_back_to() {
    given::<Lane>(three_and([corrected(2, Correction::Void, "10:30")]))
        .when(roll_back(to(2)))
        .refused(&Refusal::Void { number: number(2) });
}

#[test]
fn an_unknown_number_cannot_be_rolled_back_to() {
    for unknown in [0, 4, u32::MAX] {
        given::<Lane>(three())
            .when(roll_back(to(unknown)))
            .refused(&Refusal::Unknown { number: number(unknown), last: Some(number(3)) });
    }
    given::<Lane>([])
        .when(roll_back(to(1)))
        .refused(&Refusal::Unknown { number: number(1), last: None });
}

#[test]
fn a_version_that_never_ran_cannot_be_rolled_back_to() {
    let history = three_and([deploy(4, "4", "10:30"), failed(4, "10:31")]);
    for version in ["4", "9"] {
        given::<Lane>(history.clone())
            .when(roll_back(to_version(version)))
            .refused(&Refusal::NeverRan { version: version.parse().unwrap() });
    }
}

#[test]
fn nothing_ran_before_the_first_release() {
    given::<Lane>([ran(1, "1", "10:00"), ran(2, "1", "10:10")].concat())
        .when(roll_back(RollbackTo::Previous))
        .refused(&Refusal::NothingBefore { number: number(2) });
}

#[test]
fn where_nothing_runs_there_is_nothing_to_go_back_from() {
    given::<Lane>([]).when(roll_back(RollbackTo::Previous)).refused(&Refusal::NothingRuns);
    given::<Lane>([deploy(1, "1", "10:00"), failed(1, "10:01")])
        .when(roll_back(RollbackTo::Previous))
        .refused(&Refusal::NothingRuns);
    given::<Lane>(three_and([removed("10:30")]))
        .when(roll_back(RollbackTo::Previous))
        .refused(&Refusal::NothingRuns);
}

#[test]
fn after_a_removal_any_release_that_ran_can_be_brought_back() {
    let history = three_and([removed("10:30")]);
    given::<Lane>(history.clone()).when(roll_back(to(3))).then([rollback(4, 3, &[], "3")]);
    given::<Lane>(history).when(roll_back(to_version("2"))).then([rollback(4, 2, &[3], "2")]);
}

#[test]
fn a_rollback_that_is_under_way_changes_nothing_for_the_next() {
    given::<Lane>(three_and([rollback(4, 2, &[3], "2"), started(4, "11:00")]))
        .when(roll_back(RollbackTo::Previous))
        .then([rollback(5, 2, &[3], "2")]);
}
