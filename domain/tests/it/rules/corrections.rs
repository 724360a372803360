//! What was recorded wrongly is corrected by a later event that names the earlier one.

use shiplog_domain::{
    decider::fold,
    lane::{Correction, Deployment, Event, Happened, Intent, Lane, State, Status},
    testing::given,
};

use crate::samples::{
    corrected, corrects, deploy, failed, happens, now, number, ran, stated, succeeded,
};

fn two() -> Vec<Event> {
    [ran(1, "1", "10:00"), ran(2, "2", "10:10")].concat()
}

fn two_and(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    two().into_iter().chain(more).collect()
}

fn second(state: &State) -> &Deployment {
    state.deployment(number(2)).unwrap()
}

#[test]
fn a_deployment_is_voided_once_whatever_the_time() {
    given::<Lane>(two())
        .when(happens(2, now("11:00"), corrects(Correction::Void)))
        .then([corrected(2, Correction::Void, "11:00")]);
    let given = given::<Lane>(two_and([corrected(2, Correction::Void, "11:00")]));
    given.when(happens(2, now("11:05"), corrects(Correction::Void))).then([]);
    given.when(happens(2, stated("11:05"), corrects(Correction::Void))).then([]);
}

#[test]
fn what_never_took_place_does_not_run_and_is_not_in_progress_nor_failed() {
    let state = fold::<Lane>(&two_and([corrected(2, Correction::Void, "11:00")]));
    assert_eq!(state.running().map(Deployment::number), Some(number(1)));
    assert!(second(&state).is_void());

    let open = [deploy(1, "1", "10:00"), corrected(1, Correction::Void, "11:00")];
    assert_eq!(fold::<Lane>(&open).in_progress(), None);
    let failed =
        [deploy(1, "1", "10:00"), failed(1, "10:05"), corrected(1, Correction::Void, "11:00")];
    assert_eq!(fold::<Lane>(&failed).last_failed(), None);
}

#[test]
fn an_outcome_of_what_never_took_place_is_recorded_and_changes_nothing() {
    let history = vec![deploy(1, "1", "10:00"), corrected(1, Correction::Void, "10:05")];
    given::<Lane>(history.clone())
        .when(happens(1, now("10:10"), Happened::Succeeded))
        .then([succeeded(1, "10:10")]);
    let state = fold::<Lane>(&[history, vec![succeeded(1, "10:10")]].concat());
    assert_eq!(state.running(), None);
}

#[test]
fn what_never_took_place_can_still_be_corrected_otherwise() {
    given::<Lane>(two_and([corrected(2, Correction::Void, "11:00")]))
        .when(happens(2, now("11:05"), corrects(Correction::Cleared)))
        .then([corrected(2, Correction::Cleared, "11:05")]);
}

#[test]
fn the_intent_corrected_last_holds() {
    let rollback = Intent::Rollback { restores: Some(number(1)), reverts: Vec::new() };
    let intent = |intent: &Intent| Correction::Intent { intent: intent.clone() };
    given::<Lane>(two())
        .when(happens(2, now("11:00"), corrects(intent(&rollback))))
        .then([corrected(2, intent(&rollback), "11:00")]);
    let history = two_and([
        corrected(2, intent(&Intent::Unknown), "11:00"),
        corrected(2, intent(&rollback), "11:01"),
        corrected(2, Correction::Blamed, "11:02"),
    ]);
    let state = fold::<Lane>(&history);
    assert_eq!(second(&state).intent(), &rollback);
    assert_eq!(second(&state).requested.intent, Intent::Deploy);
}

#[test]
fn a_deployment_is_blamed_until_it_is_cleared() {
    let blamed = two_and([corrected(2, Correction::Blamed, "11:00")]);
    let state = fold::<Lane>(&blamed);
    assert!(second(&state).is_blamed());
    assert_eq!(second(&state).status(), Status::Succeeded);
    given::<Lane>(blamed.clone())
        .when(happens(2, now("11:05"), corrects(Correction::Cleared)))
        .then([corrected(2, Correction::Cleared, "11:05")]);
    let cleared = [blamed, vec![corrected(2, Correction::Cleared, "11:05")]].concat();
    let state = fold::<Lane>(&cleared);
    assert!(!second(&state).is_blamed());
    assert_eq!(second(&state).corrections.len(), 2);
}

#[test]
fn a_correction_that_is_no_void_changes_nothing_about_what_runs() {
    let before = fold::<Lane>(&two()).effects().to_vec();
    for correction in
        [Correction::Blamed, Correction::Cleared, Correction::Intent { intent: Intent::Unknown }]
    {
        let state = fold::<Lane>(&two_and([corrected(1, correction, "11:00")]));
        assert_eq!(state.effects(), before);
    }
}

#[test]
fn a_correction_keeps_the_order_of_successes_at_one_time() {
    let history = [ran(1, "1", "10:00"), ran(2, "2", "10:00")].concat();
    let history = [history, vec![corrected(1, Correction::Blamed, "11:00")]].concat();
    assert_eq!(fold::<Lane>(&history).running().map(Deployment::number), Some(number(2)));
}
