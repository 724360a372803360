//! What stands in the way of a deployment because people want it to.

use shiplog_domain::{
    environment::Frozen,
    lane::{
        Approvals, Asked, Command, Event, Happened, Intent, Lane, Override, Rail, Rails, Refusal,
        Request, Requested, RollbackTo, Status,
    },
    metadata::ActorKind,
    release::Blocked,
    testing::given,
};

use crate::samples::{
    approved, ask_past, at, deploy, failed, happens, now, number, ran, release, request, requested,
    started, succeeded,
};

fn frozen() -> Rails {
    let (reason, until) = ("an audit".into(), Some(at("12:00")));
    Rails { freeze: Some(Frozen { at: at("09:00"), reason, until }), ..Rails::default() }
}

fn one_at_a_time() -> Rails {
    Rails { one_at_a_time: true, ..Rails::default() }
}

fn blocked() -> Rails {
    let reason = "it loses orders".into();
    Rails { block: Some(Blocked { at: at("09:00"), reason }), ..Rails::default() }
}

fn approvals(needed: u8, by_requester: bool) -> Rails {
    Rails { approvals: Approvals { needed, by_requester }, ..Rails::default() }
}

fn is_frozen() -> Refusal {
    Refusal::Frozen { reason: "an audit".into(), until: Some(at("12:00")) }
}

fn is_blocked() -> Refusal {
    Refusal::Blocked { version: "2".parse().unwrap(), reason: "it loses orders".into() }
}

fn wish(version: &str) -> Asked {
    Asked::Deploy(release(version))
}

fn back() -> Asked {
    Asked::Rollback { to: RollbackTo::Previous, release: None }
}

fn crossing(asked: Asked, rails: Rails, over: &[Rail]) -> Command {
    let crosses = Some(Override { rails: over.to_vec(), reason: "it burns".into() });
    Command::Request { request: request(asked, now("11:00")), rails, crosses }
}

/// What comes of it, with what was recorded of the rails.
fn recorded(event: Event, approvals: Option<Approvals>, over: &[Rail]) -> Event {
    let Event::Requested(requested) = event else { panic!("it is no request") };
    let crosses =
        (!over.is_empty()).then(|| Override { rails: over.to_vec(), reason: "it burns".into() });
    Event::Requested(Requested { approvals, crosses, ..requested })
}

fn claim(rails: Rails) -> Happened {
    Happened::Claim { executor: None, log_url: None, rails }
}

/// Asked for by ada where two people have to agree.
fn guarded() -> Event {
    let Event::Requested(asked) = deploy(1, "1", "10:00") else { panic!("it is no request") };
    let approvals = Some(Approvals { needed: 2, by_requester: false });
    Event::Requested(Requested { approvals, by: Some("ada".into()), ..asked })
}

#[test]
fn nothing_is_asked_for_in_a_frozen_environment() {
    given::<Lane>([]).when(ask_past(wish("2"), "11:00", frozen())).refused(&is_frozen());
    let history = [ran(1, "1", "10:00"), ran(2, "2", "10:10")].concat();
    given::<Lane>(history).when(ask_past(back(), "11:00", frozen())).refused(&is_frozen());
}

#[test]
fn a_freeze_that_is_overridden_is_recorded_as_crossed() {
    given::<Lane>([]).when(crossing(wish("2"), frozen(), &[Rail::Freeze])).then([recorded(
        deploy(1, "2", "11:00"),
        None,
        &[Rail::Freeze],
    )]);
}

#[test]
fn what_does_not_stand_in_the_way_is_not_crossed() {
    given::<Lane>([])
        .when(crossing(wish("2"), Rails::default(), &Rail::ALL))
        .then([deploy(1, "2", "11:00")]);
    given::<Lane>([]).when(crossing(wish("2"), frozen(), &[Rail::Block])).refused(&is_frozen());
}

#[test]
fn where_a_lane_takes_one_at_a_time_the_next_waits_for_the_end() {
    let busy = |status| Refusal::InProgress { number: number(1), status };
    let asked = vec![deploy(1, "1", "10:00")];
    let begun = [asked.clone(), vec![started(1, "10:01")]].concat();
    let ended = [begun.clone(), vec![failed(1, "10:05")]].concat();
    let next = || ask_past(wish("2"), "11:00", one_at_a_time());
    given::<Lane>(asked).when(next()).refused(&busy(Status::Requested));
    given::<Lane>(begun.clone()).when(next()).refused(&busy(Status::Started));
    given::<Lane>(ended).when(next()).then([deploy(2, "2", "11:00")]);
    let crossed = [Rail::OneAtATime];
    given::<Lane>(begun).when(crossing(wish("2"), one_at_a_time(), &crossed)).then([recorded(
        deploy(2, "2", "11:00"),
        None,
        &crossed,
    )]);
}

#[test]
fn elsewhere_several_are_asked_for_side_by_side() {
    given::<Lane>([deploy(1, "1", "10:00"), started(1, "10:01")])
        .when(ask_past(wish("2"), "11:00", Rails::default()))
        .then([deploy(2, "2", "11:00")]);
}

#[test]
fn a_blocked_release_goes_no_further_but_may_stay_where_it_is() {
    given::<Lane>(ran(1, "1", "10:00"))
        .when(ask_past(wish("2"), "11:00", blocked()))
        .refused(&is_blocked());
    given::<Lane>(ran(1, "2", "10:00"))
        .when(ask_past(Asked::Retry { of: None }, "11:00", blocked()))
        .then([requested(2, Intent::Retry { of: Some(number(1)) }, release("2"), "11:00")]);
}

#[test]
fn nobody_goes_back_to_a_blocked_release() {
    let history = || [ran(1, "2", "10:00"), ran(2, "3", "10:10")].concat();
    given::<Lane>(history()).when(ask_past(back(), "11:00", blocked())).refused(&is_blocked());
    let intent = Intent::Rollback { restores: Some(number(1)), reverts: vec![number(2)] };
    given::<Lane>(history()).when(crossing(back(), blocked(), &[Rail::Block])).then([recorded(
        requested(3, intent, release("2"), "11:00"),
        None,
        &[Rail::Block],
    )]);
}

#[test]
fn what_has_to_be_approved_says_so_from_the_beginning() {
    let two = Approvals { needed: 2, by_requester: false };
    given::<Lane>([]).when(ask_past(wish("1"), "11:00", approvals(2, false))).then([recorded(
        deploy(1, "1", "11:00"),
        Some(two),
        &[],
    )]);
    given::<Lane>([])
        .when(crossing(wish("1"), approvals(2, false), &[Rail::Approvals]))
        .then([recorded(deploy(1, "1", "11:00"), Some(two), &[Rail::Approvals])]);
}

#[test]
fn who_asked_may_not_agree_unless_the_environment_lets_them() {
    let approve =
        |by: &str| Happened::Approve { by: by.into(), kind: ActorKind::Person, comment: None };
    let agreed = |by| approved(1, by, "10:10");
    given::<Lane>([guarded()])
        .when(happens(1, now("10:10"), approve("ada")))
        .refused(&Refusal::SelfApproval { number: number(1), by: "ada".into() });
    given::<Lane>([guarded()])
        .when(happens(1, now("10:10"), approve("Ada")))
        .refused(&Refusal::SelfApproval { number: number(1), by: "Ada".into() });
    given::<Lane>([guarded()])
        .when(happens(1, now("10:10"), approve("grace")))
        .then([agreed("grace")]);
    let Event::Requested(asked) = guarded() else { panic!("it is no request") };
    let lax = Some(Approvals { needed: 1, by_requester: true });
    given::<Lane>([Event::Requested(Requested { approvals: lax, ..asked })])
        .when(happens(1, now("10:10"), approve("ada")))
        .then([agreed("ada")]);
}

#[test]
fn nobody_begins_before_enough_people_have_agreed() {
    let lacks = |missing| Refusal::NotApproved { number: number(1), missing };
    let claimed = || happens(1, now("10:20"), claim(Rails::default()));
    let grace = || approved(1, "grace", "10:10");
    // What ada says of her own request does not count, however it came into the log.
    let ada = || approved(1, "ada", "10:11");
    given::<Lane>([guarded()]).when(claimed()).refused(&lacks(2));
    given::<Lane>([guarded(), grace(), ada()]).when(claimed()).refused(&lacks(1));
    given::<Lane>([guarded(), grace(), approved(1, "mary", "10:12")])
        .when(claimed())
        .then([started(1, "10:20")]);
}

#[test]
fn an_override_of_approvals_lets_it_begin_at_once() {
    let Event::Requested(asked) = guarded() else { panic!("it is no request") };
    let crosses = Some(Override { rails: vec![Rail::Approvals], reason: "it burns".into() });
    given::<Lane>([Event::Requested(Requested { crosses, ..asked })])
        .when(happens(1, now("10:20"), claim(Rails::default())))
        .then([started(1, "10:20")]);
}

#[test]
fn of_two_executors_one_begins() {
    given::<Lane>([deploy(1, "1", "10:00"), started(1, "10:01")])
        .when(happens(1, now("10:02"), claim(Rails::default())))
        .refused(&Refusal::AlreadyStarted { number: number(1), executor: None });
    given::<Lane>(ran(1, "1", "10:00"))
        .when(happens(1, now("10:02"), claim(Rails::default())))
        .refused(&Refusal::AlreadyEnded { number: number(1), status: Status::Succeeded });
}

#[test]
fn what_was_put_up_since_it_was_asked_for_keeps_it_from_beginning() {
    let claimed = |rails| happens(2, now("11:00"), claim(rails));
    let history = [ran(1, "1", "10:00").to_vec(), vec![deploy(2, "2", "10:10")]].concat();
    given::<Lane>(history.clone()).when(claimed(frozen())).refused(&is_frozen());
    given::<Lane>(history.clone()).when(claimed(blocked())).refused(&is_blocked());
    given::<Lane>(history).when(claimed(one_at_a_time())).then([started(2, "11:00")]);
    given::<Lane>([deploy(1, "1", "10:00"), started(1, "10:01"), deploy(2, "2", "10:10")])
        .when(claimed(one_at_a_time()))
        .refused(&Refusal::InProgress { number: number(1), status: Status::Started });
}

#[test]
fn what_it_crossed_when_it_was_asked_for_it_crosses_when_it_begins() {
    let crossed = recorded(deploy(1, "2", "10:00"), None, &[Rail::Freeze]);
    given::<Lane>([crossed])
        .when(happens(1, now("11:00"), claim(frozen())))
        .then([started(1, "11:00")]);
}

#[test]
fn a_report_meets_no_guard_rail() {
    given::<Lane>([guarded()])
        .when(happens(1, now("10:20"), Happened::Started { executor: None, log_url: None }))
        .then([started(1, "10:20")]);
}

#[test]
fn nothing_is_repeated_or_mended_that_has_not_ended_or_never_was() {
    let history = || [ran(1, "1", "10:00").to_vec(), vec![deploy(2, "2", "10:10")]].concat();
    let open = Refusal::StillOpen { number: number(2), status: Status::Requested };
    let mend = |of| Asked::RollForward { release: release("3"), mends: Some(number(of)) };
    let ask = |asked| ask_past(asked, "11:00", Rails::default());
    given::<Lane>(history()).when(ask(Asked::Retry { of: None })).refused(&open);
    given::<Lane>(history()).when(ask(mend(2))).refused(&open);
    given::<Lane>(history())
        .when(ask(mend(7)))
        .refused(&Refusal::Unknown { number: number(7), last: Some(number(2)) });
    let ended = [history(), vec![succeeded(2, "10:20")]].concat();
    let intent = Intent::RollForward { mends: Some(number(2)) };
    given::<Lane>(ended).when(ask(mend(2))).then([requested(3, intent, release("3"), "11:00")]);
}

#[test]
fn a_request_keeps_who_asked_beside_its_rails() {
    let asked = Request { by: Some("ada".into()), ..request(wish("1"), now("11:00")) };
    let rails = approvals(1, false);
    let Event::Requested(expected) = deploy(1, "1", "11:00") else { panic!("it is no request") };
    let approvals = Some(Approvals { needed: 1, by_requester: false });
    given::<Lane>([])
        .when(Command::Request { request: asked, rails, crosses: None })
        .then([Event::Requested(Requested { by: Some("ada".into()), approvals, ..expected })]);
}
