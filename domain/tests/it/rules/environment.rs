//! What can be asked of an environment.

use shiplog_domain::{
    decider::fold,
    environment::{
        Command, Declared, Environment, Event, Freezes, Frozen, Refusal, Retired, Rules, Tier,
        Unfrozen,
    },
    testing::given,
};

use crate::samples::at;

const LAX: Rules =
    Rules { tier: Tier::Production, approvals: 0, self_approval: true, one_at_a_time: false };
const STRICT: Rules =
    Rules { tier: Tier::Production, approvals: 2, self_approval: false, one_at_a_time: true };

fn declare(rules: Rules, time: &str) -> Command {
    Command::Declare { at: at(time), rules }
}

fn declared(rules: Rules, time: &str) -> Event {
    let Rules { tier, approvals, self_approval, one_at_a_time } = rules;
    Event::Declared(Declared { at: at(time), tier, approvals, self_approval, one_at_a_time })
}

fn freeze(reason: &str, until: Option<&str>, time: &str) -> Command {
    Command::Freeze { at: at(time), reason: reason.into(), until: until.map(at) }
}

fn frozen(reason: &str, until: Option<&str>, time: &str) -> Event {
    Event::Frozen(Frozen { at: at(time), reason: reason.into(), until: until.map(at) })
}

fn unfreeze(time: &str) -> Command {
    Command::Unfreeze { at: at(time), reason: Some("it is over".into()) }
}

fn unfrozen(time: &str) -> Event {
    Event::Unfrozen(Unfrozen { at: at(time), reason: Some("it is over".into()) })
}

fn retire(time: &str) -> Command {
    Command::Retire { at: at(time), reason: None }
}

fn retired(time: &str) -> Event {
    Event::Retired(Retired { at: at(time), reason: None })
}

#[test]
fn an_environment_is_declared_once_and_anew_under_other_rules() {
    given::<Environment>([]).when(declare(LAX, "10:00")).then([declared(LAX, "10:00")]);
    let given = given::<Environment>([declared(LAX, "10:00")]);
    given.when(declare(LAX, "10:05")).then([]);
    given.when(declare(STRICT, "10:05")).then([declared(STRICT, "10:05")]);
}

#[test]
fn the_rules_declared_last_hold() {
    let given = given::<Environment>([declared(LAX, "10:00"), declared(STRICT, "10:05")]);
    given.when(declare(STRICT, "10:10")).then([]);
    given.when(declare(LAX, "10:10")).then([declared(LAX, "10:10")]);
}

#[test]
fn an_environment_is_retired_once_and_can_be_declared_again() {
    given::<Environment>([declared(LAX, "10:00")]).when(retire("10:05")).then([retired("10:05")]);
    let given = given::<Environment>([declared(LAX, "10:00"), retired("10:05")]);
    given.when(retire("10:10")).then([]);
    given.when(declare(LAX, "10:10")).then([declared(LAX, "10:10")]);
}

#[test]
fn an_environment_that_nobody_declared_can_be_retired_and_frozen() {
    given::<Environment>([]).when(retire("10:00")).then([retired("10:00")]);
    given::<Environment>([])
        .when(freeze("an audit", None, "10:00"))
        .then([frozen("an audit", None, "10:00")]);
}

#[test]
fn a_freeze_is_recorded_once_and_again_if_it_differs() {
    let given = given::<Environment>([frozen("an audit", Some("12:00"), "10:00")]);
    given.when(freeze("an audit", Some("12:00"), "10:05")).then([]);
    given.when(freeze("an audit", Some("13:00"), "10:05")).then([frozen(
        "an audit",
        Some("13:00"),
        "10:05",
    )]);
    given.when(freeze("an audit", None, "10:05")).then([frozen("an audit", None, "10:05")]);
    given.when(freeze("Black Friday", Some("12:00"), "10:05")).then([frozen(
        "Black Friday",
        Some("12:00"),
        "10:05",
    )]);
}

#[test]
fn a_freeze_ends_after_it_begins() {
    for until in ["10:00", "09:59"] {
        given::<Environment>([])
            .when(freeze("an audit", Some(until), "10:00"))
            .refused(&Refusal::EndsBeforeStart { at: at("10:00"), until: at(until) });
    }
}

#[test]
fn only_what_is_frozen_is_unfrozen() {
    given::<Environment>([]).when(unfreeze("10:05")).then([]);
    given::<Environment>([frozen("an audit", None, "10:00")])
        .when(unfreeze("10:05"))
        .then([unfrozen("10:05")]);
    given::<Environment>([frozen("an audit", None, "10:00"), unfrozen("10:05")])
        .when(unfreeze("10:10"))
        .then([]);
}

#[test]
fn what_was_unfrozen_can_be_frozen_again_for_the_same_reason() {
    given::<Environment>([frozen("an audit", None, "10:00"), unfrozen("10:05")])
        .when(freeze("an audit", None, "10:10"))
        .then([frozen("an audit", None, "10:10")]);
}

/// From 12:00 to 14:00, planned at any time before.
fn window() -> Event {
    frozen("Black Friday", Some("14:00"), "12:00")
}

#[test]
fn a_planned_window_outlives_the_lifting_of_another_freeze() {
    let given = given::<Environment>([window(), frozen("an audit", None, "10:00")]);
    given.when(unfreeze("10:05")).then([unfrozen("10:05")]);
    let freezes = freezes(&[window(), frozen("an audit", None, "10:00"), unfrozen("10:05")]);
    assert_eq!(freezes.at(at("10:10")), None);
    assert_eq!(freezes.planned_after(at("10:10")).len(), 1);
    assert_eq!(freezes.at(at("12:00")).unwrap().reason, "Black Friday");
    assert_eq!(freezes.at(at("14:00")), None);
}

#[test]
fn a_planned_window_is_lifted_as_of_its_beginning_and_is_none_then() {
    let given = given::<Environment>([window()]);
    given.when(unfreeze("11:00")).then([]);
    given.when(unfreeze("12:00")).then([unfrozen("12:00")]);
    let freezes = freezes(&[window(), unfrozen("12:00")]);
    assert_eq!(freezes.at(at("12:30")), None);
    assert!(freezes.planned_after(at("11:00")).is_empty());
}

#[test]
fn of_several_freezes_the_one_that_ends_last_is_told_of() {
    let freezes = freezes(&[window(), frozen("an audit", None, "13:00")]);
    assert_eq!(freezes.at(at("12:30")).unwrap().reason, "Black Friday");
    assert_eq!(freezes.at(at("13:30")).unwrap().reason, "an audit");
    assert_eq!(freezes.at(at("15:00")).unwrap().reason, "an audit");
}

fn freezes(history: &[Event]) -> Freezes {
    fold::<Environment>(history).freezes
}
