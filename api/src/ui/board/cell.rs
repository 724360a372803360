//! One service in one environment, in a few lines.

use std::collections::BTreeMap;

use shiplog_domain::{lane::Intent, names::Version};
use shiplog_projections::current::{Brief, LaneNow};

use super::apart::Apart;
use crate::ui::{
    links,
    parts::{Time, Who},
};

/// A lane on the board.
pub(super) struct Cell {
    pub(super) href: String,
    pub(super) runs: Option<Runs>,
    /// What failed after what runs had been put there.
    pub(super) uncertain: Option<Attempt>,
    pub(super) moving: Option<Attempt>,
    /// How it differs from the stage before it.
    pub(super) drift: Option<Apart>,
}

/// What runs.
pub(super) struct Runs {
    pub(super) version: Version,
    pub(super) since: Time,
    pub(super) who: Who,
    pub(super) rolled_back: bool,
    pub(super) labels: BTreeMap<String, String>,
}

/// A deployment that is not what runs.
pub(super) struct Attempt {
    pub(super) href: String,
    pub(super) version: Version,
    pub(super) at: Time,
}

impl Cell {
    pub(super) fn new(now: LaneNow, drift: Option<Apart>) -> Self {
        let LaneNow { lane, version: _, running, in_progress, last_failed, uncertain } = now;
        let attempt = |brief: Brief| Attempt {
            href: links::deployment(&lane, brief.number),
            version: brief.version,
            at: Time::of(brief.at),
        };
        Self {
            href: links::lane(&lane),
            uncertain: last_failed.filter(|_| uncertain.is_some()).map(attempt),
            moving: in_progress.map(attempt),
            runs: running.map(Runs::from),
            drift,
        }
    }
}

impl From<Brief> for Runs {
    fn from(brief: Brief) -> Self {
        Self {
            version: brief.version,
            since: Time::of(brief.at),
            who: Who::from(&brief.actor),
            rolled_back: matches!(brief.intent, Intent::Rollback { .. }),
            labels: brief.labels,
        }
    }
}
