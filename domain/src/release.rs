//! A release: an immutable, named version of a service.

mod decide;
mod manifest;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    decide::{Command, Refusal, State},
    manifest::{Artifact, Change, Manifest},
};
use crate::{
    decider::Decider,
    names::{ServiceName, Version},
    stream::{StreamName, decode_part},
};

/// What releases' streams begin with.
pub(crate) const FAMILY: &str = "release";

/// One version of one service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseId {
    /// Of what.
    pub service: ServiceName,
    /// Which one.
    pub version: Version,
}

impl ReleaseId {
    /// The stream that holds this release's events.
    pub fn stream(&self) -> StreamName {
        StreamName::join(FAMILY, &[self.service.as_str(), self.version.as_str()])
    }

    /// The release whose events `stream` holds, if it is one's.
    pub fn from_stream(stream: &StreamName) -> Option<Self> {
        let (FAMILY, rest) = stream.family()? else { return None };
        let (service, version) = rest.split_once('@')?;
        Some(Self {
            service: decode_part(service)?.parse().ok()?,
            version: decode_part(version)?.parse().ok()?,
        })
    }
}

/// A fact about one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was made known before, or apart from, its first deployment.
    Registered(Registered),
    /// It must not go further.
    Blocked(Blocked),
    /// It may go on.
    Unblocked(Unblocked),
}

/// See [`Event::Registered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// When.
    pub at: Timestamp,
    /// What it is.
    pub release: Manifest,
}

/// See [`Event::Blocked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// See [`Event::Unblocked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unblocked {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// The rules of a release.
#[derive(Debug)]
pub struct Release;

impl Decider for Release {
    type Command = Command;
    type Event = Event;
    type State = State;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, command)
    }

    fn evolve(state: State, event: &Event) -> State {
        decide::evolve(state, event)
    }
}
