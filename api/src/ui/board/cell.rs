//! One service in one environment, in a few lines.

use std::collections::BTreeMap;

use shiplog_domain::{
    lane::{Cause, Intent, LaneId},
    names::{EnvironmentName, Version},
};
use shiplog_projections::{
    current::{Brief, LaneAt, Progress},
    view,
};

use super::apart::Apart;
use crate::ui::{
    damage::Damaged,
    links,
    marks::Badge,
    parts::{Time, Who},
};

/// A lane on the board.
pub(super) struct Cell {
    pub(super) lane: LaneId,
    pub(super) href: String,
    pub(super) runs: Option<Runs>,
    /// The deployment after which nobody knows what is there, and why.
    pub(super) uncertain: Option<(Attempt, Cause)>,
    /// What has not ended: what is in progress, then the newest of what waits beside it.
    pub(super) moving: Vec<(Attempt, Progress)>,
    /// How many more wait.
    pub(super) waiting: u32,
    /// What is recorded to run later.
    pub(super) upcoming: Option<Attempt>,
    /// The event from which on nothing is told of it, because it does not fit.
    pub(super) damaged: Option<Damaged>,
    /// How it differs from the stage before it.
    pub(super) drift: Option<Apart>,
    /// The stage before it, where that runs another content of the same name.
    pub(super) other_content: Option<EnvironmentName>,
}

/// What runs.
pub(super) struct Runs {
    pub(super) version: Version,
    pub(super) since: Time,
    pub(super) who: Who,
    pub(super) badge: Option<Badge>,
    pub(super) labels: BTreeMap<String, String>,
    /// The digests of its artifacts, as far as they were stated.
    digests: Option<String>,
}

impl Runs {
    /// Whether both are called the same and are known to be made of different artifacts.
    fn is_namesake_of(&self, other: &Self) -> bool {
        let differ = self.digests.as_ref().zip(other.digests.as_ref());
        self.version == other.version && differ.is_some_and(|(one, other)| one != other)
    }
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
        let uncertain = lane.doubted()?.map(|(brief, cause)| (attempt(brief), cause));
        let (in_progress, queued) = (lane.in_progress()?, lane.queued()?);
        let waiting = lane.queued_count().saturating_sub(u32::from(queued.is_some()));
        let moving = in_progress.into_iter().chain(queued);
        Ok(Self {
            href: links::lane(id),
            lane: id.clone(),
            runs: lane.running()?.map(Runs::from),
            uncertain,
            moving: moving.map(|(brief, progress)| (attempt(brief), progress)).collect(),
            waiting,
            upcoming: lane.upcoming()?.map(attempt),
            damaged: None,
            drift: None,
            other_content: None,
        })
    }

    /// Whether it runs something else than the stage before it, by name or by content.
    pub(super) fn differs_from(&self, before: &Self) -> bool {
        let runs = self.runs.as_ref().zip(before.runs.as_ref());
        let is_other = runs.is_some_and(|(here, there)| here.version != there.version);
        is_other || self.namesake(before).is_some()
    }

    /// Whether something waits for approval, as far as it is shown.
    pub(super) fn waits_for_approval(&self) -> bool {
        self.moving
            .iter()
            .any(|(_, progress)| matches!(progress, Progress::WaitingForApproval { .. }))
    }

    /// The environment of the cell before this one, if that runs another content of the same name.
    pub(super) fn namesake(&self, before: &Self) -> Option<EnvironmentName> {
        let (here, there) = self.runs.as_ref().zip(before.runs.as_ref())?;
        here.is_namesake_of(there).then(|| before.lane.environment.clone())
    }
}

impl From<Brief> for Runs {
    fn from(brief: Brief) -> Self {
        Self {
            version: brief.version,
            since: Time::of(brief.at),
            who: Who::from(&brief.actor),
            badge: matches!(brief.intent, Intent::Rollback { .. }).then_some(Badge::ROLLBACK),
            labels: brief.labels,
            digests: brief.digests,
        }
    }
}
