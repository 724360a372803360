//! What a rollback goes back to, and what it takes back.

use std::sync::Arc;

use super::{Deployment, DeploymentNumber, Effect, Intent, Refusal, RollbackTo, State, Status};
use crate::{names::Version, release::Manifest};

/// A rollback, resolved: what it replays and what that undoes.
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) release: Arc<Manifest>,
}

/// Resolves a rollback that somebody asks for.
pub(super) fn plan(state: &State, to: &RollbackTo) -> Result<Plan, Refusal> {
    let restored = match to {
        RollbackTo::Previous => previous(state)?,
        RollbackTo::Number(number) => by_number(state, *number)?,
        RollbackTo::Version(version) => by_version(state, version)?,
    };
    let (number, version) = (restored.number(), &restored.release().version);
    let certain = state.failed_since().next().is_none();
    match state.running() {
        Some(running) if certain && running.release().version == *version => {
            Err(Refusal::AlreadyRuns { number: running.number(), version: version.clone() })
        }
        Some(_) | None => Ok(Plan {
            intent: Intent::Rollback { restores: Some(number), reverts: reverts(state, number) },
            release: Arc::clone(restored.release()),
        }),
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
    let release = match to {
        RollbackTo::Previous => Arc::clone(previous(state)?.release()),
        RollbackTo::Number(number) => {
            let named = state.deployment(*number);
            Arc::clone(named.ok_or_else(|| Refusal::unknown(state, *number))?.release())
        }
        RollbackTo::Version(version) => match by_version(state, version) {
            Ok(known) => Arc::clone(known.release()),
            Err(_) => Arc::new(Manifest::named(version.clone())),
        },
    };
    Ok(Plan { intent: reported(state, to, &release.version), release })
}

/// The last release that worked before the one that is to be left.
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
        .find(|one| one.release().version != running.release().version)
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
