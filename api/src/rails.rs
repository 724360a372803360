//! The guard rails of what is asked for, looked up where they are kept.

use std::collections::BTreeSet;

use shiplog_domain::{
    environment::{self, Rules},
    lane::{self, Approvals, Asked, DeploymentNumber, LaneId, Rails, RollbackTo},
    names::Version,
    release::ReleaseId,
};
use shiplog_store::position::ExpectedVersion;

use crate::{app::App, problem::Problem};

/// The guard rails of a request, and the version of the lane for which that holds: only where the
/// lane says which release is meant.
pub(crate) async fn of_request(
    app: &App,
    lane: &LaneId,
    asked: &Asked,
) -> Result<(Rails, Option<ExpectedVersion>), Problem> {
    let is_default = matches!(asked, Asked::Rollback { to: RollbackTo::Previous, .. });
    let blocked = if is_default { blocked(app, lane).await? } else { BTreeSet::new() };
    let now = app.clock.now();
    let (version, seen) = match asked {
        Asked::Deploy(release) | Asked::Unknown(release) | Asked::RollForward { release, .. } => {
            (Some(release.version.clone()), None)
        }
        Asked::Rollback { .. } | Asked::Retry { .. } => {
            let look = |state: &lane::State, version: Option<_>| {
                let rails = Rails { blocked: blocked.clone(), ..Rails::default() };
                let foreseen = lane::foresee(&state.as_of(now), asked.clone(), &rails).ok();
                let wanted = foreseen.map(|foreseen| foreseen.release.version.clone());
                (wanted, Some(ExpectedVersion::from(version)))
            };
            app.lanes.read(&lane.stream(), look).await?
        }
    };
    let rails = standing(app, lane, version).await?;
    Ok((Rails { blocked, ..rails }, seen))
}

/// The releases that a rollback without a target would go to if they were not blocked.
pub(crate) async fn blocked(app: &App, lane: &LaneId) -> Result<BTreeSet<Version>, Problem> {
    let mut blocked = BTreeSet::new();
    loop {
        let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
        let rails = Rails { blocked: blocked.clone(), ..Rails::default() };
        let now = app.clock.now();
        let look = |state: &lane::State, _: Option<_>| {
            let foreseen = lane::foresee(&state.as_of(now), asked, &rails).ok()?;
            Some(foreseen.release.version.clone())
        };
        let Some(version) = app.lanes.read(&lane.stream(), look).await? else { return Ok(blocked) };
        let id = ReleaseId { service: lane.service.clone(), version: version.clone() };
        if app.releases.read(&id.stream(), |state, _| state.blocked.is_none()).await? {
            return Ok(blocked);
        }
        blocked.insert(version);
    }
}

/// The guard rails of a deployment that is to begin.
pub(crate) async fn of_deployment(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
) -> Result<Rails, Problem> {
    let look = |state: &lane::State, _: Option<_>| {
        state.deployment(number).map(|deployment| deployment.release().version.clone())
    };
    let version = app.lanes.read(&lane.stream(), look).await?;
    standing(app, lane, version).await
}

async fn standing(app: &App, lane: &LaneId, version: Option<Version>) -> Result<Rails, Problem> {
    let (name, now) = (&lane.environment, app.clock.now());
    let look = |state: &environment::State, _: Option<_>| {
        let rules = state.rules.unwrap_or_else(|| Rules::undeclared(name));
        (rules, state.freezes.at(now).cloned())
    };
    let (rules, freeze) = app.environments.read(&environment::stream(name), look).await?;
    let block = match version {
        Some(version) => {
            let id = ReleaseId { service: lane.service.clone(), version };
            app.releases.read(&id.stream(), |state, _| state.blocked.clone()).await?
        }
        None => None,
    };
    let Rules { tier: _, approvals, self_approval, one_at_a_time } = rules;
    let approvals = Approvals { needed: approvals, by_requester: self_approval };
    Ok(Rails { freeze, one_at_a_time, approvals, block, ..Rails::default() })
}
