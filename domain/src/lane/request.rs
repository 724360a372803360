//! A deployment as it is asked for, or told of: which release, why, and under which number.

use std::sync::Arc;

use super::{
    Asked, Configuration, Deployment, DeploymentNumber, Event, Failed, Intent, Outcome, Override,
    Rail, Rails, Refusal, Report, Request, Requested, Started, State, Succeeded, rails,
    rollback::{self, Plan},
};
use crate::release::Manifest;

/// Records what is asked for, if no guard rail stands in its way.
pub(super) fn ask(
    state: &State,
    request: Request,
    rails: &Rails,
    crosses: Option<Override>,
) -> Result<Event, Refusal> {
    match &request.asked {
        Asked::Deploy(release) | Asked::Unknown(release) | Asked::RollForward { release, .. } => {
            rails::same_content(rails, release)?;
        }
        // What is replayed was recorded, whatever was registered since.
        Asked::Rollback { .. } | Asked::Retry { .. } => {}
    }
    let state = &*state.as_of(request.when.at);
    let requested = enter(state, request, |state, asked| resolve(state, asked, rails))?;
    let crosses = rails::admit(state, rails, &requested.release.version, crosses)?;
    let approvals = Some(rails.approvals).filter(|approvals| approvals.needed > 0);
    Ok(Event::Requested(Requested { approvals, crosses, ..requested }))
}

/// The request as a deployment of its own, whatever stands in its way.
fn enter(
    state: &State,
    request: Request,
    resolve: impl Fn(&State, Asked) -> Result<Plan, Refusal>,
) -> Result<Requested, Refusal> {
    let Request { when, asked, by, reason, url, external_id, labels, acknowledged, configuration } =
        request;
    let number = next(state)?;
    let Plan { intent, release, configuration: replayed } = resolve(state, asked)?;
    Ok(Requested {
        at: when.at,
        number,
        intent,
        release,
        by,
        reason,
        url,
        external_id,
        labels,
        approvals: None,
        crosses: None,
        acknowledged,
        configuration: configuration.or(replayed),
    })
}

/// The number of the next deployment, as long as there are any.
fn next(state: &State) -> Result<DeploymentNumber, Refusal> {
    let number = state.next_number();
    if number.0 == u32::MAX { Err(Refusal::Full) } else { Ok(number) }
}

/// What a request would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Why, with what it replays and takes back.
    pub intent: Intent,
    /// The release that it would put there.
    pub release: Arc<Manifest>,
    /// What it replays was configured with, if it replays anything and somebody said.
    pub configuration: Option<Arc<Configuration>>,
    /// The guard rails that stand in its way, each with its refusal.
    pub standing: Vec<(Rail, Refusal)>,
}

/// What a request would come to, as the lane stands, without asking for it.
///
/// # Errors
///
/// The refusal that it would meet whatever guard rails it crosses.
pub fn foresee(state: &State, asked: Asked, rails: &Rails) -> Result<Foreseen, Refusal> {
    next(state)?;
    let Plan { intent, release, configuration } = resolve(state, asked, rails)?;
    let standing = rails::in_the_way(state, rails, &release.version);
    Ok(Foreseen { intent, release, configuration, standing })
}

fn resolve(state: &State, asked: Asked, rails: &Rails) -> Result<Plan, Refusal> {
    Ok(match asked {
        Asked::Deploy(release) => Plan::bring(Intent::Deploy, release),
        Asked::Unknown(release) => Plan::bring(Intent::Unknown, release),
        Asked::RollForward { release, mends } => {
            mends.map(|mends| ended(state, mends)).transpose()?;
            Plan::bring(Intent::RollForward { mends }, release)
        }
        Asked::Rollback { to, release: None } => rollback::plan(state, &to, &rails.blocked)?,
        Asked::Rollback { to, release: Some(release) } => {
            Plan::bring(rollback::reported(state, &to, &release.version), release)
        }
        Asked::Retry { of } => {
            let of = of.or_else(|| state.last().map(Deployment::number));
            let repeated = ended(state, of.ok_or(Refusal::NothingToRetry)?)?;
            Plan::replay(Intent::Retry { of: Some(repeated.number()) }, repeated)
        }
    })
}

/// A deployment that can be repeated or mended: it took place, and is at its end.
fn ended(state: &State, number: DeploymentNumber) -> Result<&Deployment, Refusal> {
    let deployment = state.deployment(number).ok_or_else(|| Refusal::unknown(state, number))?;
    let status = deployment.status();
    if deployment.is_void() {
        return Err(Refusal::Void { number });
    }
    if status.is_final() { Ok(deployment) } else { Err(Refusal::StillOpen { number, status }) }
}

/// As [`resolve`], for what has taken place: refused only if nobody can tell what was put there.
fn resolve_told(state: &State, asked: Asked) -> Result<Plan, Refusal> {
    match asked {
        Asked::Rollback { to, release: None } => rollback::told(state, &to),
        Asked::RollForward { release, mends } => {
            Ok(Plan::bring(Intent::RollForward { mends }, release))
        }
        Asked::Retry { of: Some(number) } => {
            let repeated = state.deployment(number);
            let repeated = repeated.ok_or_else(|| Refusal::unknown(state, number))?;
            Ok(Plan::replay(Intent::Retry { of: Some(number) }, repeated))
        }
        Asked::Retry { of: None } => {
            let last = state.last().ok_or(Refusal::NothingToRetry)?;
            Ok(Plan::replay(Intent::Retry { of: Some(last.number()) }, last))
        }
        Asked::Rollback { release: Some(_), .. } | Asked::Deploy(_) | Asked::Unknown(_) => {
            resolve(state, asked, &Rails::default())
        }
    }
}

pub(super) fn tell(state: &State, report: Report) -> Result<Vec<Event>, Refusal> {
    let Report { request, outcome } = report;
    let (at, number) = (request.when.at, state.next_number());
    // What it took back is told from what was there when it took place.
    let state = &*state.as_of(at);
    let requested = Event::Requested(enter(state, request, resolve_told)?);
    let further = match outcome {
        Outcome::Started => Event::Started(Started { number, at, executor: None, log_url: None }),
        Outcome::Succeeded => Event::Succeeded(Succeeded { number, at }),
        Outcome::Failed { error } => {
            Event::Failed(Failed { number, at, error, failed_step: None, log_url: None })
        }
    };
    Ok(vec![requested, further])
}
