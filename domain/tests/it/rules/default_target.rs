//! Where a rollback goes that does not say where: never to what a fact speaks against.

use std::collections::BTreeSet;

use shiplog_domain::{
    decider::fold,
    lane::{
        Asked, Command, Correction, Event, Health, HealthReport, Intent, Lane, Rails, Refusal,
        RollbackTo, TargetFailed, TargetReport,
    },
    release::{Artifact, Manifest},
    testing::given,
};

use crate::samples::{
    ask, ask_past, at, built, cancelled, corrected, deploy, failed, number, ran, release,
    requested, started, succeeded,
};

fn roll_back() -> Command {
    ask(Asked::Rollback { to: RollbackTo::Previous, release: None }, "11:00")
}

fn rollback(of: u32, (restores, version): (u32, &str), reverts: &[u32], time: &str) -> Event {
    let reverts = reverts.iter().copied().map(number).collect();
    let intent = Intent::Rollback { restores: Some(number(restores)), reverts };
    requested(of, intent, release(version), time)
}

/// What the rollback without a target restores and takes back.
#[track_caller]
fn goes_to(history: &[Event], restores: u32, version: &str, reverts: &[u32]) {
    let of = history.iter().filter(|event| matches!(event, Event::Requested(_))).count();
    let of = u32::try_from(of).unwrap() + 1;
    given::<Lane>(history.to_vec()).when(roll_back()).then([rollback(
        of,
        (restores, version),
        reverts,
        "11:00",
    )]);
}

/// The versions that a refusal names, each with what speaks against it.
#[track_caller]
fn nothing_sound(history: &[Event]) -> Vec<(String, Vec<String>)> {
    let state = fold::<Lane>(history);
    let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
    let Err(Refusal::NothingSound { contenders }) =
        shiplog_domain::lane::foresee(&state, asked, &Rails::default())
    else {
        panic!("something is sound");
    };
    contenders.into_iter().map(|one| (one.version.to_string(), one.against)).collect()
}

#[test]
fn a_rollback_that_failed_goes_where_it_was_to_go_however_often_it_fails() {
    let mut history = [ran(1, "1", "10:01"), ran(2, "2", "10:02")].concat();
    history.extend([deploy(3, "3", "10:03"), failed(3, "10:03")]);
    goes_to(&history, 2, "2", &[3]);
    history.extend([rollback(4, (2, "2"), &[3], "10:04"), failed(4, "10:05")]);
    goes_to(&history, 2, "2", &[4, 3]);
    history.extend([rollback(5, (2, "2"), &[4, 3], "10:06"), failed(5, "10:07")]);
    goes_to(&history, 2, "2", &[5, 4, 3]);
}

#[test]
fn a_rollback_that_failed_goes_on_to_the_only_release_that_worked() {
    let mut history =
        [ran(1, "1", "10:01"), [deploy(2, "2", "10:02"), failed(2, "10:03")]].concat();
    history.extend([rollback(3, (1, "1"), &[2], "10:04"), failed(3, "10:05")]);
    goes_to(&history, 1, "1", &[3, 2]);
}

#[test]
fn what_a_failed_rollback_was_to_leave_is_not_gone_back_to_after_another_failure() {
    let mut history = [ran(1, "1", "10:01"), ran(2, "2", "10:02"), ran(3, "3", "10:03")].concat();
    history.extend([rollback(4, (2, "2"), &[3], "10:04"), failed(4, "10:05")]);
    history.extend([deploy(5, "4", "10:06"), failed(5, "10:07")]);
    goes_to(&history, 2, "2", &[5, 4, 3]);
}

#[test]
fn a_rollback_that_was_cancelled_is_tried_again() {
    let ran = [ran(1, "1", "10:01"), ran(2, "2", "10:02"), ran(3, "3", "10:03")].concat();
    let before = [rollback(4, (2, "2"), &[3], "10:04"), cancelled(4, "10:06")];
    goes_to(&[ran.clone(), before.to_vec()].concat(), 2, "2", &[3]);
    let [request, end] = before;
    goes_to(&[ran, vec![request, started(4, "10:05"), end]].concat(), 2, "2", &[4, 3]);
}

#[test]
fn what_was_taken_back_is_not_gone_back_to() {
    let mut history = [ran(1, "1", "10:01"), ran(2, "2", "10:02"), ran(3, "3", "10:03")].concat();
    history.extend([rollback(4, (2, "2"), &[3], "10:04"), succeeded(4, "10:05")]);
    goes_to(&history, 1, "1", &[4, 3, 2]);
    history.extend([rollback(5, (1, "1"), &[4, 3, 2], "10:06"), succeeded(5, "10:07")]);
    assert_eq!(
        nothing_sound(&history),
        [
            ("2".to_owned(), vec!["taken back by #5".to_owned()]),
            ("3".to_owned(), vec!["taken back by #4".to_owned()]),
        ]
    );
}

#[test]
fn what_was_taken_back_without_a_word_is_not_gone_back_to_either() {
    let history = [ran(1, "1", "10:01"), ran(2, "2", "10:02"), ran(3, "1", "10:03")].concat();
    assert_eq!(nothing_sound(&history), [("2".to_owned(), vec!["taken back by #3".to_owned()])]);
}

#[test]
fn what_was_taken_back_and_deployed_again_worked_again() {
    let mut history = [ran(1, "1", "10:01"), ran(2, "2", "10:02")].concat();
    history.extend([rollback(3, (1, "1"), &[2], "10:04"), succeeded(3, "10:05")]);
    history.extend([ran(4, "2", "10:06"), ran(5, "3", "10:07")].concat());
    goes_to(&history, 4, "2", &[5]);
}

#[test]
fn what_is_blamed_unhealthy_or_blocked_is_passed_over() {
    let ran = [ran(1, "1", "10:01"), ran(2, "2", "10:02"), ran(3, "3", "10:03")].concat();
    let with = |event: Event| [ran.clone(), vec![event]].concat();
    goes_to(&ran, 2, "2", &[3]);
    goes_to(&with(corrected(2, Correction::Blamed, "10:04")), 1, "1", &[3, 2]);
    let health = |health| {
        let (number, at) = (number(2), at("10:04"));
        Event::Health(HealthReport { number, at, health, source: None, detail: None })
    };
    goes_to(&with(health(Health::Unhealthy)), 1, "1", &[3, 2]);
    goes_to(&with(health(Health::Degraded)), 2, "2", &[3]);
    let rails = Rails { blocked: BTreeSet::from(["2".parse().unwrap()]), ..Rails::default() };
    let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
    given::<Lane>(ran).when(ask_past(asked, "11:00", rails)).then([rollback(
        4,
        (1, "1"),
        &[3, 2],
        "11:00",
    )]);
}

#[test]
fn what_was_cancelled_half_way_is_rolled_back_from_and_what_had_not_begun_is_not() {
    let ran = ran(1, "1", "10:01");
    let asked = [deploy(2, "2", "10:02"), cancelled(2, "10:04")];
    let before = [&ran[..], &asked[..]].concat();
    given::<Lane>(before).when(roll_back()).refused(&Refusal::NothingBefore { number: number(1) });
    let [asked, end] = asked;
    for begun in [
        started(2, "10:03"),
        Event::TargetSucceeded(TargetReport {
            number: number(2),
            at: at("10:03"),
            target: "eu".parse().unwrap(),
        }),
    ] {
        goes_to(&[&ran[..], &[asked.clone(), begun, end.clone()]].concat(), 1, "1", &[2]);
    }
}

#[test]
fn what_did_not_end_on_all_of_its_targets_is_rolled_back_from_and_not_to() {
    let target = || "eu".parse().unwrap();
    let (two, time) = (number(2), at("10:03"));
    for told in [
        Event::TargetFailed(TargetFailed { number: two, at: time, target: target(), error: None }),
        Event::TargetStarted(TargetReport { number: two, at: time, target: target() }),
    ] {
        let mut history = [ran(1, "1", "10:01"), ran(2, "2", "10:02")].concat();
        history.insert(3, told);
        assert!(fold::<Lane>(&history).is_in_doubt());
        goes_to(&history, 1, "1", &[2]);
        history.extend(ran(3, "3", "10:04"));
        assert!(!fold::<Lane>(&history).is_in_doubt());
        goes_to(&history, 1, "1", &[3, 2]);
    }
}

fn tagged(digest: &str, commit: &str) -> Manifest {
    let artifact = Artifact { name: "img".into(), digest: digest.into(), media_type: None };
    Manifest { artifacts: vec![artifact], ..built("main", commit) }
}

#[test]
fn a_tag_that_moved_is_another_release() {
    let put = |of, release: Manifest, time| {
        [requested(of, Intent::Deploy, release, time), succeeded(of, time)]
    };
    for (first, second) in [
        (tagged("sha256:1", "1111111"), tagged("sha256:2", "2222222")),
        (built("main", "1111111"), built("main", "2222222")),
    ] {
        let history = [put(1, first.clone(), "10:01"), put(2, second, "10:02")].concat();
        let intent = Intent::Rollback { restores: Some(number(1)), reverts: vec![number(2)] };
        given::<Lane>(history).when(roll_back()).then([requested(3, intent, first, "11:00")]);
    }
}

#[test]
fn what_is_recorded_for_later_has_not_happened_yet() {
    let mut history =
        [ran(1, "1.0", "10:00"), ran(2, "1.1", "23:00"), ran(3, "1.2", "10:30")].concat();
    goes_to(&history, 1, "1.0", &[3]);
    history.extend([deploy(4, "1.3", "10:40"), failed(4, "23:30")]);
    let state = fold::<Lane>(&history);
    assert_eq!(state.running().unwrap().number(), number(2));
    let now = state.as_of(at("11:00"));
    assert_eq!(now.running().unwrap().number(), number(3));
    assert!(!now.is_in_doubt());
    assert_eq!(now.in_progress().unwrap().number(), number(4));
}
