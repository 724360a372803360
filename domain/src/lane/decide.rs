//! What is asked of a lane, judged.

use jiff::Timestamp;

use super::{
    Command, Correction, Deployment, Event, Happened, Refusal, Removed, Requested, State, Status,
    When, rails, request,
};
use crate::{metadata::ActorKind, text::is_same_id};

/// Refuses contradictions only: a history records what happened, wise or not.
pub(super) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Request { request, rails, crosses } => {
            request::ask(state, request, &rails, crosses).map(|event| vec![event])
        }
        Command::Report(report) => request::tell(state, report),
        Command::Deployment { number, when, happened } => {
            let deployment =
                state.deployment(number).ok_or_else(|| Refusal::unknown(state, number))?;
            happen(state, deployment, when, happened)
        }
        Command::Remove { when, reason } => Ok(remove(state, when, reason)),
    }
}

fn happen(
    state: &State,
    deployment: &Deployment,
    when: When,
    happened: Happened,
) -> Result<Vec<Event>, Refusal> {
    if let Happened::Claim { rails, .. } = &happened {
        open(deployment)?;
        rails::clear(&state.as_of(when.at), rails, deployment)?;
    } else if already(deployment, when, &happened)? {
        return Ok(Vec::new());
    }
    Ok(vec![happened.into_event(deployment.number(), when.at)])
}

/// Reports are recorded whatever they say, unless they say nothing new; what
/// people ask for is refused once the deployment has ended.
fn already(deployment: &Deployment, when: When, happened: &Happened) -> Result<bool, Refusal> {
    let target = |name, status| {
        let same = deployment.targets.get(name).filter(|earlier| earlier.status == status);
        repeats(same.map(|earlier| earlier.at), when)
    };
    Ok(match happened {
        Happened::Approve { by, kind, comment: _ } => agrees(deployment, by, *kind)?,
        Happened::Reject { .. } => ends(deployment, Status::Rejected)?,
        Happened::Cancel { .. } => ends(deployment, Status::Cancelled)?,
        Happened::Started { .. } => {
            let started = deployment.started.as_ref().map(|one| one.at);
            repeats(started, when) || (!when.stated && has_run(deployment.status()))
        }
        Happened::TargetStarted(name) => {
            let ended = deployment.targets.get(name).is_some_and(|one| has_run(one.status));
            let is_over = ended && has_run(deployment.status());
            target(name, Status::Started) || (!when.stated && is_over)
        }
        Happened::TargetSucceeded(name) => target(name, Status::Succeeded),
        Happened::TargetFailed { target: name, .. } => target(name, Status::Failed),
        Happened::Succeeded => ended_so(deployment, Status::Succeeded, when),
        Happened::Failed { .. } => ended_so(deployment, Status::Failed, when),
        Happened::Health { health, source, detail } => {
            let same = deployment.health.as_ref().filter(|earlier| {
                (&earlier.health, &earlier.source, &earlier.detail) == (health, source, detail)
            });
            repeats(same.map(|earlier| earlier.at), when)
        }
        // Two that claim it do not say the same: one of them gets it.
        Happened::Claim { .. } | Happened::Annotate { .. } => false,
        Happened::Correct { correction, .. } => {
            *correction == Correction::Void && deployment.is_void()
        }
    })
}

/// Whether it ran to an end: that it began is known by that, and now is not when. What was called off and
/// begins all the same is news.
fn has_run(status: Status) -> bool {
    match status {
        Status::Succeeded | Status::Failed => true,
        Status::Requested | Status::Rejected | Status::Started | Status::Cancelled => false,
    }
}

/// Whether saying it again adds nothing: it is so, and no other time is stated.
fn repeats(earlier: Option<Timestamp>, when: When) -> bool {
    earlier.is_some_and(|at| !when.stated || at == when.at)
}

fn ended_so(deployment: &Deployment, status: Status, when: When) -> bool {
    let told = deployment.outcomes.iter().any(|one| one.status == status && one.at == when.at);
    told || (!when.stated && deployment.status() == status)
}

fn open(deployment: &Deployment) -> Result<(), Refusal> {
    let (number, status) = (deployment.number(), deployment.status());
    if deployment.is_void() {
        return Err(Refusal::Void { number });
    }
    if status.is_final() { Err(Refusal::AlreadyEnded { number, status }) } else { Ok(()) }
}

/// Whether this person has agreed already. An approval is given by somebody who looked: no program can.
///
/// It is asked here and not where approvals are counted, so that those in the log count as they did.
fn agrees(deployment: &Deployment, by: &str, kind: ActorKind) -> Result<bool, Refusal> {
    let is_person = match kind {
        ActorKind::Person => true,
        ActorKind::Service | ActorKind::System => false,
    };
    if is_person && deployment.approvals.iter().any(|earlier| is_same_id(&earlier.by, by)) {
        return Ok(true);
    }
    open(deployment)?;
    if !is_person {
        return Err(Refusal::NotAPerson { number: deployment.number(), by: by.into(), kind });
    }
    may_agree(deployment, by).map(|()| false)
}

/// Where approvals are needed, who asked may be barred from giving one.
fn may_agree(deployment: &Deployment, by: &str) -> Result<(), Refusal> {
    let Requested { number, approvals, by: requester, .. } = &deployment.requested;
    let barred = approvals.is_some_and(|approvals| !approvals.by_requester);
    if barred && requester.as_deref().is_some_and(|requester| is_same_id(requester, by)) {
        return Err(Refusal::SelfApproval { number: *number, by: by.into() });
    }
    Ok(())
}

/// Whether it has ended this way already.
fn ends(deployment: &Deployment, wanted: Status) -> Result<bool, Refusal> {
    if deployment.status() == wanted {
        return Ok(true);
    }
    open(deployment).map(|()| false)
}

fn remove(state: &State, when: When, reason: Option<String>) -> Vec<Event> {
    let told = state.effects().iter().any(|one| one.number.is_none() && one.at == when.at);
    if told || (!when.stated && state.as_of(when.at).running().is_none()) {
        Vec::new()
    } else {
        vec![Event::Removed(Removed { at: when.at, reason })]
    }
}
