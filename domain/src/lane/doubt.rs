//! When nobody knows what a deployment left behind.

use jiff::Timestamp;

use super::{Deployment, DeploymentNumber, State, Status};

/// A deployment after which nobody knows what is really there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// Since when.
    pub at: Timestamp,
    /// Which of the stream's events left it.
    pub record: u64,
    /// Which deployment.
    pub number: DeploymentNumber,
    /// Why.
    pub cause: Cause,
}

/// Why a deployment leaves its lane in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// It failed.
    Failed,
    /// It had begun, and was cancelled or rejected.
    Cancelled,
    /// It failed on some of its targets.
    TargetsFailed,
    /// It is said to have worked, and some of its targets have not ended.
    TargetsUnfinished,
}

impl Cause {
    /// What it is told as, after the deployment's number.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed half-way",
            Self::Cancelled => "was cancelled half-way",
            Self::TargetsFailed => "failed on some targets",
            Self::TargetsUnfinished => "has targets that have not ended",
        }
    }
}

impl Deployment {
    /// Whether anything of it was carried out.
    pub fn has_begun(&self) -> bool {
        self.started.is_some() || !self.targets.is_empty()
    }

    /// The doubt that it leaves behind, if it leaves any.
    pub fn doubt(&self) -> Option<Doubt> {
        let number = self.number();
        let doubt = |at, record, cause| Some(Doubt { at, record, number, cause });
        if self.is_void() {
            return None;
        }
        let Some(end) = self.settled() else {
            let (at, record) = self.last_failed_target()?;
            return doubt(at, record, Cause::TargetsFailed);
        };
        let cause = match end.status {
            Status::Failed => Cause::Failed,
            Status::Cancelled | Status::Rejected if self.has_begun() => Cause::Cancelled,
            Status::Succeeded if self.has_target(Status::Failed) => Cause::TargetsFailed,
            Status::Succeeded if self.has_target(Status::Started) => Cause::TargetsUnfinished,
            Status::Requested
            | Status::Started
            | Status::Succeeded
            | Status::Cancelled
            | Status::Rejected => return None,
        };
        doubt(end.at, end.record, cause)
    }

    fn has_target(&self, status: Status) -> bool {
        self.targets.values().any(|target| target.status == status)
    }

    fn last_failed_target(&self) -> Option<(Timestamp, u64)> {
        let failed = self.targets.values().filter(|target| target.status == Status::Failed);
        failed.map(|target| (target.at, target.record)).max()
    }
}

impl State {
    /// The deployments since anything took effect after which nobody knows what is there, newest
    /// first; what took effect last is among them if it did not end on all of its targets.
    pub fn doubts(&self) -> impl Iterator<Item = &Doubt> {
        let last = self.effects().last().map(|effect| (effect.at, effect.record));
        let since = move |doubt: &&Doubt| Some((doubt.at, doubt.record)) >= last;
        self.all_doubts().iter().rev().take_while(since)
    }

    /// Whether nobody knows what is there.
    pub fn is_in_doubt(&self) -> bool {
        self.doubts().next().is_some()
    }
}
