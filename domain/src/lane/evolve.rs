//! What follows for a lane from what happened in it.

use jiff::Timestamp;

use super::{
    Classification, Deployment, DeploymentNumber, Event, OutcomeReport, Removed, Requested,
    Standing, Status, classify,
};
use crate::names::Version;

/// A lane as its events left it.
#[derive(Debug, Default)]
pub struct State {
    deployments: Vec<Deployment>,
    /// Which of the stream's events asked for each deployment; they ascend.
    requests: Vec<u64>,
    effects: Vec<Effect>,
    failures: Vec<Effect>,
    /// How many events made it so.
    events: u64,
}

/// One change of what runs in a lane. They sort by time, then by record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// When it took effect.
    pub at: Timestamp,
    /// Which of the stream's events did it.
    pub record: u64,
    /// The deployment that succeeded; none is a removal.
    pub number: Option<DeploymentNumber>,
}

impl State {
    /// Every deployment, by number.
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The deployment with this number.
    pub fn deployment(&self, number: DeploymentNumber) -> Option<&Deployment> {
        let index = usize::try_from(number.0).ok()?.checked_sub(1)?;
        self.deployments.get(index)
    }

    /// Which of the stream's events asked for the deployment with this number.
    pub fn requested_by(&self, number: DeploymentNumber) -> Option<u64> {
        let index = usize::try_from(number.0).ok()?.checked_sub(1)?;
        self.requests.get(index).copied()
    }

    /// The deployment that was the newest one right after the stream's event number `record`.
    pub fn newest_after(&self, record: u64) -> Option<&Deployment> {
        let asked = self.requests.partition_point(|request| *request <= record);
        self.deployments.get(asked.checked_sub(1)?)
    }

    /// The number that the next deployment gets.
    pub fn next_number(&self) -> DeploymentNumber {
        let taken = u32::try_from(self.deployments.len()).unwrap_or(u32::MAX);
        DeploymentNumber(taken.saturating_add(1))
    }

    /// Every change of what runs, by time, then by record.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The deployment whose release runs: the last success by time, unless a removal came after it.
    pub fn running(&self) -> Option<&Deployment> {
        self.deployment(self.effects.last()?.number?)
    }

    /// The newest deployment that took place, or is to.
    pub fn last(&self) -> Option<&Deployment> {
        self.deployments.iter().rev().find(|one| !one.is_void())
    }

    /// The newest deployment that has not ended.
    pub fn in_progress(&self) -> Option<&Deployment> {
        self.deployments.iter().rev().find(|one| one.is_open())
    }

    /// The deployment that failed last by time.
    pub fn last_failed(&self) -> Option<&Deployment> {
        self.deployment(self.failures.last()?.number?)
    }

    /// The deployments that failed since anything took effect, newest first: nobody knows what they
    /// left behind.
    pub fn failed_since(&self) -> impl Iterator<Item = &Deployment> {
        let last = self.effects.last();
        let since = self.failures.iter().rev().take_while(move |failure| Some(*failure) > last);
        since.filter_map(|failure| self.deployment(failure.number?))
    }

    /// What this deployment was; before it has succeeded, what it would be if it did now.
    pub fn classification(&self, number: DeploymentNumber) -> Option<Classification> {
        let version = self.version(number)?;
        let before = self.effects_before(number);
        let rank = |version: &Version| self.first_success(before, version);
        Some(classify(version, self.standing(before), rank))
    }

    /// The deployment that this one replaced; none before it has succeeded, or after a removal.
    pub fn replaced(&self, number: DeploymentNumber) -> Option<&Deployment> {
        let index = self.effects.iter().position(|effect| effect.number == Some(number))?;
        self.deployment(self.effects.get(index.checked_sub(1)?)?.number?)
    }

    fn effects_before(&self, number: DeploymentNumber) -> &[Effect] {
        let own = self.effects.iter().position(|effect| effect.number == Some(number));
        self.effects.get(..own.unwrap_or(self.effects.len())).unwrap_or_default()
    }

    fn standing(&self, effects: &[Effect]) -> Standing<'_> {
        let Some(last) = effects.last() else { return Standing::Untouched };
        let mut versions = effects.iter().rev().filter_map(|one| self.version(one.number?));
        match (last.number, versions.next()) {
            (Some(_), Some(version)) => Standing::Runs(version),
            (None, Some(version)) => Standing::Removed(version),
            (_, None) => Standing::Untouched,
        }
    }

    fn first_success(&self, effects: &[Effect], version: &Version) -> Option<usize> {
        effects.iter().position(|one| one.number.and_then(|one| self.version(one)) == Some(version))
    }

    /// The version that a deployment put there.
    pub(super) fn version(&self, number: DeploymentNumber) -> Option<&Version> {
        self.deployment(number).map(|deployment| &deployment.release().version)
    }

    /// Puts a deployment where its outcome, as it now stands, belongs.
    fn settle(&mut self, number: DeploymentNumber) {
        let Some(deployment) = self.deployment(number) else { return };
        let settled_before = deployment.outcomes.len() > 1 || !deployment.corrections.is_empty();
        let end = deployment.settled().filter(|_| !deployment.is_void()).copied();
        if settled_before {
            self.effects.retain(|effect| effect.number != Some(number));
            self.failures.retain(|failure| failure.number != Some(number));
        }
        let Some(OutcomeReport { at, record, status }) = end else { return };
        let effect = Effect { at, record, number: Some(number) };
        match status {
            Status::Succeeded => insert(&mut self.effects, effect),
            Status::Failed => insert(&mut self.failures, effect),
            Status::Requested | Status::Rejected | Status::Started | Status::Cancelled => {}
        }
    }
}

fn insert(sorted: &mut Vec<Effect>, effect: Effect) {
    let place = sorted.partition_point(|earlier| *earlier < effect);
    sorted.insert(place, effect);
}

pub(super) fn evolve(mut state: State, event: &Event) -> State {
    match event {
        Event::Requested(requested) => state.request(requested),
        Event::Removed(Removed { at, .. }) => {
            let removal = Effect { at: *at, record: state.events, number: None };
            insert(&mut state.effects, removal);
        }
        Event::Approved(_)
        | Event::Started(_)
        | Event::TargetStarted(_)
        | Event::TargetSucceeded(_)
        | Event::TargetFailed(_)
        | Event::Health(_)
        | Event::Annotated(_) => state.apply(event),
        Event::Rejected(_)
        | Event::Succeeded(_)
        | Event::Failed(_)
        | Event::Cancelled(_)
        | Event::Corrected(_) => {
            state.apply(event);
            event.number().into_iter().for_each(|number| state.settle(number));
        }
    }
    state.events += 1;
    state
}

impl State {
    fn request(&mut self, requested: &Requested) {
        // Numbers are given by `decide`, so another one can only come from a damaged
        // stream; the fold stays total and keeps its numbering.
        let number = self.next_number();
        self.deployments.push(Deployment::new(Requested { number, ..requested.clone() }));
        self.requests.push(self.events);
    }

    fn apply(&mut self, event: &Event) {
        let record = self.events;
        let index = event.number().and_then(|number| usize::try_from(number.0).ok());
        let deployment = index
            .and_then(|index| index.checked_sub(1))
            .and_then(|index| self.deployments.get_mut(index));
        if let Some(deployment) = deployment {
            deployment.apply(event, record);
        }
    }
}
