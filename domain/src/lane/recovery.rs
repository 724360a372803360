//! The ways out of a deployment, as facts: what could be put back, and what that would cross.

use jiff::Timestamp;

use super::{Deployment, DeploymentNumber, Irreversible, State, Status, rollback};
use crate::release::Manifest;

/// How many releases to go back to are told of; older ones are in the history.
const CANDIDATES: usize = 20;

/// How many earlier deployments of a kind are told of.
const EARLIER: usize = 20;

/// What a lane knows of the ways out of one of its deployments, as it stands now.
#[derive(Clone, Debug)]
pub struct Recovery<'s> {
    /// The deployment.
    pub deployment: &'s Deployment,
    /// What ran when it took effect or was asked for.
    pub before: Option<&'s Deployment>,
    /// What has taken effect since, if anything: the lane has moved on.
    pub settled_by: Option<&'s Deployment>,
    /// What a rollback to the previous release would put back; none if there is none.
    pub previous: Option<DeploymentNumber>,
    /// What could be put back, the last success first: 20 releases at most.
    pub candidates: Vec<Candidate<'s>>,
    /// The deployments of the same release here, itself included, newest first: 20 at most.
    pub attempts: Vec<&'s Deployment>,
    /// How many there were.
    pub attempted: usize,
    /// Others that failed with the same error or in the same step, newest first: 20 at most.
    pub failed_alike: Vec<&'s Deployment>,
}

/// What could be put back: a release, as it was configured.
#[derive(Clone, Debug)]
pub struct Candidate<'s> {
    /// Its last success.
    pub deployment: &'s Deployment,
    /// Which of the stream's events put it there.
    pub record: u64,
    /// Since when it ran then.
    pub since: Timestamp,
    /// Until when; none if nothing has come after it.
    pub until: Option<Timestamp>,
    /// The changes made since that an earlier release may not work after, newest first.
    pub irreversible: Vec<Irreversible>,
    /// Migrations made since of which nobody said whether they are reversible, newest first.
    pub unstated: Vec<Irreversible>,
}

impl Candidate<'_> {
    /// How long it ran: where nothing has come after it, until then.
    pub fn ran_for_ms(&self, now: Timestamp) -> i64 {
        let until = self.until.unwrap_or(now);
        until.as_millisecond().saturating_sub(self.since.as_millisecond())
    }
}

/// What is known of the ways out of a deployment of this lane.
pub fn recovery<'s>(state: &'s State, deployment: &'s Deployment) -> Recovery<'s> {
    let version = &deployment.release().version;
    let same = || state.deployments().iter().rev().filter(|one| one.release().version == *version);
    Recovery {
        deployment,
        before: state.ran_before(deployment),
        settled_by: state.settled_by(deployment),
        previous: rollback::previous(state).ok().map(Deployment::number),
        candidates: candidates(state),
        attempts: same().filter(|one| !one.is_void()).take(EARLIER).collect(),
        attempted: same().filter(|one| !one.is_void()).count(),
        failed_alike: failed_alike(state, deployment),
    }
}

/// What could be put back, the last success first: 20 releases at most.
pub fn candidates(state: &State) -> Vec<Candidate<'_>> {
    let mut crossed = Crossed::default();
    let mut seen: Vec<&Deployment> = Vec::new();
    state.failed_since().for_each(|failed| crossed.take(failed.release()));
    let is_certain = state.failed_since().next().is_none();
    if let Some(running) = state.running().filter(|_| is_certain) {
        seen.push(running);
    }
    let mut until = state.failed_since().last().map(began);
    let mut candidates = Vec::new();
    for effect in state.effects().iter().rev() {
        if let Some(deployment) = effect.number.and_then(|number| state.deployment(number)) {
            if !seen.iter().any(|one| one.is_same_as(deployment)) {
                seen.push(deployment);
                let Crossed { irreversible, unstated } = crossed.clone();
                let (record, since) = (effect.record, effect.at);
                candidates.push(Candidate {
                    deployment,
                    record,
                    since,
                    until,
                    irreversible,
                    unstated,
                });
            }
            if candidates.len() == CANDIDATES {
                break;
            }
            crossed.take(deployment.release());
        }
        until = Some(effect.at);
    }
    candidates
}

/// When a deployment began to change something, as far as that is known.
fn began(deployment: &Deployment) -> Timestamp {
    deployment.started.as_ref().map_or(deployment.requested.at, |started| started.at)
}

/// What was changed on the way back through a lane's releases.
#[derive(Clone, Default)]
struct Crossed {
    irreversible: Vec<Irreversible>,
    unstated: Vec<Irreversible>,
}

impl Crossed {
    fn take(&mut self, release: &Manifest) {
        for change in &release.changes {
            let list = match change.reversible {
                Some(false) => &mut self.irreversible,
                None if change.kind == "migration" => &mut self.unstated,
                Some(true) | None => continue,
            };
            let (id, description) = (change.id.clone(), change.description.clone());
            let made = Irreversible { version: release.version.clone(), id, description };
            if !list.contains(&made) {
                list.push(made);
            }
        }
    }
}

fn failed_alike<'s>(state: &'s State, deployment: &'s Deployment) -> Vec<&'s Deployment> {
    let Some(failure) = &deployment.failure else { return Vec::new() };
    let alike = |one: &&Deployment| {
        one.number() != deployment.number()
            && one.status() == Status::Failed
            && !one.is_void()
            && one.failure.as_ref().is_some_and(|other| {
                let same = |own: &Option<String>, other| own.is_some() && *own == other;
                same(&failure.error, other.error.clone())
                    || same(&failure.failed_step, other.failed_step.clone())
            })
    };
    state.deployments().iter().rev().filter(alike).take(EARLIER).collect()
}

impl State {
    /// What ran when a deployment took effect; before it has, what ran when it was asked for.
    pub fn ran_before(&self, deployment: &Deployment) -> Option<&Deployment> {
        if deployment.took_effect().is_some() {
            return self.replaced(deployment.number());
        }
        let asked = deployment.finished_at().unwrap_or(deployment.requested.at);
        let earlier = self.effects().iter().rev().find(|effect| effect.at <= asked)?;
        self.deployment(earlier.number?)
    }

    /// What took effect last, if that was after this deployment came to its end.
    fn settled_by(&self, deployment: &Deployment) -> Option<&Deployment> {
        let end = deployment.settled()?;
        let last = self.effects().last()?;
        let is_later = (last.at, last.record) > (end.at, end.record);
        self.deployment(last.number?).filter(|_| is_later)
    }
}
