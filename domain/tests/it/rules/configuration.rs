//! What was deployed is a release and its configuration: both are replayed, and both tell what differs.

use std::collections::BTreeSet;

use shiplog_domain::{
    decider::fold,
    lane::{
        Asked, Command, Event, Intent, Lane, Outcome, Rails, Refusal, Report, Request, Requested,
        RollbackTo, recovery,
    },
    testing::given,
};

use crate::samples::{
    ask, configured, deploy, failed, now, number, ran, release, request, requested, succeeded,
};

/// The same deployment, configured with one thing of this digest.
fn with(digest: &str, event: Event) -> Event {
    let Event::Requested(requested) = event else { panic!("{event:?}") };
    Event::Requested(Requested { configuration: configured(digest), ..requested })
}

/// A deployment that worked, configured with one thing of this digest.
fn ran_with(digest: &str, of: u32, version: &str, time: &str) -> [Event; 2] {
    [with(digest, deploy(of, version, time)), succeeded(of, time)]
}

fn roll_back(to: RollbackTo) -> Command {
    ask(Asked::Rollback { to, release: None }, "11:00")
}

fn rollback(of: u32, restores: u32, reverts: &[u32], version: &str) -> Event {
    let reverts = reverts.iter().copied().map(number).collect();
    let intent = Intent::Rollback { restores: Some(number(restores)), reverts };
    requested(of, intent, release(version), "11:00")
}

#[test]
fn a_rollback_replays_the_configuration_too() {
    given::<Lane>([ran_with("a", 1, "1", "10:00"), ran_with("b", 2, "2", "10:10")].concat())
        .when(roll_back(RollbackTo::Previous))
        .then([with("a", rollback(3, 1, &[2], "1"))]);
}

#[test]
fn a_retry_replays_the_configuration_too() {
    let history = [with("a", deploy(1, "1", "10:00")), failed(1, "10:05")];
    let again = requested(2, Intent::Retry { of: Some(number(1)) }, release("1"), "11:00");
    given::<Lane>(history).when(ask(Asked::Retry { of: None }, "11:00")).then([with("a", again)]);
}

#[test]
fn another_configuration_of_the_release_that_runs_can_be_put_back() {
    let history = || [ran_with("a", 1, "1", "10:00"), ran_with("b", 2, "1", "10:10")].concat();
    for to in [RollbackTo::Previous, RollbackTo::Number(number(1))] {
        given::<Lane>(history()).when(roll_back(to)).then([with("a", rollback(3, 1, &[2], "1"))]);
    }
    let runs = Refusal::AlreadyRuns { number: number(2), version: "1".parse().unwrap() };
    given::<Lane>(history()).when(roll_back(RollbackTo::Number(number(2)))).refused(&runs);
}

#[test]
fn where_nobody_said_how_it_was_configured_the_version_alone_tells() {
    let runs = Refusal::AlreadyRuns { number: number(2), version: "1".parse().unwrap() };
    given::<Lane>([ran(1, "1", "10:00"), ran_with("b", 2, "1", "10:10")].concat())
        .when(roll_back(RollbackTo::Number(number(1))))
        .refused(&runs);
}

#[test]
fn a_reported_rollback_says_how_it_is_configured_or_is_configured_as_what_it_replays() {
    let history = || [ran_with("a", 1, "1", "10:00"), ran_with("b", 2, "2", "10:10")].concat();
    let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
    let report = |configuration| {
        let request = Request { configuration, ..request(asked.clone(), now("11:00")) };
        Command::Report(Report { request, outcome: Outcome::Succeeded })
    };
    let expected = |digest| [with(digest, rollback(3, 1, &[2], "1")), succeeded(3, "11:00")];
    given::<Lane>(history()).when(report(None)).then(expected("a"));
    given::<Lane>(history()).when(report(configured("c"))).then(expected("c"));
}

#[test]
fn a_release_that_is_brought_along_is_configured_as_is_said_and_never_guessed() {
    let history = ran_with("a", 1, "1", "10:00");
    given::<Lane>(history)
        .when(ask(Asked::Deploy(release("2")), "11:00"))
        .then([deploy(2, "2", "11:00")]);
    let request = Request {
        configuration: configured("b"),
        ..request(Asked::Deploy(release("2")), now("11:00"))
    };
    given::<Lane>([])
        .when(Command::Request { request, rails: Rails::default(), crosses: None })
        .then([with("b", deploy(1, "2", "11:00"))]);
}

#[test]
fn each_configuration_of_a_release_is_a_way_back_of_its_own() {
    let state = fold::<Lane>(
        &[
            ran_with("a", 1, "1", "10:00").to_vec(),
            ran_with("b", 2, "1", "10:10").to_vec(),
            ran_with("a", 3, "1", "10:20").to_vec(),
            vec![deploy(4, "2", "10:30"), failed(4, "10:35")],
        ]
        .concat(),
    );
    let told = recovery(&state, state.deployment(number(4)).unwrap(), &BTreeSet::new());
    let candidates: Vec<_> = told.candidates.iter().map(|one| one.deployment.number().0).collect();
    assert_eq!(candidates, [3, 2]);
}
