//! What the events of one deployment say about it, in whatever order they come.

use shiplog_domain::lane::{
    Cancelled, Deployment, Event, Failed, Health, HealthReport, Rejected, Started, Status,
    TargetFailed, TargetReport,
};

use crate::samples::{at, deploy, failed, number, removed, started, succeeded};

/// The first deployment of a lane, after these events.
fn after(events: impl IntoIterator<Item = Event>) -> Deployment {
    let Event::Requested(requested) = deploy(1, "1", "10:00") else { unreachable!() };
    let mut deployment = Deployment::new(requested);
    for (record, event) in (1..).zip(events) {
        deployment.apply(&event, record);
    }
    deployment
}

#[test]
fn what_happens_to_others_changes_nothing() {
    let others =
        [deploy(1, "2", "10:01"), removed("10:02"), succeeded(2, "10:03"), failed(0, "10:04")];
    assert_eq!(after(others), after([]));
}

#[test]
fn it_goes_from_requested_over_started_to_its_end() {
    assert_eq!(after([]).status(), Status::Requested);
    assert_eq!(after([started(1, "10:01")]).status(), Status::Started);
    assert_eq!(after([started(1, "10:01"), failed(1, "10:02")]).status(), Status::Failed);
}

#[test]
fn it_began_when_the_earliest_report_says() {
    let on = |executor: &str, time| {
        let (number, at) = (number(1), at(time));
        Event::Started(Started { number, at, executor: Some(executor.into()), log_url: None })
    };
    let began = after([on("second", "10:05"), on("first", "10:03"), on("third", "10:08")]);
    assert_eq!(began.started.unwrap().executor.as_deref(), Some("first"));
}

#[test]
fn it_has_no_duration_while_an_end_is_missing_or_comes_before_the_start() {
    assert_eq!(after([started(1, "10:05")]).duration_ms(), None);
    assert_eq!(after([succeeded(1, "10:05")]).duration_ms(), None);
    assert_eq!(after([started(1, "10:05"), succeeded(1, "10:04")]).duration_ms(), None);
    assert_eq!(after([started(1, "10:05"), succeeded(1, "10:05")]).duration_ms(), Some(0));
}

#[test]
fn it_finished_when_the_last_run_of_equal_reports_began() {
    let told =
        [succeeded(1, "10:01"), failed(1, "10:02"), succeeded(1, "10:04"), succeeded(1, "10:03")];
    assert_eq!(after(told).finished_at(), Some(at("10:03")));
    assert_eq!(after([started(1, "10:01")]).finished_at(), None);
}

#[test]
fn it_keeps_why_it_failed_and_why_it_was_called_off() {
    let failure = Failed {
        number: number(1),
        at: at("10:05"),
        error: Some("out of memory".into()),
        failed_step: Some("migrate".into()),
        log_url: None,
    };
    assert_eq!(after([Event::Failed(failure.clone())]).failure, Some(failure));
    let reason = || Some("not today".to_owned());
    for end in [
        Event::Cancelled(Cancelled { number: number(1), at: at("10:05"), reason: reason() }),
        Event::Rejected(Rejected {
            number: number(1),
            at: at("10:05"),
            by: "ada".into(),
            reason: reason(),
        }),
    ] {
        assert_eq!(after([end]).ended_because, reason());
    }
}

#[test]
fn a_target_is_as_the_latest_report_says_whenever_it_came() {
    let target = || "web-1".parse().unwrap();
    let worked = |time| {
        Event::TargetSucceeded(TargetReport { number: number(1), at: at(time), target: target() })
    };
    let broke = |time| {
        let error = Some("out of memory".to_owned());
        let (number, at) = (number(1), at(time));
        Event::TargetFailed(TargetFailed { number, at, target: target(), error })
    };
    let deployment = after([broke("10:05"), worked("10:04")]);
    let state = &deployment.targets[&target()];
    assert_eq!((state.status, state.at), (Status::Failed, at("10:05")));
    assert_eq!(state.error.as_deref(), Some("out of memory"));
    let deployment = after([broke("10:05"), worked("10:05")]);
    let state = &deployment.targets[&target()];
    assert_eq!((state.status, state.error.as_deref()), (Status::Succeeded, None));
}

#[test]
fn it_is_as_healthy_as_the_latest_report_says_whenever_it_came() {
    let fares = |health, time| {
        let (number, at) = (number(1), at(time));
        Event::Health(HealthReport { number, at, health, source: None, detail: None })
    };
    let deployment = after([fares(Health::Unhealthy, "10:05"), fares(Health::Healthy, "10:04")]);
    assert_eq!(deployment.health.unwrap().health, Health::Unhealthy);
    let deployment = after([fares(Health::Unhealthy, "10:05"), fares(Health::Healthy, "10:05")]);
    assert_eq!(deployment.health.unwrap().health, Health::Healthy);
}
