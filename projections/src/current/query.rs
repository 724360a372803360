//! What can be asked of it.

mod board;
mod census;
mod environments;
mod known;
mod lane_at;
mod lanes;
mod progress;
mod services;

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use rusqlite::Result;
use shiplog_domain::{
    environment::{Freezes, Rules, Tier},
    lane::{Cause, Configuration, Content, DeploymentNumber, Intent, LaneId},
    metadata::Actor,
    names::{EnvironmentName, Version},
};
use shiplog_store::position::StreamVersion;

pub use self::{
    board::{Board, Difference, board, diff},
    census::{Census, census},
    environments::{declared_environments, environments, is_heard_of},
    known::{KnownNames, Names, known_names},
    lane_at::LaneAt,
    progress::Progress,
    services::{ServiceLanes, running_labels, service, services},
};
use crate::view::View;

/// An instant on both clocks.
///
/// What is now is as of the clock's now: what is recorded for later has not happened yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// What ran then.
    pub at: Timestamp,
    /// As known then; nothing is all that is known.
    pub known_at: Option<Timestamp>,
}

impl AsOf {
    /// What runs at an instant, with all that is known.
    pub fn at(at: Timestamp) -> Self {
        Self { at, known_at: None }
    }
}

/// An environment and what was declared of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRow {
    /// Its name.
    pub environment: EnvironmentName,
    /// As declared, else as its name suggests.
    pub tier: Tier,
    /// Whether anybody declared it.
    pub declared: bool,
    /// Whether it is no more.
    pub retired: bool,
    /// As declared last.
    pub rules: Option<Rules>,
    /// When it holds still.
    pub freezes: Freezes,
}

/// What a lane is at some instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneNow {
    /// Which one.
    pub lane: LaneId,
    /// The stream's version as far as it was known.
    pub version: StreamVersion,
    /// What runs; `at` is since when its content has run without a break.
    pub running: Option<Brief>,
    /// What is in progress: the newest that has begun or, if none has, the newest that waits; `at` is
    /// when it was requested.
    pub in_progress: Option<(Brief, Progress)>,
    /// The newest of what waits beside that, and how many wait.
    pub queued: Option<(Brief, Progress)>,
    /// How many deployments wait beside what is in progress.
    pub queued_count: u32,
    /// What failed last; `at` is when it did.
    pub last_failed: Option<Brief>,
    /// The deployment after which nobody knows what is really there, and why.
    pub doubt: Option<(DeploymentNumber, Cause)>,
    /// What is recorded to run from a later instant on; `at` is from when.
    pub upcoming: Option<Brief>,
}

impl LaneNow {
    /// Why nobody knows what is really there: `#43 failed half-way`.
    pub fn uncertain(&self) -> Option<String> {
        self.doubt.map(|(number, cause)| format!("{number} {}", cause.as_str()))
    }
}

/// A deployment in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Its place in the lane.
    pub number: DeploymentNumber,
    /// What it puts there.
    pub version: Version,
    /// The commit that that was built from.
    pub commit: Option<String>,
    /// Who asked for it.
    pub actor: Actor,
    /// Why.
    pub intent: Intent,
    /// See where it stands.
    pub at: Timestamp,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// What it is configured with, if anybody said.
    pub configuration: Option<Configuration>,
    /// Whatever else was said, by name.
    pub labels: BTreeMap<String, String>,
    /// The digests of its artifacts, as far as they were stated.
    pub digests: Option<String>,
}

impl Brief {
    fn content(&self) -> Content<'_> {
        Content {
            version: &self.version,
            commit: self.commit.as_deref(),
            digests: self.digests.as_deref().map(Cow::Borrowed),
            configuration: self.configuration.as_ref(),
        }
    }
}

/// What a lane is; none if it was nothing yet.
///
/// # Errors
///
/// What SQLite says.
pub fn lane(view: &View<'_>, id: &LaneId, as_of: AsOf) -> Result<Option<LaneNow>> {
    match lanes::one(view, id)? {
        Some(row) => row.at(view, as_of.into())?.map(|lane| lane_at::told(&lane)).transpose(),
        None => Ok(None),
    }
}

/// What has run in a lane up to an instant, the latest first, for as long as `goes_on` says so of each.
///
/// A version stands there as often as it was put there.
///
/// # Errors
///
/// What SQLite says.
pub fn ran(
    view: &View<'_>,
    id: &LaneId,
    as_of: AsOf,
    mut goes_on: impl FnMut(&Version) -> bool,
) -> Result<Vec<Version>> {
    match lanes::one(view, id)? {
        Some(row) => row.ran(view, as_of.into(), &mut goes_on),
        None => Ok(Vec::new()),
    }
}
