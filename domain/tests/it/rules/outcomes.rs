//! How deployments start, end and fare, told in whatever order.

use shiplog_domain::{
    decider::fold,
    lane::{
        Annotated, Deployment, Event, Happened, Health, HealthReport, Lane, Refusal, State, Status,
        TargetFailed, TargetReport,
    },
    testing::given,
};

use crate::samples::{
    at, cancelled, deploy, failed, fails, happens, now, number, ran, rejected, started, starts,
    stated, succeeded,
};

fn first(state: &State) -> &Deployment {
    state.deployment(number(1)).unwrap()
}

fn asked() -> Vec<Event> {
    vec![deploy(1, "1", "10:00")]
}

fn asked_and(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    asked().into_iter().chain(more).collect()
}

#[test]
fn what_happens_to_a_deployment_that_is_not_there_is_refused() {
    for unknown in [0, 2] {
        given::<Lane>(asked())
            .when(happens(unknown, stated("10:05"), Happened::Succeeded))
            .refused(&Refusal::Unknown { number: number(unknown), last: Some(number(1)) });
    }
    given::<Lane>([])
        .when(happens(1, stated("10:05"), Happened::Succeeded))
        .refused(&Refusal::Unknown { number: number(1), last: None });
}

#[test]
fn saying_it_twice_changes_nothing() {
    for (event, happened) in [
        (started(1, "10:05"), starts()),
        (succeeded(1, "10:05"), Happened::Succeeded),
        (failed(1, "10:05"), fails()),
    ] {
        given::<Lane>(asked())
            .when(happens(1, now("10:05"), happened.clone()))
            .then([event.clone()]);
        let given = given::<Lane>(asked_and([event]));
        given.when(happens(1, now("10:06"), happened.clone())).then([]);
        given.when(happens(1, stated("10:05"), happened)).then([]);
    }
}

#[test]
fn the_same_at_another_stated_time_is_a_report_of_its_own() {
    for (earlier, happened, later) in [
        (started(1, "10:05"), starts(), started(1, "10:06")),
        (succeeded(1, "10:05"), Happened::Succeeded, succeeded(1, "10:06")),
        (failed(1, "10:05"), fails(), failed(1, "10:06")),
    ] {
        given::<Lane>(asked_and([earlier]))
            .when(happens(1, stated("10:06"), happened))
            .then([later]);
    }
}

#[test]
fn a_deployment_can_end_without_having_started_and_start_after_its_end() {
    given::<Lane>(asked()).when(happens(1, now("10:05"), fails())).then([failed(1, "10:05")]);
    given::<Lane>(asked_and([failed(1, "10:05")]))
        .when(happens(1, stated("10:01"), starts()))
        .then([started(1, "10:01")]);
    let state = fold::<Lane>(&asked_and([failed(1, "10:05"), started(1, "10:01")]));
    assert_eq!(first(&state).status(), Status::Failed);
    assert_eq!(first(&state).duration_ms(), Some(4 * 60 * 1000));
}

#[test]
fn an_outcome_may_come_late_and_before_the_request() {
    given::<Lane>(asked())
        .when(happens(1, stated("09:00"), Happened::Succeeded))
        .then([succeeded(1, "09:00")]);
}

#[test]
fn an_outcome_that_contradicts_another_is_recorded() {
    given::<Lane>(asked_and([succeeded(1, "10:05")]))
        .when(happens(1, stated("10:04"), fails()))
        .then([failed(1, "10:04")]);
    given::<Lane>(asked_and([failed(1, "10:05")]))
        .when(happens(1, now("10:06"), Happened::Succeeded))
        .then([succeeded(1, "10:06")]);
}

#[test]
fn an_outcome_is_recorded_even_of_what_was_called_off() {
    for end in [cancelled(1, "10:01"), rejected(1, "ada", "10:01")] {
        given::<Lane>(asked_and([end]))
            .when(happens(1, now("10:05"), Happened::Succeeded))
            .then([succeeded(1, "10:05")]);
    }
}

#[test]
fn of_two_outcomes_the_later_one_decides_both_stay_and_the_contradiction_is_marked() {
    let (success, failure) = (succeeded(1, "10:05"), failed(1, "10:06"));
    for outcomes in [[success.clone(), failure.clone()], [failure, success]] {
        let state = fold::<Lane>(&asked_and(outcomes));
        assert_eq!(first(&state).status(), Status::Failed);
        assert_eq!(first(&state).outcomes.len(), 2);
        assert!(first(&state).is_contradicted());
        assert_eq!(state.running(), None);
        assert_eq!(state.last_failed(), Some(first(&state)));
    }
}

#[test]
fn of_two_outcomes_at_one_time_the_one_recorded_later_decides() {
    let state = fold::<Lane>(&asked_and([failed(1, "10:05"), succeeded(1, "10:05")]));
    assert_eq!(first(&state).status(), Status::Succeeded);
    assert_eq!(state.running(), Some(first(&state)));
    assert_eq!(state.last_failed(), None);
}

#[test]
fn an_outcome_told_twice_is_no_contradiction_and_took_effect_when_it_first_did() {
    let state = fold::<Lane>(&asked_and([succeeded(1, "10:06"), succeeded(1, "10:05")]));
    assert!(!first(&state).is_contradicted());
    assert_eq!(first(&state).finished_at(), Some(at("10:05")));
    assert_eq!(state.effects().len(), 1);
}

#[test]
fn a_late_report_of_an_old_success_does_not_displace_what_runs() {
    let history = [
        deploy(1, "1", "10:00"),
        deploy(2, "2", "10:10"),
        succeeded(2, "10:15"),
        succeeded(1, "10:05"),
    ];
    let state = fold::<Lane>(&history);
    assert_eq!(state.running().map(Deployment::number), Some(number(2)));
    assert_eq!(state.replaced(number(2)), Some(first(&state)));
}

#[test]
fn a_success_told_once_more_does_not_displace_another_of_the_same_time() {
    let history = [ran(1, "1", "10:00"), ran(2, "2", "10:00")].concat();
    let again = [history, vec![succeeded(1, "10:01")]].concat();
    assert_eq!(fold::<Lane>(&again).running().map(Deployment::number), Some(number(2)));
}

#[test]
fn after_a_failure_what_ran_before_it_still_runs() {
    let history = [ran(1, "1", "10:00"), [deploy(2, "2", "10:10"), failed(2, "10:15")]].concat();
    let state = fold::<Lane>(&history);
    assert_eq!(state.running().map(Deployment::number), Some(number(1)));
    assert_eq!(state.last_failed().map(Deployment::number), Some(number(2)));
}

#[test]
fn of_two_failures_the_later_one_is_the_last_and_of_one_time_the_one_recorded_later() {
    let asked = [deploy(1, "1", "10:00"), deploy(2, "2", "10:00")];
    for (times, last) in [(["10:06", "10:05"], 1), (["10:05", "10:06"], 2), (["10:05", "10:05"], 2)]
    {
        let told = [failed(1, times[0]), failed(2, times[1])];
        let state = fold::<Lane>(asked.iter().chain(&told));
        assert_eq!(state.last_failed().map(Deployment::number), Some(number(last)));
    }
}

#[test]
fn what_is_queued_does_not_hide_what_runs() {
    let history = [deploy(1, "1", "10:00"), deploy(2, "2", "10:00"), started(1, "10:05")];
    let state = fold::<Lane>(&history);
    assert_eq!(state.in_progress().map(Deployment::number), Some(number(1)));
    let further = [started(2, "10:06"), cancelled(1, "10:07"), cancelled(2, "10:08")];
    for (until, expected) in [(1, Some(2)), (2, Some(2)), (3, None)] {
        let state = fold::<Lane>(history.iter().chain(&further[..until]));
        assert_eq!(state.in_progress().map(Deployment::number), expected.map(number));
    }
    let waiting = [deploy(1, "1", "10:00"), deploy(2, "2", "10:00")];
    let state = fold::<Lane>(&waiting);
    assert_eq!(state.in_progress().map(Deployment::number), Some(number(2)), "the newest waits");
}

#[test]
fn a_target_has_an_outcome_of_its_own() {
    let target = || "web-1".parse().unwrap();
    let report = |time| TargetReport { number: number(1), at: at(time), target: target() };
    let error = Some("out of memory".to_owned());
    let failure = Event::TargetFailed(TargetFailed {
        number: number(1),
        at: at("10:03"),
        target: target(),
        error: error.clone(),
    });
    given::<Lane>(asked())
        .when(happens(1, now("10:01"), Happened::TargetStarted(target())))
        .then([Event::TargetStarted(report("10:01"))]);
    given::<Lane>(asked_and([Event::TargetStarted(report("10:01"))]))
        .when(happens(1, now("10:02"), Happened::TargetStarted(target())))
        .then([]);
    let given = given::<Lane>(asked_and([Event::TargetSucceeded(report("10:02"))]));
    given.when(happens(1, now("10:03"), Happened::TargetSucceeded(target()))).then([]);
    given
        .when(happens(1, now("10:03"), Happened::TargetFailed { target: target(), error }))
        .then([failure]);
}

#[test]
fn health_is_recorded_when_it_changes() {
    let told = |health| Happened::Health { health, source: None, detail: None };
    let report = |health, time| {
        let (number, at) = (number(1), at(time));
        Event::Health(HealthReport { number, at, health, source: None, detail: None })
    };
    let given = given::<Lane>(asked_and([report(Health::Healthy, "10:05")]));
    given.when(happens(1, now("10:06"), told(Health::Healthy))).then([]);
    given
        .when(happens(1, stated("10:06"), told(Health::Healthy)))
        .then([report(Health::Healthy, "10:06")]);
    given
        .when(happens(1, now("10:06"), told(Health::Degraded)))
        .then([report(Health::Degraded, "10:06")]);
}

#[test]
fn each_note_is_recorded_even_if_it_says_the_same() {
    let note = |time| {
        let (number, at) = (number(1), at(time));
        Event::Annotated(Annotated { number, at, text: "see there".into(), links: Vec::new() })
    };
    let annotate = Happened::Annotate { text: "see there".into(), links: Vec::new() };
    given::<Lane>(asked_and([note("10:05")]))
        .when(happens(1, now("10:06"), annotate))
        .then([note("10:06")]);
}

#[test]
fn a_start_without_a_time_says_nothing_new_of_what_has_run() {
    for end in [succeeded(1, "10:05"), failed(1, "10:05")] {
        let given = given::<Lane>([deploy(1, "1", "10:00"), end]);
        given.when(happens(1, now("18:00"), starts())).then([]);
        given.when(happens(1, stated("10:01"), starts())).then([started(1, "10:01")]);
    }
    // It was called off, and somebody began it all the same.
    given::<Lane>([deploy(1, "1", "10:00"), cancelled(1, "10:05")])
        .when(happens(1, now("10:06"), starts()))
        .then([started(1, "10:06")]);
}
