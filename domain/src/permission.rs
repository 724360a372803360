//! What somebody must be allowed to do, to ask for something.

use crate::{
    environment,
    lane::{self, Asked, Happened},
    projection, release,
};

/// What somebody can be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Ask for a release to be put somewhere, or call that off.
    Deploy,
    /// Ask for an earlier release to be put back.
    RollBack,
    /// Cross a guard rail.
    Override,
    /// Agree to a deployment, or turn it down.
    Approve,
    /// Carry a deployment out.
    Execute,
    /// Tell what has happened.
    Report,
    /// Write something down about a deployment.
    Annotate,
    /// Correct what is recorded.
    Correct,
    /// Say what an environment is and which rules it has.
    Govern,
    /// Freeze and unfreeze an environment.
    Freeze,
    /// Make a release known.
    Register,
    /// Block and unblock a release.
    Block,
    /// Define, pause, resume and drop projections.
    Project,
}

impl Permission {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::RollBack => "roll_back",
            Self::Override => "override",
            Self::Approve => "approve",
            Self::Execute => "execute",
            Self::Report => "report",
            Self::Annotate => "annotate",
            Self::Correct => "correct",
            Self::Govern => "govern",
            Self::Freeze => "freeze",
            Self::Register => "register",
            Self::Block => "block",
            Self::Project => "project",
        }
    }
}

/// A command that says what whoever asks must be allowed to do.
pub trait Needs {
    /// All of it; never empty.
    fn needs(&self) -> Vec<Permission>;
}

impl Needs for lane::Command {
    fn needs(&self) -> Vec<Permission> {
        match self {
            Self::Request { request, rails: _, crosses } => {
                let asked = match &request.asked {
                    Asked::Rollback { .. } => Permission::RollBack,
                    Asked::Deploy(_)
                    | Asked::RollForward { .. }
                    | Asked::Retry { .. }
                    | Asked::Unknown(_) => Permission::Deploy,
                };
                let crosses = crosses.as_ref().map(|_| Permission::Override);
                [asked].into_iter().chain(crosses).collect()
            }
            Self::Report(_) | Self::Remove { .. } => vec![Permission::Report],
            Self::Deployment { happened, .. } => vec![match happened {
                Happened::Approve { .. } | Happened::Reject { .. } => Permission::Approve,
                Happened::Claim { .. } => Permission::Execute,
                Happened::Cancel { .. } => Permission::Deploy,
                Happened::Annotate { .. } => Permission::Annotate,
                Happened::Correct { .. } => Permission::Correct,
                Happened::Started { .. }
                | Happened::TargetStarted(_)
                | Happened::TargetSucceeded(_)
                | Happened::TargetFailed { .. }
                | Happened::Succeeded
                | Happened::Failed { .. }
                | Happened::Health { .. } => Permission::Report,
            }],
        }
    }
}

impl Needs for environment::Command {
    fn needs(&self) -> Vec<Permission> {
        vec![match self {
            Self::Declare { .. } | Self::Retire { .. } => Permission::Govern,
            Self::Freeze { .. } | Self::Unfreeze { .. } => Permission::Freeze,
        }]
    }
}

impl Needs for release::Command {
    fn needs(&self) -> Vec<Permission> {
        vec![match self {
            Self::Register { .. } => Permission::Register,
            Self::Block { .. } | Self::Unblock { .. } => Permission::Block,
        }]
    }
}

impl Needs for projection::Command {
    fn needs(&self) -> Vec<Permission> {
        vec![match self {
            Self::Define { .. } | Self::Pause { .. } | Self::Resume { .. } | Self::Drop { .. } => {
                Permission::Project
            }
        }]
    }
}
