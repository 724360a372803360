//! What can have happened in a lane.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeploymentNumber, Intent, Requested};
use crate::names::TargetName;

/// A fact about one lane.
///
/// The enum is the *current* schema; older shapes live on as JSON and are
/// lifted on read (see [`crate::wire`]). Variants are never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asked for a deployment, or a report of one was its first sign.
    Requested(Requested),
    /// Somebody agreed to it.
    Approved(Approved),
    /// Somebody turned it down.
    Rejected(Rejected),
    /// It began.
    Started(Started),
    /// It began on one target.
    TargetStarted(TargetReport),
    /// It worked on one target.
    TargetSucceeded(TargetReport),
    /// It did not work on one target.
    TargetFailed(TargetFailed),
    /// It worked.
    Succeeded(Succeeded),
    /// It did not work, and what it left behind is unknown.
    Failed(Failed),
    /// It was called off.
    Cancelled(Cancelled),
    /// How the release has been doing since.
    Health(HealthReport),
    /// Somebody wrote something down about it.
    Annotated(Annotated),
    /// What was recorded about it was wrong.
    Corrected(Corrected),
    /// The service was taken out of the environment.
    Removed(Removed),
}

/// See [`Event::Approved`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// The id of the actor who agreed.
    pub by: String,
    /// In their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// See [`Event::Rejected`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// The id of the actor who turned it down.
    pub by: String,
    /// In their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// See [`Event::Started`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// What carries it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Where its output can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
}

/// See [`Event::TargetStarted`] and [`Event::TargetSucceeded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReport {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub target: TargetName,
}

/// See [`Event::TargetFailed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFailed {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub target: TargetName,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// See [`Event::Succeeded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succeeded {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
}

/// See [`Event::Failed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// In which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<String>,
    /// Where its output can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
}

/// See [`Event::Cancelled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// In the words of who called it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a release is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should.
    Healthy,
    /// Worse than it should.
    Degraded,
    /// Not at all.
    Unhealthy,
}

/// See [`Event::Health`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// How it is doing.
    pub health: Health,
    /// Which monitor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// In the monitor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// An incident.
    Incident,
    /// A ticket.
    Ticket,
    /// A change record.
    Change,
}

/// A way to something that a deployment has to do with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it leads to.
    pub kind: LinkKind,
    /// Where it leads.
    pub url: String,
}

/// See [`Event::Annotated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotated {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When.
    pub at: Timestamp,
    /// What was written.
    pub text: String,
    /// What it points to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// What was wrong with the record of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Correction {
    /// It never took place.
    Void,
    /// It was asked for with another intent.
    Intent {
        /// The true one.
        intent: Intent,
    },
    /// It did harm, whatever its outcome says.
    Blamed,
    /// It did none after all.
    Cleared,
}

/// See [`Event::Corrected`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// Which deployment.
    pub number: DeploymentNumber,
    /// When it was corrected.
    pub at: Timestamp,
    /// What was wrong.
    pub correction: Correction,
    /// Why it is known to be wrong.
    pub reason: String,
}

/// See [`Event::Removed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// When.
    pub at: Timestamp,
    /// Why, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Event {
    /// When it happened, as the reporter saw it.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Requested(Requested { at, .. })
            | Self::Approved(Approved { at, .. })
            | Self::Rejected(Rejected { at, .. })
            | Self::Started(Started { at, .. })
            | Self::TargetStarted(TargetReport { at, .. })
            | Self::TargetSucceeded(TargetReport { at, .. })
            | Self::TargetFailed(TargetFailed { at, .. })
            | Self::Succeeded(Succeeded { at, .. })
            | Self::Failed(Failed { at, .. })
            | Self::Cancelled(Cancelled { at, .. })
            | Self::Health(HealthReport { at, .. })
            | Self::Annotated(Annotated { at, .. })
            | Self::Corrected(Corrected { at, .. })
            | Self::Removed(Removed { at, .. }) => *at,
        }
    }

    /// The deployment that it happened to; none for a removal.
    pub fn number(&self) -> Option<DeploymentNumber> {
        match self {
            Self::Requested(Requested { number, .. })
            | Self::Approved(Approved { number, .. })
            | Self::Rejected(Rejected { number, .. })
            | Self::Started(Started { number, .. })
            | Self::TargetStarted(TargetReport { number, .. })
            | Self::TargetSucceeded(TargetReport { number, .. })
            | Self::TargetFailed(TargetFailed { number, .. })
            | Self::Succeeded(Succeeded { number, .. })
            | Self::Failed(Failed { number, .. })
            | Self::Cancelled(Cancelled { number, .. })
            | Self::Health(HealthReport { number, .. })
            | Self::Annotated(Annotated { number, .. })
            | Self::Corrected(Corrected { number, .. }) => Some(*number),
            Self::Removed(Removed { .. }) => None,
        }
    }

    /// Why it cannot be in a lane that gives this number next, if that shows.
    pub fn misfit(&self, next: DeploymentNumber) -> Option<String> {
        let number = self.number()?;
        if let Self::Requested(_) = self {
            return (number != next)
                .then(|| format!("it requests deployment `{number}` where `{next}` is due"));
        }
        let is_there = number.0 > 0 && number < next;
        (!is_there).then(|| format!("it speaks of deployment `{number}`, which nothing requested"))
    }
}
