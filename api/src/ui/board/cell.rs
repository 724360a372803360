//! One service in one environment, in a few lines.

use std::cmp::Ordering;

use shiplog_domain::{lane::Intent, names::EnvironmentName};
use shiplog_projections::current::{Brief, LaneNow};

use crate::ui::{
    drift, links,
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
    pub(super) drift: Option<String>,
}

/// What runs.
pub(super) struct Runs {
    pub(super) version: String,
    pub(super) since: Time,
    pub(super) who: Who,
    pub(super) rolled_back: bool,
}

/// A deployment that is not what runs.
pub(super) struct Attempt {
    pub(super) href: String,
    pub(super) version: String,
    pub(super) at: Time,
}

impl Cell {
    pub(super) fn new(now: &LaneNow, before: Option<(&EnvironmentName, &Brief)>) -> Self {
        let LaneNow { lane, version: _, running, in_progress, last_failed, uncertain } = now;
        let attempt = |brief: &Brief| Attempt {
            href: links::deployment(lane, brief.number),
            version: brief.version.to_string(),
            at: Time::of(brief.at),
        };
        let drift = running.as_ref().zip(before).and_then(|(running, (name, before))| {
            differs(running.version.as_str(), before.version.as_str())
                .map(|how| format!("{how} {name} ({})", before.version))
        });
        Self {
            href: links::lane(lane),
            uncertain: last_failed.as_ref().filter(|_| uncertain.is_some()).map(attempt),
            moving: in_progress.as_ref().map(attempt),
            runs: running.as_ref().map(Runs::from),
            drift,
        }
    }
}

impl From<&Brief> for Runs {
    fn from(brief: &Brief) -> Self {
        Self {
            version: brief.version.to_string(),
            since: Time::of(brief.at),
            who: Who::from(&brief.actor),
            rolled_back: matches!(brief.intent, Intent::Rollback { .. }),
        }
    }
}

fn differs(version: &str, before: &str) -> Option<&'static str> {
    if version == before {
        return None;
    }
    match drift::compare(version, before) {
        Some(Ordering::Less) => Some("behind"),
        Some(Ordering::Greater) => Some("ahead of"),
        Some(Ordering::Equal) => None,
        None => Some("differs from"),
    }
}

/// What the nearest earlier stage runs: staging for production, testing for staging.
pub(super) fn before<'l>(
    stages: &'l [(u8, EnvironmentName)],
    lanes: &'l [Option<LaneNow>],
    column: usize,
) -> Option<(&'l EnvironmentName, &'l Brief)> {
    let (own, _) = stages.get(column)?;
    stages
        .iter()
        .zip(lanes)
        .find(|((stage, _), lane)| {
            stage > own && lane.as_ref().is_some_and(|lane| lane.running.is_some())
        })
        .and_then(|((_, name), lane)| Some((name, lane.as_ref()?.running.as_ref()?)))
}
