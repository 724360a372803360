//! A projection that a user writes: its definition, and what became of it.
//!
//! Definitions are events like all others, so every server of a log keeps the same projections, and
//! each change tells who made it and what was there before.

mod decide;
mod name;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    decide::{Command, Refusal, State},
    name::{NameError, ProjectionName},
};
use crate::{decider::Decider, stream::StreamName};

/// What projections' streams begin with.
pub(crate) const FAMILY: &str = "projection";

/// The stream that holds this projection's events.
pub fn stream(projection: &ProjectionName) -> StreamName {
    StreamName::join(FAMILY, &[projection.as_str()])
}

/// The projection whose events `stream` holds, if it is one's.
pub fn from_stream(stream: &StreamName) -> Option<ProjectionName> {
    let (FAMILY, name) = stream.family()? else { return None };
    name.parse().ok()
}

/// What a projection is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// A fold, kept up event by event.
    Javascript,
    /// A query, answered when it is asked.
    Sql,
}

impl Language {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Javascript => "javascript",
            Self::Sql => "sql",
        }
    }
}

/// A fact about one projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was defined, or defined anew.
    Defined(Defined),
    /// It folds nothing more for now.
    Paused(Paused),
    /// It folds on.
    Resumed(Resumed),
    /// It is no more.
    Dropped(Dropped),
}

/// See [`Event::Defined`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defined {
    /// When.
    pub at: Timestamp,
    /// What it is written in.
    pub language: Language,
    /// The whole of it.
    pub source: String,
}

/// See [`Event::Paused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// When.
    pub at: Timestamp,
}

/// See [`Event::Resumed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// When.
    pub at: Timestamp,
}

/// See [`Event::Dropped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// When.
    pub at: Timestamp,
}

/// The rules of a projection that a user writes.
#[derive(Debug)]
pub struct Projection;

impl Decider for Projection {
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
