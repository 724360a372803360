//! What comes of trying the same release again.

use shiplog_domain::{
    lane::{Asked, Correction, Event, Intent, Lane, Refusal},
    testing::given,
};

use crate::samples::{
    ask, built, corrected, deploy, failed, number, ran, release, requested, succeeded,
};

const fn retry(of: Option<u32>) -> Asked {
    let of = match of {
        Some(of) => Some(shiplog_domain::lane::DeploymentNumber(of)),
        None => None,
    };
    Asked::Retry { of }
}

fn retried(of: u32) -> Intent {
    Intent::Retry { of: Some(number(of)) }
}

/// #1 worked, #2 did not.
fn history() -> Vec<Event> {
    let second = requested(2, Intent::Deploy, built("2", "9fceb02"), "10:10");
    [ran(1, "1", "10:00").to_vec(), vec![second, failed(2, "10:15")]].concat()
}

#[test]
fn a_retry_repeats_the_last_deployment_whole() {
    given::<Lane>(history()).when(ask(retry(None), "10:20")).then([requested(
        3,
        retried(2),
        built("2", "9fceb02"),
        "10:20",
    )]);
}

#[test]
fn a_retry_can_say_what_it_repeats() {
    given::<Lane>(history()).when(ask(retry(Some(1)), "10:20")).then([requested(
        3,
        retried(1),
        release("1"),
        "10:20",
    )]);
}

#[test]
fn the_last_deployment_is_the_last_one_that_took_place() {
    let void = corrected(2, Correction::Void, "10:16");
    given::<Lane>([history(), vec![void]].concat())
        .when(ask(retry(None), "10:20"))
        .then([requested(3, retried(1), release("1"), "10:20")]);
}

#[test]
fn what_worked_can_be_tried_again_too() {
    given::<Lane>([deploy(1, "1", "10:00"), succeeded(1, "10:05")])
        .when(ask(retry(None), "10:20"))
        .then([requested(2, retried(1), release("1"), "10:20")]);
}

#[test]
fn there_is_nothing_to_retry_in_an_empty_lane() {
    given::<Lane>([]).when(ask(retry(None), "10:20")).refused(&Refusal::NothingToRetry);
}

#[test]
fn there_is_nothing_to_retry_if_nothing_took_place() {
    given::<Lane>([deploy(1, "1", "10:00"), corrected(1, Correction::Void, "10:05")])
        .when(ask(retry(None), "10:20"))
        .refused(&Refusal::NothingToRetry);
}

#[test]
fn a_deployment_that_is_not_there_cannot_be_retried() {
    given::<Lane>(history())
        .when(ask(retry(Some(7)), "10:20"))
        .refused(&Refusal::Unknown { number: number(7), last: Some(number(2)) });
}
