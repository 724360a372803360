//! One service in one environment, in a few lines.

use std::collections::BTreeMap;

use shiplog_domain::{
    lane::{Intent, LaneId},
    names::Version,
};
use shiplog_projections::{
    current::{Brief, LaneAt},
    view,
};

use super::apart::Apart;
use crate::ui::{
    links,
    parts::{Time, Who},
};

/// A lane on the board.
pub(super) struct Cell {
    pub(super) lane: LaneId,
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
    /// What of a lane is shown, without how it differs from another.
    pub(super) fn of(lane: &LaneAt<'_>) -> view::Result<Self> {
        let id = lane.id();
        let attempt = |brief: Brief| Attempt {
            href: links::deployment(id, brief.number),
            version: brief.version,
            at: Time::of(brief.at),
        };
        let failed = if lane.is_uncertain() { lane.last_failed()? } else { None };
        Ok(Self {
            href: links::lane(id),
            lane: id.clone(),
            runs: lane.running()?.map(Runs::from),
            uncertain: failed.map(attempt),
            moving: lane.in_progress()?.map(attempt),
            drift: None,
        })
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
