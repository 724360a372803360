//! What can be asked of a release.

use shiplog_domain::{
    release::{Blocked, Command, Event, Refusal, Registered, Release, Unblocked},
    testing::given,
};

use crate::samples::{at, built};

fn register(commit: &str, time: &str) -> Command {
    Command::Register { at: at(time), release: built("1.4.2", commit) }
}

fn registered(commit: &str, time: &str) -> Event {
    Event::Registered(Registered { at: at(time), release: built("1.4.2", commit) })
}

fn block(reason: &str, time: &str) -> Command {
    Command::Block { at: at(time), reason: reason.into() }
}

fn blocked(reason: &str, time: &str) -> Event {
    Event::Blocked(Blocked { at: at(time), reason: reason.into() })
}

fn unblock(reason: &str, time: &str) -> Command {
    Command::Unblock { at: at(time), reason: reason.into() }
}

fn unblocked(reason: &str, time: &str) -> Event {
    Event::Unblocked(Unblocked { at: at(time), reason: reason.into() })
}

#[test]
fn a_release_is_registered_once() {
    given::<Release>([]).when(register("9fceb02", "10:00")).then([registered("9fceb02", "10:00")]);
    given::<Release>([registered("9fceb02", "10:00")]).when(register("9fceb02", "10:05")).then([]);
}

#[test]
fn a_registered_release_does_not_change() {
    given::<Release>([registered("9fceb02", "10:00")])
        .when(register("1a2b3c4", "10:05"))
        .refused(&Refusal::Differs { version: "1.4.2".into() });
}

#[test]
fn a_release_that_nobody_registered_can_be_blocked_and_registered_then() {
    let history = [blocked("it leaks", "10:00")];
    given::<Release>([]).when(block("it leaks", "10:00")).then(history.clone());
    given::<Release>(history)
        .when(register("9fceb02", "10:05"))
        .then([registered("9fceb02", "10:05")]);
}

#[test]
fn a_block_is_recorded_once_and_again_for_another_reason() {
    let given = given::<Release>([blocked("it leaks", "10:00")]);
    given.when(block("it leaks", "10:05")).then([]);
    given.when(block("it loses orders", "10:05")).then([blocked("it loses orders", "10:05")]);
}

#[test]
fn only_what_is_blocked_is_unblocked() {
    given::<Release>([]).when(unblock("it does not", "10:05")).then([]);
    given::<Release>([blocked("it leaks", "10:00")])
        .when(unblock("it does not", "10:05"))
        .then([unblocked("it does not", "10:05")]);
    given::<Release>([blocked("it leaks", "10:00"), unblocked("it does not", "10:05")])
        .when(unblock("it does not", "10:10"))
        .then([]);
}

#[test]
fn what_was_unblocked_can_be_blocked_again_for_the_same_reason() {
    given::<Release>([blocked("it leaks", "10:00"), unblocked("it does not", "10:05")])
        .when(block("it leaks", "10:10"))
        .then([blocked("it leaks", "10:10")]);
}
