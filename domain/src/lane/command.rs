//! What can be asked of a lane, and what can be reported about it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    Annotated, Approved, Cancelled, Configuration, Corrected, Correction, DeploymentNumber, Event,
    Failed, Health, HealthReport, Irreversible, Link, Override, Rails, Rejected, Started,
    Succeeded, TargetFailed, TargetReport,
};
use crate::{
    metadata::ActorKind,
    names::{TargetName, Version},
    release::Manifest,
};

/// When something happened, and whether the caller said so or the server filled it in.
///
/// Repeating what is already so is one event less; stating another time for it is a new report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The time.
    pub at: Timestamp,
    /// Whether the caller stated it.
    pub stated: bool,
}

/// A command or a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Asks for a deployment; can be refused.
    Request {
        /// What is wanted.
        request: Request,
        /// What may stand in its way.
        rails: Rails,
        /// What of it is to be crossed.
        crosses: Option<Override>,
    },
    /// Says that a deployment took place; is never refused for what it says.
    Report(Report),
    /// Asks or says something of a recorded deployment.
    Deployment {
        /// Which one.
        number: DeploymentNumber,
        /// When.
        when: When,
        /// What.
        happened: Happened,
    },
    /// Says that the service was taken out of the environment.
    Remove {
        /// When.
        when: When,
        /// Why, if that was said.
        reason: Option<String>,
    },
}

/// Asks for a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it was asked for.
    pub when: When,
    /// What is wanted.
    pub asked: Asked,
    /// The id of the actor who asks.
    pub by: Option<String>,
    /// In the words of who asks; a rollback needs it.
    pub reason: Option<String>,
    /// Where to read on.
    pub url: Option<String>,
    /// What the asking system calls it.
    pub external_id: Option<String>,
    /// Whatever else was said, by name.
    pub labels: BTreeMap<String, String>,
    /// The irreversible changes that whoever asks has been shown.
    pub acknowledged: Vec<Irreversible>,
    /// What it is configured with; if nothing is said, what is replayed brings its own.
    pub configuration: Option<Arc<Configuration>>,
}

/// Says that a deployment took place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was asked for, and how.
    pub request: Request,
    /// How far it got.
    pub outcome: Outcome,
}

/// What kind of deployment is wanted, and with which release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This release.
    Deploy(Manifest),
    /// An earlier deployment's release again. A report may bring the release along.
    Rollback {
        /// To which one.
        to: RollbackTo,
        /// What a report says was put there; never set when rollback is asked for.
        release: Option<Manifest>,
    },
    /// This release, to mend a failed deployment.
    RollForward {
        /// The release.
        release: Manifest,
        /// The deployment that it mends.
        mends: Option<DeploymentNumber>,
    },
    /// The same release again.
    Retry {
        /// The deployment to repeat; the lane's last one if nothing was said.
        of: Option<DeploymentNumber>,
    },
    /// This release; the reporter did not say why.
    Unknown(Manifest),
}

/// What a rollback goes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackTo {
    /// The last success before the release that runs.
    Previous,
    /// This deployment.
    Number(DeploymentNumber),
    /// The last deployment that succeeded with this version.
    Version(Version),
}

/// How far a reported deployment got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has begun.
    Started,
    /// It worked.
    Succeeded,
    /// It did not.
    Failed {
        /// What went wrong.
        error: Option<String>,
    },
}

/// What happened to a recorded deployment, or is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Somebody agrees to it; only a person can.
    Approve {
        /// The id of the actor who does.
        by: String,
        /// What kind of actor that is.
        kind: ActorKind,
        /// In their words.
        comment: Option<String>,
    },
    /// Somebody turns it down.
    Reject {
        /// The id of the actor who does.
        by: String,
        /// In their words.
        reason: Option<String>,
    },
    /// It began.
    Started {
        /// What carries it out.
        executor: Option<String>,
        /// Where its output can be read.
        log_url: Option<String>,
    },
    /// An executor wants to begin it: of several that do, one may.
    Claim {
        /// What would carry it out.
        executor: Option<String>,
        /// Where its output could be read.
        log_url: Option<String>,
        /// What may stand in its way.
        rails: Rails,
    },
    /// It began on one target.
    TargetStarted(TargetName),
    /// It worked on one target.
    TargetSucceeded(TargetName),
    /// It did not work on one target.
    TargetFailed {
        /// Which one.
        target: TargetName,
        /// What went wrong.
        error: Option<String>,
    },
    /// It worked.
    Succeeded,
    /// It did not work.
    Failed {
        /// What went wrong.
        error: Option<String>,
        /// In which step.
        failed_step: Option<String>,
        /// Where its output can be read.
        log_url: Option<String>,
    },
    /// Somebody calls it off.
    Cancel {
        /// In their words.
        reason: Option<String>,
    },
    /// How the release is doing.
    Health {
        /// How.
        health: Health,
        /// Which monitor says so.
        source: Option<String>,
        /// In its words.
        detail: Option<String>,
    },
    /// Somebody writes something down about it.
    Annotate {
        /// What.
        text: String,
        /// What it points to.
        links: Vec<Link>,
    },
    /// What is recorded about it is wrong.
    Correct {
        /// What is wrong.
        correction: Correction,
        /// How that is known.
        reason: String,
    },
}

impl Happened {
    /// Whether it is decided rather than reported: an approval, a rejection or a claim, each of which is
    /// of the instant at which it is recorded.
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Approve { .. } | Self::Reject { .. } | Self::Claim { .. } => true,
            Self::Started { .. }
            | Self::TargetStarted(_)
            | Self::TargetSucceeded(_)
            | Self::TargetFailed { .. }
            | Self::Succeeded
            | Self::Failed { .. }
            | Self::Cancel { .. }
            | Self::Health { .. }
            | Self::Annotate { .. }
            | Self::Correct { .. } => false,
        }
    }

    /// The event that records it.
    pub(super) fn into_event(self, number: DeploymentNumber, at: Timestamp) -> Event {
        match self {
            Self::Approve { by, kind: _, comment } => {
                Event::Approved(Approved { number, at, by, comment })
            }
            Self::Reject { by, reason } => Event::Rejected(Rejected { number, at, by, reason }),
            Self::Started { executor, log_url } | Self::Claim { executor, log_url, rails: _ } => {
                Event::Started(Started { number, at, executor, log_url })
            }
            Self::TargetStarted(target) => {
                Event::TargetStarted(TargetReport { number, at, target })
            }
            Self::TargetSucceeded(target) => {
                Event::TargetSucceeded(TargetReport { number, at, target })
            }
            Self::TargetFailed { target, error } => {
                Event::TargetFailed(TargetFailed { number, at, target, error })
            }
            Self::Succeeded => Event::Succeeded(Succeeded { number, at }),
            Self::Failed { error, failed_step, log_url } => {
                Event::Failed(Failed { number, at, error, failed_step, log_url })
            }
            Self::Cancel { reason } => Event::Cancelled(Cancelled { number, at, reason }),
            Self::Health { health, source, detail } => {
                Event::Health(HealthReport { number, at, health, source, detail })
            }
            Self::Annotate { text, links } => {
                Event::Annotated(Annotated { number, at, text, links })
            }
            Self::Correct { correction, reason } => {
                Event::Corrected(Corrected { number, at, correction, reason })
            }
        }
    }
}
