//! An environment: where services are deployed to, and under which rules.

mod decide;
mod freezes;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    decide::{Command, Refusal, State},
    freezes::Freezes,
};
use crate::{
    decider::Decider,
    names::EnvironmentName,
    stream::{StreamName, decode_part},
};

/// What environments' streams begin with.
pub(crate) const FAMILY: &str = "environment";

/// The stream that holds this environment's events.
pub fn stream(environment: &EnvironmentName) -> StreamName {
    StreamName::join(FAMILY, &[environment.as_str()])
}

/// The environment whose events `stream` holds, if it is one's.
pub fn from_stream(stream: &StreamName) -> Option<EnvironmentName> {
    let (FAMILY, name) = stream.family()? else { return None };
    decode_part(name)?.parse().ok()
}

/// How much depends on an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Users depend on it.
    Production,
    /// The last look before production.
    Staging,
    /// Tests run there.
    Testing,
    /// Its makers work there.
    Development,
    /// Nobody said, or none of these.
    Other,
}

impl Tier {
    /// What an environment that nobody declared most likely is, by its name.
    ///
    /// # Source
    ///
    /// The names that GitLab's environment tiers go by, in its order (`Environment#guess_tier`).
    pub fn guess(environment: &EnvironmentName) -> Self {
        let name = environment.as_str().to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        // `pre-production` is no production, and `production-test` a test: the order matters.
        if has(&["dev", "review", "trunk"]) {
            Self::Development
        } else if has(&["test", "tst", "int", "accept", "acpt", "qa", "qc", "control", "quality"]) {
            Self::Testing
        } else if has(&["stag", "stg", "model", "modl", "pre", "demo", "non"]) {
            Self::Staging
        } else if has(&["prod", "prd", "live"]) {
            Self::Production
        } else {
            Self::Other
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Testing => "testing",
            Self::Development => "development",
            Self::Other => "other",
        }
    }
}

/// A fact about one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was declared, or declared anew.
    Declared(Declared),
    /// Nothing should be deployed there for now.
    Frozen(Frozen),
    /// The freezes in force then are lifted.
    Unfrozen(Unfrozen),
    /// It is no more.
    Retired(Retired),
}

/// The rules under which an environment is deployed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How much depends on it.
    pub tier: Tier,
    /// How many people must agree to a deployment.
    pub approvals: u8,
    /// Whether who asked may be one of them.
    pub self_approval: bool,
    /// Whether a lane takes one deployment at a time.
    pub one_at_a_time: bool,
}

/// See [`Event::Declared`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// When.
    pub at: Timestamp,
    /// How much depends on it.
    pub tier: Tier,
    /// How many people must agree to a deployment.
    pub approvals: u8,
    /// Whether who asked may be one of them.
    pub self_approval: bool,
    /// Whether a lane takes one deployment at a time.
    pub one_at_a_time: bool,
}

/// See [`Event::Frozen`]: a window, which can begin later than it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// From when on.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Until when; until somebody unfreezes it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// See [`Event::Unfrozen`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfrozen {
    /// When.
    pub at: Timestamp,
    /// Why, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// See [`Event::Retired`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// When.
    pub at: Timestamp,
    /// Why, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Rules {
    /// The rules of an environment that nobody declared: none.
    pub fn undeclared(environment: &EnvironmentName) -> Self {
        let tier = Tier::guess(environment);
        Self { tier, approvals: 0, self_approval: false, one_at_a_time: false }
    }
}

impl Event {
    /// When it happened, as the reporter saw it.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Declared(Declared { at, .. })
            | Self::Frozen(Frozen { at, .. })
            | Self::Unfrozen(Unfrozen { at, .. })
            | Self::Retired(Retired { at, .. }) => *at,
        }
    }
}

/// The rules of an environment.
#[derive(Debug)]
pub struct Environment;

impl Decider for Environment {
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
