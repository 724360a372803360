//! The lines of a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actor::Actor;

/// What a journal is about; its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Whom all of it is for.
    pub(crate) server: String,
    /// What is deployed.
    pub(crate) service: String,
    /// Where to.
    pub(crate) environment: String,
    /// Which deployment, unless the journal's first entry asks for it.
    pub(crate) number: Option<u64>,
    /// Who says all of it.
    pub(crate) actor: Option<Actor>,
    /// What the keys of the entries begin with.
    pub(crate) key: String,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// What it is about.
    Opened(Head),
    /// Something that the server is to be told.
    Told(Entry),
    /// The command is about to be run: from here on it may have.
    Begun {
        /// When.
        at: Timestamp,
    },
}

/// Something that the server is to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// What happened.
    pub(crate) verb: Verb,
    /// The same however often it is told.
    pub(crate) key: String,
    /// The request's body, with the time stated.
    pub(crate) body: Value,
    /// The lane's version that it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) if_match: Option<String>,
}

/// What the server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    /// A deployment is asked for.
    Request,
    /// It begins.
    Start,
    /// How it went on one target.
    Targets,
    /// It worked.
    Succeed,
    /// It did not.
    Fail,
    /// It is called off.
    Cancel,
    /// Something to write down.
    Notes,
}

impl Verb {
    /// The last segment of the path.
    pub(super) fn segment(self) -> Option<&'static str> {
        match self {
            Self::Request => None,
            Self::Start => Some("start"),
            Self::Targets => Some("targets"),
            Self::Succeed => Some("succeed"),
            Self::Fail => Some("fail"),
            Self::Cancel => Some("cancel"),
            Self::Notes => Some("notes"),
        }
    }

    /// Whether nothing more is to be said of the deployment after it.
    pub(super) fn is_end(self) -> bool {
        match self {
            Self::Succeed | Self::Fail | Self::Cancel => true,
            Self::Request | Self::Start | Self::Targets | Self::Notes => false,
        }
    }
}
