//! What comes of asking for a deployment.

use std::{collections::BTreeMap, sync::Arc};

use shiplog_domain::{
    lane::{Asked, Command, Intent, Irreversible, Lane, Rails, Request, Requested},
    testing::given,
};

use crate::samples::{
    ask, at, built, configured, deploy, failed, now, number, ran, release, request, requested,
    started,
};

/// A change that whoever asks was shown.
fn shown() -> Irreversible {
    let id = Some("migration-0042".into());
    Irreversible { version: "1".parse().unwrap(), id, description: None }
}

#[test]
fn the_first_deployment_of_a_lane_is_number_1() {
    given::<Lane>([])
        .when(ask(Asked::Deploy(release("1")), "10:00"))
        .then([deploy(1, "1", "10:00")]);
}

#[test]
fn the_next_deployment_gets_the_next_number() {
    given::<Lane>([ran(1, "1", "10:00"), ran(2, "2", "10:10")].concat())
        .when(ask(Asked::Deploy(release("3")), "10:20"))
        .then([deploy(3, "3", "10:20")]);
}

#[test]
fn what_was_said_with_a_request_is_recorded() {
    let said = Request {
        by: Some("ada".into()),
        reason: Some("it is Monday".into()),
        url: Some("https://ci.example.com/runs/42".into()),
        external_id: Some("run-42".into()),
        labels: BTreeMap::from([("team".into(), "payments".into())]),
        acknowledged: vec![shown()],
        configuration: configured("4d2a"),
        ..request(Asked::Deploy(built("1", "9fceb02")), now("10:00"))
    };
    let command = Command::Request { request: said, rails: Rails::default(), crosses: None };
    given::<Lane>([]).when(command).then([shiplog_domain::lane::Event::Requested(Requested {
        at: at("10:00"),
        number: number(1),
        intent: Intent::Deploy,
        release: Arc::new(built("1", "9fceb02")),
        by: Some("ada".into()),
        reason: Some("it is Monday".into()),
        url: Some("https://ci.example.com/runs/42".into()),
        external_id: Some("run-42".into()),
        labels: BTreeMap::from([("team".into(), "payments".into())]),
        approvals: None,
        crosses: None,
        acknowledged: vec![shown()],
        configuration: configured("4d2a"),
    })]);
}

#[test]
fn the_release_that_runs_can_be_deployed_again() {
    given::<Lane>(ran(1, "1", "10:00"))
        .when(ask(Asked::Deploy(release("1")), "10:10"))
        .then([deploy(2, "1", "10:10")]);
}

#[test]
fn a_deployment_can_be_asked_for_while_another_is_under_way() {
    given::<Lane>([deploy(1, "1", "10:00"), started(1, "10:01")])
        .when(ask(Asked::Deploy(release("2")), "10:02"))
        .then([deploy(2, "2", "10:02")]);
}

#[test]
fn a_roll_forward_says_what_it_mends() {
    let mends = Some(number(1));
    given::<Lane>([deploy(1, "1", "10:00"), failed(1, "10:05")])
        .when(ask(Asked::RollForward { release: release("2"), mends }, "10:10"))
        .then([requested(2, Intent::RollForward { mends }, release("2"), "10:10")]);
}

#[test]
fn a_roll_forward_need_not_say_what_it_mends() {
    given::<Lane>([])
        .when(ask(Asked::RollForward { release: release("2"), mends: None }, "10:10"))
        .then([requested(1, Intent::RollForward { mends: None }, release("2"), "10:10")]);
}

#[test]
fn an_intent_that_nobody_stated_is_unknown() {
    given::<Lane>([]).when(ask(Asked::Unknown(release("1")), "10:00")).then([requested(
        1,
        Intent::Unknown,
        release("1"),
        "10:00",
    )]);
}
