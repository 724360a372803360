//! What a rollback goes back to, and what it takes back.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Candidate, Configuration, Contender, Deployment, DeploymentNumber, Effect, Intent, Refusal,
    RollbackTo, State, Status, recovery,
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

/// Resolves a rollback that somebody asks for, where the releases in `blocked` must not go further.
pub(super) fn plan(
    state: &State,
    to: &RollbackTo,
    blocked: &BTreeSet<Version>,
) -> Result<Plan, Refusal> {
    let restored = match to {
        RollbackTo::Previous => default_target(state, blocked)?,
        RollbackTo::Number(number) => by_number(state, *number)?,
        RollbackTo::Version(version) => by_version(state, version)?,
    };
    let number = restored.number();
    match state.running() {
        Some(running) if !state.is_in_doubt() && running.is_same_as(restored) => {
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
        RollbackTo::Previous => believed_target(state)?,
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

/// What a rollback goes back to where nobody says: the newest earlier release that worked here and
/// that nothing speaks against.
///
/// What is to be left is not among them: what runs or, after a failure, what failed. A rollback
/// that failed is tried again: towards what it was to restore.
///
/// # Errors
///
/// [`Refusal::NothingRuns`] if there is nothing to leave; [`Refusal::NothingBefore`] if no other
/// release worked here; [`Refusal::NothingSound`] with what speaks against each of those that did.
pub(super) fn default_target<'s>(
    state: &'s State,
    blocked: &BTreeSet<Version>,
) -> Result<&'s Deployment, Refusal> {
    let running = state.running().ok_or(Refusal::NothingRuns)?;
    let leaving = Leaving::of(state, running);
    let objections = |candidate: &Candidate<'_>| {
        let mut objections = candidate.objections.in_words();
        if blocked.contains(&candidate.deployment.release().version) {
            objections.push("blocked".into());
        }
        objections
    };
    let mut contenders = Vec::new();
    let (wanted, others): (Vec<_>, Vec<_>) = recovery::ever_ran(state)
        .filter(|one| leaving.wants(one.deployment) || !leaving.includes(one.deployment))
        .partition(|one| leaving.wants(one.deployment));
    for candidate in wanted.iter().chain(&others) {
        let against = objections(candidate);
        let deployment = candidate.deployment;
        if against.is_empty() {
            return Ok(deployment);
        }
        let (number, version) = (deployment.number(), deployment.release().version.clone());
        contenders.push(Contender { number, version, against });
    }
    if contenders.is_empty() {
        Err(Refusal::NothingBefore { number: running.number() })
    } else {
        contenders.sort_by_key(|one| std::cmp::Reverse(one.number));
        Err(Refusal::NothingSound { contenders })
    }
}

/// What a rollback of which only the fact is told has most likely gone back to, whatever speaks
/// against it.
fn believed_target(state: &State) -> Result<&Deployment, Refusal> {
    default_target(state, &BTreeSet::new()).or_else(|refusal| {
        let Refusal::NothingSound { contenders } = &refusal else { return Err(refusal) };
        let newest = contenders.first().and_then(|one| state.deployment(one.number));
        newest.ok_or(refusal)
    })
}

/// What a rollback is to leave, and where an earlier one that failed was to go.
struct Leaving<'s> {
    left: Vec<&'s Deployment>,
    wanted: Option<&'s Deployment>,
}

impl<'s> Leaving<'s> {
    fn of(state: &'s State, running: &'s Deployment) -> Self {
        let of = |number: &DeploymentNumber| state.deployment(*number);
        let mut left = Vec::new();
        let mut wanted = None;
        for (order, doubt) in state.doubts().enumerate() {
            let Some(shaken) = state.deployment(doubt.number) else { continue };
            let Intent::Rollback { restores, reverts } = shaken.intent() else {
                if order == 0 {
                    left.push(shaken);
                }
                continue;
            };
            if order == 0 {
                wanted = restores.as_ref().and_then(of);
            }
            // What a rollback was to leave is left even if it failed; what failed before is not.
            left.extend(reverts.iter().filter_map(of).filter(|one| one.took_effect().is_some()));
            if restores.is_none() {
                left.push(running);
            }
        }
        if left.is_empty() && wanted.is_none() {
            left.push(running);
        }
        Self { left, wanted }
    }

    fn wants(&self, deployment: &Deployment) -> bool {
        self.wanted.is_some_and(|wanted| wanted.is_same_as(deployment))
    }

    fn includes(&self, deployment: &Deployment) -> bool {
        self.left.iter().any(|left| left.is_same_as(deployment))
    }
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

/// What took effect after `restored`, newest first; before that, what was left in doubt since.
fn reverts(state: &State, restored: DeploymentNumber) -> Vec<DeploymentNumber> {
    let later = |effect: &&Effect| effect.number != Some(restored);
    let effects = state.effects().iter().rev().take_while(later).filter_map(|effect| effect.number);
    let shaken = state
        .doubts()
        .map(|doubt| doubt.number)
        .filter(|number| state.deployment(*number).is_some_and(|one| one.took_effect().is_none()));
    shaken.chain(effects).collect()
}
