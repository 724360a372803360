//! A lane: one service in one environment, and the deployments into it.

mod as_of;
mod classify;
mod command;
mod content;
mod decide;
mod deployment;
mod doubt;
mod event;
mod evolve;
mod objections;
mod rails;
mod recovery;
mod refusal;
mod request;
mod requested;
mod rollback;
mod taken_back;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    classify::{Classification, Standing, classify, classify_all},
    command::{Asked, Command, Happened, Outcome, Report, Request, RollbackTo, When},
    content::{Configuration, Content, Identity},
    deployment::{Deployment, OutcomeReport, Status, TargetState},
    doubt::{Cause, Doubt},
    event::{
        Annotated, Approved, Cancelled, Corrected, Correction, Event, Failed, Health, HealthReport,
        Link, LinkKind, Rejected, Removed, Started, Succeeded, TargetFailed, TargetReport,
    },
    evolve::{Effect, State},
    objections::{Contender, Objections},
    rails::{Approvals, Override, Rail, Rails},
    recovery::{Candidate, Recovery, candidates, recovery},
    refusal::Refusal,
    request::{Foreseen, foresee},
    requested::{Intent, Irreversible, Requested},
};
use crate::{
    decider::Decider,
    names::{EnvironmentName, ServiceName},
    stream::{StreamName, decode_part},
};

/// What lanes' streams begin with.
pub(crate) const FAMILY: &str = "lane";

/// One service in one environment: the boundary within which deployments are consistent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// What is deployed.
    pub service: ServiceName,
    /// Where to.
    pub environment: EnvironmentName,
}

impl LaneId {
    /// The stream that holds this lane's events.
    pub fn stream(&self) -> StreamName {
        StreamName::join(FAMILY, &[self.service.as_str(), self.environment.as_str()])
    }

    /// The lane whose events `stream` holds, if it is one's.
    pub fn from_stream(stream: &StreamName) -> Option<Self> {
        let (FAMILY, rest) = stream.family()? else { return None };
        let (service, environment) = rest.split_once('@')?;
        Some(Self {
            service: decode_part(service)?.parse().ok()?,
            environment: decode_part(environment)?.parse().ok()?,
        })
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.environment)
    }
}

/// A deployment's place in its lane, from 1, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentNumber(pub u32);

impl fmt::Display for DeploymentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The rules of a lane.
#[derive(Debug)]
pub struct Lane;

impl Decider for Lane {
    type Command = Command;
    type Event = Event;
    type State = State;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, command)
    }

    fn evolve(state: State, event: &Event) -> State {
        evolve::evolve(state, event)
    }

    fn misfit(state: &State, event: &Event) -> Option<String> {
        event.misfit(state.next_number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(service: &str, environment: &str) -> LaneId {
        LaneId { service: service.parse().unwrap(), environment: environment.parse().unwrap() }
    }

    #[test]
    fn a_stream_is_named_after_its_lane() {
        let stream = lane("alphagov/frontend", "production").stream();
        assert_eq!(stream.as_str(), "lane-alphagov/frontend@production");
    }

    #[test]
    fn a_lane_reads_back_from_its_stream_whatever_it_is_called() {
        for (service, environment) in [("a@b", "c%d"), ("ü-x", "review/feature-x"), ("%40", "@@")]
        {
            let lane = lane(service, environment);
            assert_eq!(LaneId::from_stream(&lane.stream()), Some(lane));
        }
    }

    #[test]
    fn other_streams_are_no_lanes() {
        for name in ["environment-production", "lane-checkout", "lane", "$ce-lane"] {
            assert_eq!(LaneId::from_stream(&StreamName::recorded(name)), None);
        }
    }
}
