//! The ways out of a deployment, as facts: what could be put back, and what that would cross.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    Deployment, DeploymentNumber, Effect, Irreversible, Objections, State, Status, rollback,
};
use crate::{names::Version, release::Manifest};

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
    /// What a rollback puts back where nobody says to what; none if there is nothing sound.
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
    /// What else speaks against it.
    pub objections: Objections<'s>,
}

impl Candidate<'_> {
    /// How long it ran: where nothing has come after it, until then.
    pub fn ran_for_ms(&self, now: Timestamp) -> i64 {
        let until = self.until.unwrap_or(now);
        until.as_millisecond().saturating_sub(self.since.as_millisecond())
    }
}

/// What is known of the ways out of a deployment of this lane, where the releases in `blocked` must
/// not go further.
pub fn recovery<'s>(
    state: &'s State,
    deployment: &'s Deployment,
    blocked: &BTreeSet<Version>,
) -> Recovery<'s> {
    let version = &deployment.release().version;
    let same = || state.deployments().iter().rev().filter(|one| one.release().version == *version);
    Recovery {
        deployment,
        before: state.ran_before(deployment),
        settled_by: state.settled_by(deployment),
        previous: rollback::default_target(state, blocked).ok().map(Deployment::number),
        candidates: candidates(state),
        attempts: same().filter(|one| !one.is_void()).take(EARLIER).collect(),
        attempted: same().filter(|one| !one.is_void()).count(),
        failed_alike: failed_alike(state, deployment),
    }
}

/// What could be put back, the last success first: 20 releases at most.
///
/// Where nothing is in doubt, what runs is not among them.
pub fn candidates(state: &State) -> Vec<Candidate<'_>> {
    let running = state.running().filter(|_| !state.is_in_doubt());
    ever_ran(state)
        .filter(|one| running.is_none_or(|running| !running.is_same_as(one.deployment)))
        .take(CANDIDATES)
        .collect()
}

/// Every release that ran here, as it was configured, the last success first.
pub(super) fn ever_ran(state: &State) -> impl Iterator<Item = Candidate<'_>> {
    let shaken = state.doubts().filter_map(|doubt| state.deployment(doubt.number));
    let shaken: Vec<_> = shaken.filter(|one| one.took_effect().is_none()).collect();
    let mut crossed = Crossed::default();
    for shaken in &shaken {
        crossed.take(shaken.release());
    }
    let mut until = shaken.last().map(|shaken| began(shaken));
    let contents = Contents::of(state);
    let mut seen: HashMap<&Version, Vec<&Deployment>> = HashMap::new();
    let effects = state.effects();
    (0..effects.len()).rev().filter_map(move |place| {
        let effect = effects.get(place)?;
        let deployment = effect.number.and_then(|number| state.deployment(number));
        let ended = until.replace(effect.at);
        let deployment = deployment?;
        let (irreversible, unstated) = (crossed.irreversible.clone(), crossed.unstated.clone());
        crossed.take(deployment.release());
        let alike = seen.entry(&deployment.release().version).or_default();
        if alike.iter().any(|one| one.is_same_as(deployment)) {
            return None;
        }
        alike.push(deployment);
        Some(Candidate {
            deployment,
            record: effect.record,
            since: ran_since(state, place, deployment),
            until: ended,
            irreversible,
            unstated,
            objections: contents.objections(deployment),
        })
    })
}

/// Since when the release that took effect at `place` had run without a break.
fn ran_since(state: &State, place: usize, deployment: &Deployment) -> Timestamp {
    let ran = state.effects().get(..=place).unwrap_or_default().iter().rev();
    let is_same = |effect: &&Effect| {
        let one = effect.number.and_then(|number| state.deployment(number));
        one.is_some_and(|one| one.states_same_as(deployment))
    };
    ran.take_while(is_same).last().map_or(deployment.requested.at, |first| first.at)
}

/// What is known of each content that was ever deployed here.
struct Contents<'s> {
    state: &'s State,
    taken_back: BTreeMap<DeploymentNumber, DeploymentNumber>,
    deployments: HashMap<&'s Version, Vec<&'s Deployment>>,
}

impl<'s> Contents<'s> {
    fn of(state: &'s State) -> Self {
        let mut deployments: HashMap<_, Vec<_>> = HashMap::new();
        for deployment in state.deployments().iter().filter(|one| !one.is_void()) {
            deployments.entry(&deployment.release().version).or_default().push(deployment);
        }
        Self { state, taken_back: state.taken_back(), deployments }
    }

    /// What speaks against the content of a deployment that worked.
    fn objections(&self, deployment: &'s Deployment) -> Objections<'s> {
        let alike = self.deployments.get(&deployment.release().version).into_iter().flatten();
        let alike: Vec<_> = alike.copied().filter(|one| one.is_same_as(deployment)).collect();
        let taken_back_by = self.taken_back.get(&deployment.number());
        let reports = alike.iter().filter_map(|one| one.health.as_ref());
        Objections {
            taken_back_by: taken_back_by.and_then(|number| self.state.deployment(*number)),
            blamed: alike.iter().rev().find_map(|one| one.blame()),
            health: reports.max_by_key(|report| report.at),
            doubt: deployment.doubt().map(|doubt| doubt.cause),
        }
    }
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
    /// Since when what runs has run without a break, however often it was put there.
    pub fn running_since(&self) -> Option<Timestamp> {
        let place = self.effects().len().checked_sub(1)?;
        Some(ran_since(self, place, self.running()?))
    }

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
