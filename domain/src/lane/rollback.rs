//! What a rollback goes back to, and what it takes back.

use std::sync::Arc;

use super::{
    Configuration, Deployment, DeploymentNumber, Effect, Intent, Refusal, RollbackTo, State, Status,
};
use crate::{names::Version, release::Manifest};

/// A request, resolved: why, and what is put there.
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) release: Arc<Manifest>,
    /// As the deployment that is replayed was configured, if one is and somebody said.
    pub(super) configuration: Option<Arc<Configuration>>,
}

impl Plan {
    /// Puts a release there that is brought along.
    pub(super) fn bring(intent: Intent, release: Manifest) -> Self {
        Self { intent, release: Arc::new(release), configuration: None }
    }

    /// Puts there again what a deployment put there.
    pub(super) fn replay(intent: Intent, replayed: &Deployment) -> Self {
        Self {
            intent,
            release: Arc::clone(replayed.release()),
            configuration: replayed.requested.configuration.clone(),
        }
    }
}

/// Resolves a rollback that somebody asks for.
pub(super) fn plan(state: &State, to: &RollbackTo) -> Result<Plan, Refusal> {
    let restored = match to {
        RollbackTo::Previous => previous(state)?,
        RollbackTo::Number(number) => by_number(state, *number)?,
        RollbackTo::Version(version) => by_version(state, version)?,
    };
    let number = restored.number();
    let certain = state.failed_since().next().is_none();
    match state.running() {
        Some(running) if certain && running.is_same_as(restored) => {
            let version = running.release().version.clone();
            Err(Refusal::AlreadyRuns { number: running.number(), version })
        }
        Some(_) | None => {
            let reverts = reverts(state, number);
            Ok(Plan::replay(Intent::Rollback { restores: Some(number), reverts }, restored))
        }
    }
}

/// Links a rollback that a report tells of to what this lane knows; never refuses.
pub(super) fn reported(state: &State, to: &RollbackTo, version: &Version) -> Intent {
    let restored = match to {
        RollbackTo::Number(number) => by_number(state, *number),
        RollbackTo::Previous | RollbackTo::Version(_) => by_version(state, version),
    };
    match restored {
        Ok(restored) => {
            let number = restored.number();
            Intent::Rollback { restores: Some(number), reverts: reverts(state, number) }
        }
        Err(_) => Intent::Rollback { restores: None, reverts: Vec::new() },
    }
}

/// Resolves a rollback that a report tells of without saying what was put there.
pub(super) fn told(state: &State, to: &RollbackTo) -> Result<Plan, Refusal> {
    let named = match to {
        RollbackTo::Previous => previous(state)?,
        RollbackTo::Number(number) => {
            state.deployment(*number).ok_or_else(|| Refusal::unknown(state, *number))?
        }
        RollbackTo::Version(version) => {
            let Ok(known) = by_version(state, version) else {
                let intent = reported(state, to, version);
                return Ok(Plan::bring(intent, Manifest::named(version.clone())));
            };
            known
        }
    };
    Ok(Plan::replay(reported(state, to, &named.release().version), named))
}

/// What worked last before that which is to be left: another release, or the same one configured
/// otherwise.
///
/// After a failed deployment that is the one which still counts as running. A rollback that failed
/// is tried again instead: what runs is what it was to leave.
pub(super) fn previous(state: &State) -> Result<&Deployment, Refusal> {
    let running = state.running().ok_or(Refusal::NothingRuns)?;
    let left_by = state.failed_since().next();
    if left_by.is_some_and(|failed| !matches!(failed.intent(), Intent::Rollback { .. })) {
        return Ok(running);
    }
    successes(state)
        .find(|one| !one.is_same_as(running))
        .ok_or(Refusal::NothingBefore { number: running.number() })
}

fn by_number(state: &State, number: DeploymentNumber) -> Result<&Deployment, Refusal> {
    let deployment = state.deployment(number).ok_or(Refusal::unknown(state, number))?;
    match deployment.status() {
        _ if deployment.is_void() => Err(Refusal::Void { number }),
        Status::Succeeded => Ok(deployment),
        status @ (Status::Requested
        | Status::Rejected
        | Status::Started
        | Status::Failed
        | Status::Cancelled) => Err(Refusal::NeverSucceeded { number, status }),
    }
}

fn by_version<'s>(state: &'s State, version: &Version) -> Result<&'s Deployment, Refusal> {
    successes(state)
        .find(|one| one.release().version == *version)
        .ok_or_else(|| Refusal::NeverRan { version: version.clone() })
}

/// The deployments that succeeded, last first.
fn successes(state: &State) -> impl Iterator<Item = &Deployment> {
    state.effects().iter().rev().filter_map(|effect| state.deployment(effect.number?))
}

/// What took effect after `restored`, newest first; before that, what failed half-way since.
fn reverts(state: &State, restored: DeploymentNumber) -> Vec<DeploymentNumber> {
    let later = |effect: &&Effect| effect.number != Some(restored);
    let effects = state.effects().iter().rev().take_while(later).filter_map(|effect| effect.number);
    state.failed_since().map(Deployment::number).chain(effects).collect()
}
