//! What is asked of a lane, judged.

use std::sync::Arc;

use super::{
    Asked, Command, Correction, Deployment, DeploymentNumber, Event, Failed, Happened, Intent,
    Outcome, Removed, Report, Request, Requested, Started, State, Status, Succeeded, When,
    rollback::{self, Plan},
};
use crate::{decider::Coded, names::Version};

/// Why a lane turns a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No deployment has this number.
    #[error("there is no deployment `{number}` here; {}", known(*last))]
    Unknown {
        /// The number asked for.
        number: DeploymentNumber,
        /// The highest one there is.
        last: Option<DeploymentNumber>,
    },
    /// The deployment was corrected never to have taken place.
    #[error("deployment `{number}` was voided: it never took place")]
    Void {
        /// Which one.
        number: DeploymentNumber,
    },
    /// The release asked for is the one that runs.
    #[error("version `{version}` already runs, put there by `{number}`")]
    AlreadyRuns {
        /// The deployment that put it there.
        number: DeploymentNumber,
        /// What runs.
        version: Version,
    },
    /// Nothing runs, so there is nothing to go back from.
    #[error("nothing runs here; name the deployment or version to go back to")]
    NothingRuns,
    /// Nothing else ran before what runs.
    #[error("nothing ran here before `{number}`; there is no earlier release to go back to")]
    NothingBefore {
        /// The deployment that runs.
        number: DeploymentNumber,
    },
    /// A rollback replays a release that worked, and this one did not.
    #[error("deployment `{number}` is `{}`, not succeeded; a rollback replays one that succeeded",
        .status.as_str())]
    NeverSucceeded {
        /// Which one.
        number: DeploymentNumber,
        /// What became of it.
        status: Status,
    },
    /// This version never ran here.
    #[error("version `{version}` never ran here; deploy it instead")]
    NeverRan {
        /// Which one.
        version: Version,
    },
    /// There is no deployment to repeat.
    #[error("nothing was ever deployed here; there is nothing to retry")]
    NothingToRetry,
    /// It has ended.
    #[error("deployment `{number}` has already ended: it is `{}`", .status.as_str())]
    AlreadyEnded {
        /// Which one.
        number: DeploymentNumber,
        /// How.
        status: Status,
    },
    /// A lane numbers its deployments with 32 bits.
    #[error("this lane has no numbers left")]
    Full,
}

fn known(last: Option<DeploymentNumber>) -> String {
    last.map_or_else(|| "nothing was deployed yet".into(), |last| format!("the last is `{last}`"))
}

impl Refusal {
    pub(super) fn unknown(state: &State, number: DeploymentNumber) -> Self {
        Self::Unknown { number, last: state.deployments().last().map(Deployment::number) }
    }
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-deployment",
            Self::Void { .. } => "void-deployment",
            Self::AlreadyRuns { .. } => "already-runs",
            Self::NothingRuns => "nothing-runs",
            Self::NothingBefore { .. } => "nothing-before",
            Self::NeverSucceeded { .. } => "never-succeeded",
            Self::NeverRan { .. } => "never-ran",
            Self::NothingToRetry => "nothing-to-retry",
            Self::AlreadyEnded { .. } => "already-ended",
            Self::Full => "lane-full",
        }
    }
}

/// Refuses contradictions only: a history records what happened, wise or not.
pub(super) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Request(request) => ask(state, request, resolve).map(|event| vec![event]),
        Command::Report(report) => tell(state, report),
        Command::Deployment { number, when, happened } => {
            let deployment =
                state.deployment(number).ok_or_else(|| Refusal::unknown(state, number))?;
            happen(deployment, when, happened)
        }
        Command::Remove { when, reason } => Ok(remove(state, when, reason)),
    }
}

type Resolve = fn(&State, Asked) -> Result<Plan, Refusal>;

fn ask(state: &State, request: Request, resolve: Resolve) -> Result<Event, Refusal> {
    let Request { when, asked, by, reason, url, external_id, labels } = request;
    let number = state.next_number();
    if number.0 == u32::MAX {
        return Err(Refusal::Full);
    }
    let Plan { intent, release } = resolve(state, asked)?;
    Ok(Event::Requested(Requested {
        at: when.at,
        number,
        intent,
        release,
        by,
        reason,
        url,
        external_id,
        labels,
    }))
}

fn resolve(state: &State, asked: Asked) -> Result<Plan, Refusal> {
    Ok(match asked {
        Asked::Deploy(release) => Plan { intent: Intent::Deploy, release: Arc::new(release) },
        Asked::Unknown(release) => Plan { intent: Intent::Unknown, release: Arc::new(release) },
        Asked::RollForward { release, mends } => {
            Plan { intent: Intent::RollForward { mends }, release: Arc::new(release) }
        }
        Asked::Rollback { to, release: None } => rollback::plan(state, &to)?,
        Asked::Rollback { to, release: Some(release) } => Plan {
            intent: rollback::reported(state, &to, &release.version),
            release: Arc::new(release),
        },
        Asked::Retry { of } => {
            let last = || state.deployments().iter().rev().find(|one| !one.is_void());
            let repeated = match of {
                Some(number) => {
                    state.deployment(number).ok_or_else(|| Refusal::unknown(state, number))?
                }
                None => last().ok_or(Refusal::NothingToRetry)?,
            };
            Plan {
                intent: Intent::Retry { of: Some(repeated.number()) },
                release: Arc::clone(repeated.release()),
            }
        }
    })
}

/// As [`resolve`], for what has taken place: refused only if nobody can tell what was put there.
fn resolve_told(state: &State, asked: Asked) -> Result<Plan, Refusal> {
    match asked {
        Asked::Rollback { to, release: None } => rollback::told(state, &to),
        Asked::Rollback { release: Some(_), .. }
        | Asked::Deploy(_)
        | Asked::RollForward { .. }
        | Asked::Retry { .. }
        | Asked::Unknown(_) => resolve(state, asked),
    }
}

fn tell(state: &State, report: Report) -> Result<Vec<Event>, Refusal> {
    let Report { request, outcome } = report;
    let (at, number) = (request.when.at, state.next_number());
    let requested = ask(state, request, resolve_told)?;
    let further = match outcome {
        Outcome::Started => Event::Started(Started { number, at, executor: None, log_url: None }),
        Outcome::Succeeded => Event::Succeeded(Succeeded { number, at }),
        Outcome::Failed { error } => {
            Event::Failed(Failed { number, at, error, failed_step: None, log_url: None })
        }
    };
    Ok(vec![requested, further])
}

fn happen(deployment: &Deployment, when: When, happened: Happened) -> Result<Vec<Event>, Refusal> {
    if already(deployment, when, &happened)? {
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
        Happened::Approve { by, .. } => {
            let agreed = deployment.approvals.iter().any(|earlier| earlier.by == *by);
            agreed || open(deployment).map(|()| false)?
        }
        Happened::Reject { .. } => ends(deployment, Status::Rejected)?,
        Happened::Cancel { .. } => ends(deployment, Status::Cancelled)?,
        Happened::Started { .. } => repeats(deployment.started.as_ref().map(|one| one.at), when),
        Happened::TargetStarted(name) => target(name, Status::Started),
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
        Happened::Annotate { .. } => false,
        Happened::Correct { correction, .. } => {
            *correction == Correction::Void && deployment.is_void()
        }
    })
}

/// Whether saying it again adds nothing: it is so, and no other time is stated.
fn repeats(earlier: Option<jiff::Timestamp>, when: When) -> bool {
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

/// Whether it has ended this way already.
fn ends(deployment: &Deployment, wanted: Status) -> Result<bool, Refusal> {
    if deployment.status() == wanted {
        return Ok(true);
    }
    open(deployment).map(|()| false)
}

fn remove(state: &State, when: When, reason: Option<String>) -> Vec<Event> {
    let told = state.effects().iter().any(|one| one.number.is_none() && one.at == when.at);
    if told || (!when.stated && state.running().is_none()) {
        Vec::new()
    } else {
        vec![Event::Removed(Removed { at: when.at, reason })]
    }
}
