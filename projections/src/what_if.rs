//! What would have become of what was asked for, had other rules held.
//!
//! The log is read and nothing is written. Each deployment is judged by the domain's own rules, on its
//! lane as it stood when the deployment was asked for: what would have followed from another decision
//! is not guessed at.

mod inference;
mod lane;
mod policy;
mod report;
mod weekly;

use std::collections::HashMap;

use futures::StreamExt as _;
use shiplog_domain::{
    decider::Decider as _,
    environment::{self, Environment, Rules},
    lane::{Approvals, Event, LaneId, Rails, Requested},
    names::EnvironmentName,
    release::{self, Release, ReleaseId},
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    log::{Log, LogFault, Recorded},
    position::GlobalPosition,
};

use self::lane::LaneWalk;
pub use self::{
    inference::Inference,
    policy::{Change, Policy},
    report::{Difference, Report, Rule, Verdict},
    weekly::Weekly,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// An event cannot be read, so nobody knows how its stream stood afterwards.
    #[error("event {position} of `{stream}` cannot be read: {why}")]
    Unreadable {
        /// Where it is.
        position: GlobalPosition,
        /// In which stream.
        stream: StreamName,
        /// Why.
        why: String,
    },
}

/// Replays the whole log under other rules.
///
/// # Errors
///
/// [`WhatIfError`].
pub async fn what_if(log: &dyn Log, policy: &Policy) -> Result<Report, WhatIfError> {
    let mut walk = Walk::new(policy);
    let mut records = log.read_all(None);
    while let Some(recorded) = records.next().await {
        walk.meet(recorded?)?;
    }
    Ok(walk.end())
}

/// How everything stood at a place in the log.
struct Walk<'p> {
    policy: &'p Policy,
    lanes: HashMap<StreamName, LaneWalk>,
    environments: HashMap<EnvironmentName, environment::State>,
    releases: HashMap<ReleaseId, release::State>,
    report: Report,
}

/// The guard rails of a deployment: as they stood, and as they would have.
struct Compared {
    actual: Rails,
    changed: Rails,
}

impl<'p> Walk<'p> {
    fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            lanes: HashMap::new(),
            environments: HashMap::new(),
            releases: HashMap::new(),
            report: Report::default(),
        }
    }

    fn meet(&mut self, recorded: Recorded<EncodedEvent>) -> Result<(), WhatIfError> {
        self.report.position = Some(recorded.position);
        let decoded = DomainEvent::decode(&recorded.stream, &recorded.event);
        let event = match decoded {
            Ok(Decoded::Known(event)) => event,
            Ok(Decoded::Skippable { .. }) => return Ok(()),
            Err(error) => {
                let Recorded { position, stream, .. } = recorded;
                return Err(WhatIfError::Unreadable { position, stream, why: error.to_string() });
            }
        };
        match &event {
            DomainEvent::Environment(event) => {
                if let Some(name) = environment::from_stream(&recorded.stream) {
                    let state = self.environments.remove(&name).unwrap_or_default();
                    self.environments.insert(name, Environment::evolve(state, event));
                }
            }
            DomainEvent::Projection(_) => {}
            DomainEvent::Release(event) => {
                if let Some(id) = ReleaseId::from_stream(&recorded.stream) {
                    let state = self.releases.remove(&id).unwrap_or_default();
                    self.releases.insert(id, Release::evolve(state, event));
                }
            }
            DomainEvent::Lane(event) => {
                if let Some(id) = LaneId::from_stream(&recorded.stream) {
                    self.lane(id, &recorded.with_event(()), event);
                }
            }
        }
        Ok(())
    }

    fn lane(&mut self, id: LaneId, recorded: &Recorded<()>, event: &Event) {
        let compared = match event {
            Event::Requested(requested) => Some(self.rails(&id, requested)),
            Event::Approved(_)
            | Event::Rejected(_)
            | Event::Started(_)
            | Event::TargetStarted(_)
            | Event::TargetSucceeded(_)
            | Event::TargetFailed(_)
            | Event::Succeeded(_)
            | Event::Failed(_)
            | Event::Cancelled(_)
            | Event::Health(_)
            | Event::Annotated(_)
            | Event::Corrected(_)
            | Event::Removed(_) => None,
        };
        let lane = self.lanes.entry(recorded.stream.clone());
        let lane = lane.or_insert_with(|| LaneWalk::new(id));
        lane.meet(recorded, event, compared.as_ref());
    }

    /// The guard rails of a deployment that is asked for.
    fn rails(&self, lane: &LaneId, requested: &Requested) -> Compared {
        let environment = self.environments.get(&lane.environment);
        let rules = environment.and_then(|state| state.rules);
        let rules = rules.unwrap_or_else(|| Rules::undeclared(&lane.environment));
        let freezes = environment.map(|state| &state.freezes);
        let freeze = freezes.and_then(|freezes| freezes.at(requested.at)).cloned();
        let (service, version) = (lane.service.clone(), requested.release.version.clone());
        let release = self.releases.get(&ReleaseId { service, version });
        let block = release.and_then(|state| state.blocked.clone());
        let of = |rules: Rules, freeze| Rails {
            freeze,
            one_at_a_time: rules.one_at_a_time,
            approvals: Approvals { needed: rules.approvals, by_requester: rules.self_approval },
            block: block.clone(),
            ..Rails::default()
        };
        let actual = of(rules, freeze.clone());
        let changed = match self.policy.of(&lane.environment) {
            Some(change) => of(change.rules(rules), change.freeze(requested.at, freeze)),
            None => actual.clone(),
        };
        Compared { actual, changed }
    }

    fn end(mut self) -> Report {
        for lane in self.lanes.into_values() {
            lane.end(self.policy, &mut self.report);
        }
        self.report.end(self.policy)
    }
}
