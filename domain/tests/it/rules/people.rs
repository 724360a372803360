//! What people decide about a deployment: refused once it has ended.

use shiplog_domain::{
    lane::{Correction, Event, Happened, Lane, Refusal, Status},
    metadata::ActorKind,
    testing::given,
};

use crate::samples::{
    approved, cancelled, corrected, deploy, failed, happens, now, number, rejected, started,
    succeeded,
};

fn approve(by: &str) -> Happened {
    Happened::Approve { by: by.into(), kind: ActorKind::Person, comment: None }
}

fn reject(by: &str) -> Happened {
    Happened::Reject { by: by.into(), reason: None }
}

const CANCEL: Happened = Happened::Cancel { reason: None };

fn asked_and(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    [deploy(1, "1", "10:00")].into_iter().chain(more).collect()
}

#[test]
fn several_people_approve_each_of_them_once() {
    given::<Lane>(asked_and([]))
        .when(happens(1, now("10:01"), approve("ada")))
        .then([approved(1, "ada", "10:01")]);
    let given = given::<Lane>(asked_and([approved(1, "ada", "10:01")]));
    given.when(happens(1, now("10:02"), approve("grace"))).then([approved(1, "grace", "10:02")]);
    given.when(happens(1, now("10:02"), approve("ada"))).then([]);
}

#[test]
fn no_program_approves_and_any_turns_it_down() {
    let given = given::<Lane>(asked_and([]));
    for (kind, said) in [(ActorKind::Service, "service"), (ActorKind::System, "system")] {
        let by = "ci".to_owned();
        let refusal = Refusal::NotAPerson { number: number(1), by: by.clone(), kind };
        assert_eq!(
            refusal.to_string(),
            format!("approvals are given by people, and `{said}:ci` is a {said}")
        );
        let approve = Happened::Approve { by, kind, comment: None };
        given.when(happens(1, now("10:01"), approve)).refused(&refusal);
    }
    given.when(happens(1, now("10:02"), reject("ci"))).then([rejected(1, "ci", "10:02")]);
}

#[test]
fn a_person_is_the_same_in_other_letters() {
    let given = given::<Lane>(asked_and([approved(1, "ren\u{e9}e", "10:01")]));
    for same in ["RENE\u{301}E", " renée", "Renée"] {
        given.when(happens(1, now("10:02"), approve(same))).then([]);
    }
}

#[test]
fn an_approval_can_be_repeated_after_the_end() {
    given::<Lane>(asked_and([approved(1, "ada", "10:01"), succeeded(1, "10:05")]))
        .when(happens(1, now("10:06"), approve("ada")))
        .then([]);
}

#[test]
fn a_deployment_that_has_started_can_still_be_approved_or_called_off() {
    let given = given::<Lane>(asked_and([started(1, "10:01")]));
    given.when(happens(1, now("10:02"), approve("ada"))).then([approved(1, "ada", "10:02")]);
    given.when(happens(1, now("10:02"), reject("ada"))).then([rejected(1, "ada", "10:02")]);
    given.when(happens(1, now("10:02"), CANCEL)).then([cancelled(1, "10:02")]);
}

#[test]
fn a_rejection_or_a_cancellation_is_recorded_once() {
    given::<Lane>(asked_and([rejected(1, "ada", "10:01")]))
        .when(happens(1, now("10:02"), reject("grace")))
        .then([]);
    given::<Lane>(asked_and([cancelled(1, "10:01")]))
        .when(happens(1, now("10:02"), CANCEL))
        .then([]);
}

#[test]
fn what_has_ended_can_no_longer_be_decided_about() {
    for (end, status) in [
        (succeeded(1, "10:05"), Status::Succeeded),
        (failed(1, "10:05"), Status::Failed),
        (cancelled(1, "10:05"), Status::Cancelled),
        (rejected(1, "ada", "10:05"), Status::Rejected),
    ] {
        let given = given::<Lane>(asked_and([end]));
        let ended = Refusal::AlreadyEnded { number: number(1), status };
        given.when(happens(1, now("10:06"), approve("ada"))).refused(&ended);
        if status != Status::Rejected {
            given.when(happens(1, now("10:06"), reject("ada"))).refused(&ended);
        }
        if status != Status::Cancelled {
            given.when(happens(1, now("10:06"), CANCEL)).refused(&ended);
        }
    }
}

#[test]
fn what_never_took_place_cannot_be_decided_about() {
    let given = given::<Lane>(asked_and([corrected(1, Correction::Void, "10:05")]));
    let void = Refusal::Void { number: number(1) };
    given.when(happens(1, now("10:06"), approve("ada"))).refused(&void);
    given.when(happens(1, now("10:06"), reject("ada"))).refused(&void);
    given.when(happens(1, now("10:06"), CANCEL)).refused(&void);
}
