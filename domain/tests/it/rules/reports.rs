//! What is told of deployments that have taken place: never refused for what it says.

use shiplog_domain::{
    lane::{
        Asked, Command, Correction, Event, Failed, Intent, Lane, Outcome, Refusal, Report,
        RollbackTo,
    },
    testing::given,
};

use crate::samples::{
    at, built, corrected, deploy, failed, number, ran, release, request, requested, started,
    stated, succeeded,
};

fn told(asked: Asked, outcome: Outcome) -> Command {
    Command::Report(Report { request: request(asked, stated("11:00")), outcome })
}

fn told_rollback(to: RollbackTo, release: Option<&str>) -> Command {
    let release = release.map(crate::samples::release);
    told(Asked::Rollback { to, release }, Outcome::Succeeded)
}

/// The rollback that is recorded, as deployment `of`.
fn rollback(of: u32, restores: Option<u32>, reverts: &[u32], version: &str) -> [Event; 2] {
    let reverts = reverts.iter().copied().map(number).collect();
    let intent = Intent::Rollback { restores: restores.map(number), reverts };
    [requested(of, intent, release(version), "11:00"), succeeded(of, "11:00")]
}

fn to(version: &str) -> RollbackTo {
    RollbackTo::Version(version.parse().unwrap())
}

/// Versions 1, 2 and 3 were deployed; the second failed.
fn history() -> Vec<Event> {
    let second = [deploy(2, "2", "10:10"), failed(2, "10:11")];
    [ran(1, "1", "10:00"), second, ran(3, "3", "10:20")].concat()
}

#[test]
fn a_report_is_a_request_and_how_far_it_got() {
    let told = |outcome| told(Asked::Unknown(release("1")), outcome);
    let asked = || requested(1, Intent::Unknown, release("1"), "11:00");
    given::<Lane>([]).when(told(Outcome::Started)).then([asked(), started(1, "11:00")]);
    given::<Lane>([]).when(told(Outcome::Succeeded)).then([asked(), succeeded(1, "11:00")]);
    let error = Some("out of memory".to_owned());
    let failed = Event::Failed(Failed {
        number: number(1),
        at: at("11:00"),
        error: error.clone(),
        failed_step: None,
        log_url: None,
    });
    given::<Lane>([]).when(told(Outcome::Failed { error })).then([asked(), failed]);
}

#[test]
fn a_report_of_the_past_is_recorded_like_any_other() {
    given::<Lane>(ran(1, "1", "12:00"))
        .when(told(Asked::Deploy(release("0")), Outcome::Succeeded))
        .then([deploy(2, "0", "11:00"), succeeded(2, "11:00")]);
}

#[test]
fn a_reported_rollback_is_linked_to_what_it_replays() {
    given::<Lane>(history()).when(told_rollback(to("1"), Some("1"))).then(rollback(
        4,
        Some(1),
        &[3],
        "1",
    ));
    given::<Lane>(history())
        .when(told_rollback(RollbackTo::Number(number(1)), Some("1")))
        .then(rollback(4, Some(1), &[3], "1"));
    given::<Lane>(history()).when(told_rollback(RollbackTo::Previous, Some("1"))).then(rollback(
        4,
        Some(1),
        &[3],
        "1",
    ));
}

#[test]
fn a_reported_rollback_puts_there_what_the_report_says() {
    let to = RollbackTo::Number(number(1));
    let release = Some(built("1", "9fceb02"));
    let intent = Intent::Rollback { restores: Some(number(1)), reverts: vec![number(3)] };
    given::<Lane>(history())
        .when(told(Asked::Rollback { to, release }, Outcome::Succeeded))
        .then([requested(4, intent, built("1", "9fceb02"), "11:00"), succeeded(4, "11:00")]);
}

#[test]
fn a_reported_rollback_to_what_never_ran_here_restores_nothing() {
    for unknown in [to("9"), RollbackTo::Number(number(9)), RollbackTo::Previous] {
        given::<Lane>(history()).when(told_rollback(unknown, Some("9"))).then(rollback(
            4,
            None,
            &[],
            "9",
        ));
    }
    given::<Lane>([]).when(told_rollback(RollbackTo::Previous, Some("9"))).then(rollback(
        1,
        None,
        &[],
        "9",
    ));
}

#[test]
fn a_report_that_only_names_a_version_that_never_ran_here_is_recorded_by_that_name() {
    given::<Lane>(history()).when(told_rollback(to("9"), None)).then(rollback(4, None, &[], "9"));
}

#[test]
fn a_report_that_leaves_the_release_out_means_the_one_that_the_lane_knows() {
    given::<Lane>(history()).when(told_rollback(RollbackTo::Previous, None)).then(rollback(
        4,
        Some(1),
        &[3],
        "1",
    ));
    given::<Lane>(history()).when(told_rollback(to("1"), None)).then(rollback(
        4,
        Some(1),
        &[3],
        "1",
    ));
}

#[test]
fn a_reported_rollback_to_one_that_failed_is_recorded_and_restores_nothing() {
    given::<Lane>(history())
        .when(told_rollback(RollbackTo::Number(number(2)), None))
        .then(rollback(4, None, &[], "2"));
    let void = corrected(1, Correction::Void, "10:30");
    given::<Lane>([history(), vec![void]].concat())
        .when(told_rollback(RollbackTo::Number(number(1)), None))
        .then(rollback(4, None, &[], "1"));
}

#[test]
fn a_reported_rollback_to_what_runs_is_recorded_and_takes_nothing_back() {
    given::<Lane>(history())
        .when(told_rollback(RollbackTo::Number(number(3)), None))
        .then(rollback(4, Some(3), &[], "3"));
}

#[test]
fn a_report_from_which_nobody_can_tell_what_was_put_there_is_refused() {
    given::<Lane>(history())
        .when(told_rollback(RollbackTo::Number(number(9)), None))
        .refused(&Refusal::Unknown { number: number(9), last: Some(number(3)) });
    given::<Lane>([])
        .when(told_rollback(RollbackTo::Previous, None))
        .refused(&Refusal::NothingRuns);
    given::<Lane>(ran(1, "1", "10:00"))
        .when(told_rollback(RollbackTo::Previous, None))
        .refused(&Refusal::NothingBefore { number: number(1) });
    given::<Lane>([])
        .when(told(Asked::Retry { of: None }, Outcome::Succeeded))
        .refused(&Refusal::NothingToRetry);
}
