//! What follows for a lane from what happened in it.

use jiff::Timestamp;

use super::{
    Classification, Deployment, DeploymentNumber, Doubt, Event, Identity, OutcomeReport, Removed,
    Requested, Standing, Status, classify,
};

/// A lane as its events left it.
#[derive(Clone, Debug, Default)]
pub struct State {
    deployments: Vec<Deployment>,
    /// Which of the stream's events asked for each deployment; they ascend.
    requests: Vec<u64>,
    effects: Vec<Effect>,
    failures: Vec<Effect>,
    doubts: Vec<Doubt>,
    /// How many events made it so.
    events: u64,
    /// When the latest of what is recorded happened or happens.
    latest: Option<Timestamp>,
    /// The instant that this is as of; what is requested later is not there yet.
    now: Option<Timestamp>,
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
        self.there().find(|one| !one.is_void())
    }

    /// The deployments that have not ended, newest first.
    pub fn open(&self) -> impl Iterator<Item = &Deployment> {
        self.there().filter(|one| one.is_open())
    }

    /// What is in progress: the newest deployment that has begun and has not ended or, if none has
    /// begun, the newest that waits.
    pub fn in_progress(&self) -> Option<&Deployment> {
        self.open().find(|one| one.has_begun()).or_else(|| self.open().next())
    }

    /// The deployments of which anything has happened by then, newest first.
    fn there(&self) -> impl Iterator<Item = &Deployment> {
        self.deployments.iter().rev().filter(|one| self.is_there(one))
    }

    fn is_there(&self, deployment: &Deployment) -> bool {
        let is_asked = self.now.is_none_or(|now| deployment.requested.at <= now);
        is_asked || deployment.has_begun() || !deployment.outcomes.is_empty()
    }

    /// Whether nothing has happened by then.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty() && self.there().next().is_none()
    }

    /// The deployment that failed last by time.
    pub fn last_failed(&self) -> Option<&Deployment> {
        self.deployment(self.failures.last()?.number?)
    }

    /// What this deployment was; before it has succeeded, what it would be if it did now.
    pub fn classification(&self, number: DeploymentNumber) -> Option<Classification> {
        let release = self.identity(number)?;
        let before = self.effects_before(number);
        let rank = |release: &Identity<'_>| self.first_success(before, release);
        Some(classify(&release, &self.standing(before), rank))
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
        let mut releases = effects.iter().rev().filter_map(|one| self.identity(one.number?));
        match (last.number, releases.next()) {
            (Some(_), Some(release)) => Standing::Runs(release),
            (None, Some(release)) => Standing::Removed(release),
            (_, None) => Standing::Untouched,
        }
    }

    fn first_success(&self, effects: &[Effect], release: &Identity<'_>) -> Option<usize> {
        let is_same = |number| {
            let one: Option<&Deployment> = self.deployment(number);
            // Most releases differ in their version: no text is made of the digests of those.
            one.map(Deployment::release)
                .is_some_and(|one| one.version == *release.version && one.identity().is(release))
        };
        effects.iter().position(|one| one.number.is_some_and(is_same))
    }

    /// The release that a deployment put there.
    pub(super) fn identity(&self, number: DeploymentNumber) -> Option<Identity<'_>> {
        self.deployment(number).map(|deployment| deployment.release().identity())
    }

    /// Every doubt that any deployment left, by time, then by record.
    pub(super) fn all_doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// When the latest of what is recorded happened or happens.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// The lane as of an instant, of what is recorded until then.
    pub(super) fn with(
        &self,
        deployments: Vec<Deployment>,
        removals: Vec<Effect>,
        now: Timestamp,
    ) -> Self {
        let numbers: Vec<_> = deployments.iter().map(Deployment::number).collect();
        let mut state = Self {
            deployments,
            requests: self.requests.clone(),
            effects: removals,
            events: self.events,
            latest: Some(now),
            now: Some(now),
            ..Self::default()
        };
        for number in numbers {
            state.settle(number);
            let doubt = state.deployment(number).and_then(Deployment::doubt);
            if let Some(doubt) = doubt {
                insert(&mut state.doubts, doubt);
            }
        }
        state
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

fn insert<T: Ord>(sorted: &mut Vec<T>, one: T) {
    let place = sorted.partition_point(|earlier| *earlier < one);
    sorted.insert(place, one);
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
    state.latest = state.latest.max(Some(event.at()));
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
        let Some(deployment) = deployment else { return };
        let before = deployment.doubt();
        deployment.apply(event, record);
        let after = deployment.doubt();
        if before != after {
            self.doubts.retain(|doubt| Some(*doubt) != before);
            if let Some(after) = after {
                insert(&mut self.doubts, after);
            }
        }
    }
}
