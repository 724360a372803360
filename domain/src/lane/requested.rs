//! A deployment as the log has it: what was asked for, by whom and why.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Approvals, Configuration, DeploymentNumber, Override, Rail};
use crate::{names::Version, release::Manifest};

/// Why a deployment was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// To put a release there.
    Deploy,
    /// To replay an earlier deployment.
    Rollback {
        /// Whose release it replays; absent if a report named one that never ran here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restores: Option<DeploymentNumber>,
        /// The deployments that it takes back, newest first.
        #[serde(default)]
        reverts: Vec<DeploymentNumber>,
    },
    /// To mend a failed deployment with another release.
    RollForward {
        /// The deployment that it mends, if that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mends: Option<DeploymentNumber>,
    },
    /// To try the same release again: a roll-over.
    Retry {
        /// The deployment that it repeats.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<DeploymentNumber>,
    },
    /// A report did not say.
    Unknown,
}

/// See [`Event::Requested`](super::Event::Requested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// When it was asked for, as the reporter saw it.
    pub at: Timestamp,
    /// Its place in the lane.
    pub number: DeploymentNumber,
    /// Why.
    pub intent: Intent,
    /// What it puts there, whole: a reader needs nothing else to know what runs.
    pub release: Arc<Manifest>,
    /// The id of the actor who asked, for rules about who may approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In the words of who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where to read on: the pipeline's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the reporting system calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whatever else was said, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who had to agree before it could begin, if anybody. Schema 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The guard rails that it crossed, and why. Schema 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crosses: Option<Override>,
    /// The irreversible changes that whoever asked had been shown. Schema 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Irreversible>,
    /// What the release is configured with there; absent if nobody said. Schema 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Arc<Configuration>>,
}

impl Requested {
    /// Who has to agree before it may begin; none if nobody has to, or that was overridden.
    pub fn approvals_in_force(&self) -> Option<Approvals> {
        let crossed = |crosses: &Override| crosses.rails.contains(&Rail::Approvals);
        self.approvals.filter(|_| !self.crosses.as_ref().is_some_and(crossed))
    }
}

/// A change that an earlier release may not work after.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Irreversible {
    /// The release that made it.
    pub version: Version,
    /// What its makers call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Irreversible {
    /// What it is called and what it does, without the release that made it.
    pub fn said(&self) -> String {
        let said: Vec<_> =
            [&self.id, &self.description].into_iter().flatten().map(String::as_str).collect();
        said.join(" ")
    }
}

impl fmt::Display for Irreversible {
    /// `1.1 0042 renames a column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said();
        write!(f, "{}", self.version)?;
        if said.is_empty() { Ok(()) } else { write!(f, " {said}") }
    }
}
