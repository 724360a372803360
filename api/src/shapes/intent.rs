//! Why a deployment was asked for, as it is answered.

use serde::Serialize;
use shiplog_domain::lane::{self, DeploymentNumber};

/// Why, with every field that its kind has: null where there is nothing to say.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Intent {
    Deploy,
    Rollback { restores: Option<u32>, reverts: Vec<u32> },
    RollForward { mends: Option<u32> },
    Retry { of: Option<u32> },
    Unknown,
}

impl From<lane::Intent> for Intent {
    fn from(intent: lane::Intent) -> Self {
        let plain = |number: Option<DeploymentNumber>| number.map(|number| number.0);
        match intent {
            lane::Intent::Deploy => Self::Deploy,
            lane::Intent::Rollback { restores, reverts } => Self::Rollback {
                restores: plain(restores),
                reverts: reverts.into_iter().map(|number| number.0).collect(),
            },
            lane::Intent::RollForward { mends } => Self::RollForward { mends: plain(mends) },
            lane::Intent::Retry { of } => Self::Retry { of: plain(of) },
            lane::Intent::Unknown => Self::Unknown,
        }
    }
}
