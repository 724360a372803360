//! Why a lane says no.

use jiff::Timestamp;

use super::{Contender, Deployment, DeploymentNumber, State, Status};
use crate::{decider::Coded, environment::Frozen, metadata::ActorKind, names::Version};

/// Why a lane turns a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No deployment has this number.
    #[error("there is no deployment `{number}` here; {}", known(*last))]
    Unknown {
        /// The number asked for.
        number: DeploymentNumber,
        /// The highest one there is.
        last: Option<DeploymentNumber>,
    },
    /// The deployment was corrected never to have taken place.
    #[error("deployment `{number}` was voided: it never took place")]
    Void {
        /// Which one.
        number: DeploymentNumber,
    },
    /// The release asked for is the one that runs.
    #[error("version `{version}` already runs, put there by `{number}`")]
    AlreadyRuns {
        /// The deployment that put it there.
        number: DeploymentNumber,
        /// What runs.
        version: Version,
    },
    /// Nothing runs, so there is nothing to go back from.
    #[error("nothing runs here; name the deployment or version to go back to")]
    NothingRuns,
    /// Nothing else ran before what runs.
    #[error("no other release worked here before `{number}`; there is none to go back to")]
    NothingBefore {
        /// The deployment that runs.
        number: DeploymentNumber,
    },
    /// Something speaks against every release that ran before.
    #[error("something speaks against every earlier release: {}; name the one to go back to", listed(.contenders))]
    NothingSound {
        /// Those releases, the last success first.
        contenders: Vec<Contender>,
    },
    /// A rollback replays a release that worked, and this one did not.
    #[error("deployment `{number}` is `{}`, not succeeded; a rollback replays one that succeeded",
        .status.as_str())]
    NeverSucceeded {
        /// Which one.
        number: DeploymentNumber,
        /// What became of it.
        status: Status,
    },
    /// This version never ran here.
    #[error("version `{version}` never ran here; deploy it instead")]
    NeverRan {
        /// Which one.
        version: Version,
    },
    /// There is no deployment to repeat.
    #[error("nothing was ever deployed here; there is nothing to retry")]
    NothingToRetry,
    /// It has ended.
    #[error("deployment `{number}` has already ended: it is `{}`", .status.as_str())]
    AlreadyEnded {
        /// Which one.
        number: DeploymentNumber,
        /// How.
        status: Status,
    },
    /// The deployment to repeat or to mend is not at its end.
    #[error("deployment `{number}` is still `{}`; wait for its end, or cancel it first", .status.as_str())]
    StillOpen {
        /// Which one.
        number: DeploymentNumber,
        /// How far it has come.
        status: Status,
    },
    /// Another executor has begun it, or the same one earlier.
    #[error("deployment `{number}` has begun already{}", by_whom(.executor.as_deref()))]
    AlreadyStarted {
        /// Which one.
        number: DeploymentNumber,
        /// What carries it out.
        executor: Option<String>,
    },
    /// People still have to agree to it.
    #[error("deployment `{number}` still needs {}", approvals(*missing))]
    NotApproved {
        /// Which one.
        number: DeploymentNumber,
        /// How many of them.
        missing: u8,
    },
    /// Who asked for it may not be one of those who agree to it.
    #[error("deployment `{number}` was asked for by `{by}`; somebody else has to agree to it")]
    SelfApproval {
        /// Which one.
        number: DeploymentNumber,
        /// The id of the actor.
        by: String,
    },
    /// A program cannot agree to a deployment.
    #[error("approvals are given by people, and `{}:{by}` is a {}", .kind.as_str(), .kind.as_str())]
    NotAPerson {
        /// Which deployment it wants to agree to.
        number: DeploymentNumber,
        /// The id of the actor.
        by: String,
        /// What kind of actor it is.
        kind: ActorKind,
    },
    /// The environment is frozen.
    #[error("the environment is frozen{}: {reason}; override `freeze` if it has to be", deadline(*until))]
    Frozen {
        /// Why.
        reason: String,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// The lane takes one deployment at a time.
    #[error("deployment `{number}` is `{}`, and this environment takes one at a time in a lane; \
        wait for its end, cancel it, or override `one_at_a_time`", .status.as_str())]
    InProgress {
        /// Which one is in the way.
        number: DeploymentNumber,
        /// How far it has come.
        status: Status,
    },
    /// The release must not go further.
    #[error("version `{version}` is blocked: {reason}; override `block` if it has to be")]
    Blocked {
        /// Which one.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The release is registered with another content, and releases do not change.
    #[error(
        "version `{version}` is registered with {differs}; ask for what is registered, or name another version"
    )]
    OtherContent {
        /// Which one.
        version: Version,
        /// What differs, in words.
        differs: String,
    },
    /// A lane numbers its deployments with 32 bits.
    #[error("this lane has no numbers left")]
    Full,
}

/// How many releases a refusal names.
const NAMED: usize = 5;

fn listed(contenders: &[Contender]) -> String {
    let named: Vec<_> = contenders.iter().take(NAMED).map(Contender::to_string).collect();
    let more = contenders.len().saturating_sub(NAMED);
    let named = named.join("; ");
    if more == 0 { named } else { format!("{named}; and {more} more") }
}

fn known(last: Option<DeploymentNumber>) -> String {
    last.map_or_else(|| "nothing was deployed yet".into(), |last| format!("the last is `{last}`"))
}

fn by_whom(executor: Option<&str>) -> String {
    executor.map_or_else(String::new, |executor| format!(", carried out by `{executor}`"))
}

fn approvals(missing: u8) -> String {
    if missing == 1 { "1 approval".into() } else { format!("{missing} approvals") }
}

fn deadline(instant: Option<Timestamp>) -> String {
    instant.map_or_else(String::new, |instant| format!(" until `{instant}`"))
}

impl Refusal {
    pub(super) fn frozen(Frozen { at: _, reason, until }: &Frozen) -> Self {
        Self::Frozen { reason: reason.clone(), until: *until }
    }

    pub(super) fn unknown(state: &State, number: DeploymentNumber) -> Self {
        Self::Unknown { number, last: state.deployments().last().map(Deployment::number) }
    }
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-deployment",
            Self::Void { .. } => "void-deployment",
            Self::AlreadyRuns { .. } => "already-runs",
            Self::NothingRuns => "nothing-runs",
            Self::NothingBefore { .. } => "nothing-before",
            Self::NothingSound { .. } => "nothing-sound",
            Self::NeverSucceeded { .. } => "never-succeeded",
            Self::NeverRan { .. } => "never-ran",
            Self::NothingToRetry => "nothing-to-retry",
            Self::AlreadyEnded { .. } => "already-ended",
            Self::StillOpen { .. } => "still-open",
            Self::AlreadyStarted { .. } => "already-started",
            Self::NotApproved { .. } => "not-approved",
            Self::SelfApproval { .. } => "self-approval",
            Self::NotAPerson { .. } => "not-a-person",
            Self::Frozen { .. } => "frozen",
            Self::InProgress { .. } => "in-progress",
            Self::Blocked { .. } => "blocked-release",
            Self::OtherContent { .. } => "other-content",
            Self::Full => "lane-full",
        }
    }
}
