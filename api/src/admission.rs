//! Who is let in: guard rails are looked up where they are kept, and hold on every path that asks.

mod content;
pub(crate) mod names;
mod similar;
pub(crate) mod warning;

use std::{collections::BTreeSet, sync::Arc};

use shiplog_domain::{
    environment::{self, Environment, Rules},
    lane::{
        self, Approvals, Asked, Command, DeploymentNumber, Lane, LaneId, Override, Rails, Refusal,
        Request, RollbackTo,
    },
    metadata::Metadata,
    names::Version,
    release::{self, Release, ReleaseId},
    stream::StreamName,
};
use shiplog_projections::models::ReadModels;
use shiplog_store::{
    clock::Clock,
    execute::{ExecuteError, LoadError, Outcome, Streams},
    log::{AppendError, Log},
    position::ExpectedVersion,
};

/// How often a request is looked at again because the lane moved meanwhile.
const ATTEMPTS: usize = 5;

/// How many bytes of lanes are kept folded, unless something else is said.
const CACHE_BYTES: usize = 256 << 20;

/// Decides requests: the lanes, and the streams that hold their guard rails.
#[derive(Clone)]
pub struct Admission {
    pub(crate) lanes: Arc<Streams<Lane>>,
    pub(crate) environments: Arc<Streams<Environment>>,
    pub(crate) releases: Arc<Streams<Release>>,
    /// Knows the names that are recorded; without it every name counts as new, and none as similar.
    models: Option<Arc<ReadModels>>,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
}

/// A request for a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) request: Request,
    /// The guard rails that it wants to cross.
    pub(crate) crosses: Option<Override>,
    /// Where the caller believes the lane to be.
    pub(crate) claimed: Option<ExpectedVersion>,
}

impl Admission {
    /// The streams of this log. Freezes hold by this clock.
    pub fn new(log: &Arc<dyn Log>, clock: Arc<dyn Clock>) -> Self {
        Self::keeping(log, clock, CACHE_BYTES)
    }

    /// The same, with lanes of so many bytes kept folded, and a quarter of that of each other family.
    pub(crate) fn keeping(log: &Arc<dyn Log>, clock: Arc<dyn Clock>, bytes: usize) -> Self {
        Self {
            lanes: Arc::new(Streams::with_budget(Arc::clone(log), bytes)),
            environments: Arc::new(Streams::with_budget(Arc::clone(log), bytes / 4)),
            releases: Arc::new(Streams::with_budget(Arc::clone(log), bytes / 4)),
            models: None,
            log: Arc::clone(log),
            clock,
        }
    }

    /// The same, which knows the names that these read models know, and the damage that they have met.
    pub(crate) fn knowing(self, models: &Arc<ReadModels>) -> Self {
        let is_damaged = || {
            let models = Arc::clone(models);
            move |stream: &StreamName| models.is_damaged(stream)
        };
        let log = || Arc::clone(&self.log);
        Self {
            lanes: Arc::new(Streams::new(log()).knowing_damage(is_damaged())),
            environments: Arc::new(Streams::new(log()).knowing_damage(is_damaged())),
            releases: Arc::new(Streams::new(log()).knowing_damage(is_damaged())),
            models: Some(Arc::clone(models)),
            log: log(),
            clock: self.clock,
        }
    }

    /// Executes a request, with the guard rails as they are.
    ///
    /// Which release it means can depend on the lane, and whether that is blocked on the release: if
    /// the lane has moved between the look and the decision, both are looked at again.
    pub(crate) async fn execute<T>(
        &self,
        lane: &LaneId,
        Proposal { request, crosses, claimed }: Proposal,
        metadata: &Metadata,
        answer: impl Fn(&lane::State, &Outcome) -> T + Send + Sync,
    ) -> Result<(Outcome, T), ExecuteError<Refusal>> {
        let stream = lane.stream();
        for _ in 0..ATTEMPTS {
            let (rails, seen) = self.rails_of_request(lane, &request.asked).await?;
            let (request, crosses) = (request.clone(), crosses.clone());
            let command = Command::Request { request, rails, crosses };
            let (expected, metadata) = (claimed.or(seen), metadata.clone());
            let done = self.lanes.execute(&stream, expected, command, metadata, &answer).await;
            match done {
                Err(ExecuteError::Append(AppendError::Conflict { .. })) if claimed.is_none() => {}
                done => return done,
            }
        }
        Err(ExecuteError::Contended { stream })
    }

    /// The guard rails of a request, and the version of the lane for which that holds: only where
    /// the lane says which release is meant.
    pub(crate) async fn rails_of_request(
        &self,
        lane: &LaneId,
        asked: &Asked,
    ) -> Result<(Rails, Option<ExpectedVersion>), LoadError> {
        let is_default = matches!(asked, Asked::Rollback { to: RollbackTo::Previous, .. });
        let blocked = if is_default { self.blocked(lane).await? } else { BTreeSet::new() };
        if let Some(version) = named(asked) {
            return Ok((self.standing(lane, Some(version.clone())).await?, None));
        }
        let now = self.clock.now();
        let look = |state: &lane::State, version: Option<_>| {
            let rails = Rails { blocked: blocked.clone(), ..Rails::default() };
            let foreseen = lane::foresee(&state.as_of(now), asked.clone(), &rails).ok();
            let wanted = foreseen.map(|foreseen| foreseen.release.version.clone());
            (wanted, Some(ExpectedVersion::from(version)))
        };
        let (version, seen) = self.lanes.read(&lane.stream(), look).await?;
        let rails = self.standing(lane, version).await?;
        Ok((Rails { blocked, ..rails }, seen))
    }

    /// The releases that a rollback without a target would go to if they were not blocked.
    pub(crate) async fn blocked(&self, lane: &LaneId) -> Result<BTreeSet<Version>, LoadError> {
        let mut blocked = BTreeSet::new();
        loop {
            let asked = Asked::Rollback { to: RollbackTo::Previous, release: None };
            let rails = Rails { blocked: blocked.clone(), ..Rails::default() };
            let now = self.clock.now();
            let look = |state: &lane::State, _: Option<_>| {
                let foreseen = lane::foresee(&state.as_of(now), asked, &rails).ok()?;
                Some(foreseen.release.version.clone())
            };
            let wanted = self.lanes.read(&lane.stream(), look).await?;
            let Some(version) = wanted else { return Ok(blocked) };
            let id = ReleaseId { service: lane.service.clone(), version: version.clone() };
            if self.releases.read(&id.stream(), |state, _| state.blocked.is_none()).await? {
                return Ok(blocked);
            }
            blocked.insert(version);
        }
    }

    /// The guard rails of a deployment that is to begin.
    pub(crate) async fn rails_of_deployment(
        &self,
        lane: &LaneId,
        number: DeploymentNumber,
    ) -> Result<Rails, LoadError> {
        let look = |state: &lane::State, _: Option<_>| {
            state.deployment(number).map(|deployment| deployment.release().version.clone())
        };
        let version = self.lanes.read(&lane.stream(), look).await?;
        self.standing(lane, version).await
    }

    async fn standing(&self, lane: &LaneId, version: Option<Version>) -> Result<Rails, LoadError> {
        let (name, now) = (&lane.environment, self.clock.now());
        let look = |state: &environment::State, _: Option<_>| {
            let rules = state.rules.unwrap_or_else(|| Rules::undeclared(name));
            (rules, state.freezes.at(now).cloned())
        };
        let (rules, freeze) = self.environments.read(&environment::stream(name), look).await?;
        let (block, registered) = match version {
            Some(version) => {
                let id = ReleaseId { service: lane.service.clone(), version };
                let look = |state: &release::State, _: Option<_>| {
                    (state.blocked.clone(), state.registered.clone().map(Arc::new))
                };
                self.releases.read(&id.stream(), look).await?
            }
            None => (None, None),
        };
        let Rules { tier: _, approvals, self_approval, one_at_a_time } = rules;
        let approvals = Approvals { needed: approvals, by_requester: self_approval };
        Ok(Rails { freeze, one_at_a_time, approvals, block, registered, ..Rails::default() })
    }
}

/// The version that a request names; none where the lane says which release is meant.
pub(crate) fn named(asked: &Asked) -> Option<&Version> {
    match asked {
        Asked::Deploy(release) | Asked::Unknown(release) | Asked::RollForward { release, .. } => {
            Some(&release.version)
        }
        Asked::Rollback { .. } | Asked::Retry { .. } => None,
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}
