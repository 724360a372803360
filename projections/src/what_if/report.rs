//! What would have been otherwise.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shiplog_domain::{
    lane::{DeploymentNumber, LaneId, Rail},
    metadata::Actor,
    names::Version,
};
use shiplog_store::position::GlobalPosition;

use super::Policy;

/// What would have been otherwise.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Up to where the log was replayed.
    pub position: Option<GlobalPosition>,
    /// How many deployments were judged.
    pub deployments: u64,
    /// How many of them were reported, and so met no rule in fact.
    pub reported: u64,
    /// The decisions that would have differed, in the order of the log.
    pub differences: Vec<Difference>,
}

/// A decision that would have differed.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where the deployment was asked for.
    pub position: GlobalPosition,
    /// In which lane.
    pub lane: LaneId,
    /// Which deployment.
    pub number: DeploymentNumber,
    /// What it puts there.
    pub version: Version,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Actor,
    /// Whether it was reported: in fact, no rule could stand in its way.
    pub reported: bool,
    /// By which rule.
    pub rule: Rule,
    /// What was decided.
    pub was: Verdict,
    /// What would have been.
    pub would_be: Verdict,
    /// The code of the refusal, if there would have been one.
    pub code: Option<&'static str>,
    /// In words.
    pub detail: String,
}

/// By which rule a decision would have differed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A guard rail.
    Rail(Rail),
    /// When a deployment counts as a rollback.
    Inference,
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was recorded.
    Taken,
    /// It was recorded because it overrode the rail.
    Overridden,
    /// It was refused or, where approvals are missing, could not begin.
    Refused,
    /// It counts as a rollback.
    Rollback,
    /// It does not.
    NoRollback,
}

impl Rule {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rail(rail) => rail.as_str(),
            Self::Inference => "rollback_inference",
        }
    }
}

impl Verdict {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Overridden => "overridden",
            Self::Refused => "refused",
            Self::Rollback => "rollback",
            Self::NoRollback => "no_rollback",
        }
    }
}

impl Report {
    /// How many decisions would have differed by each rule.
    pub fn counts(&self) -> BTreeMap<Rule, u64> {
        let mut counts = BTreeMap::new();
        for difference in &self.differences {
            *counts.entry(difference.rule).or_default() += 1;
        }
        counts
    }

    /// Puts the differences in order, and leaves out what is not wanted.
    pub(super) fn end(mut self, policy: &Policy) -> Self {
        if policy.without_reports {
            self.differences.retain(|difference| !difference.reported);
        }
        self.differences.sort_by_key(|difference| (difference.position, difference.rule));
        self
    }
}
