//! What can be asked of it.

mod environments;
mod known;
mod lane_at;
mod lanes;
mod progress;

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result};
use shiplog_domain::{
    environment::{Freezes, Rules, Tier},
    lane::{Cause, Configuration, Content, DeploymentNumber, Intent, LaneId},
    metadata::Actor,
    names::{EnvironmentName, ServiceName, Version},
};
use shiplog_store::position::StreamVersion;

pub(super) use self::lanes::Instant;
pub use self::{
    known::{KnownNames, known_names},
    lane_at::LaneAt,
    progress::Progress,
};
use crate::{columns, view::View};

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
    /// How many services run there.
    pub lanes: u64,
}

/// What runs in one environment.
#[derive(Clone, Debug)]
pub struct Board<L> {
    /// Which one, and what was declared of it.
    pub environment: EnvironmentRow,
    /// Every service that was ever deployed there, by name.
    pub lanes: Vec<L>,
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

/// Whether something else runs.
fn differ(from: Option<&Brief>, to: Option<&Brief>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => !from.content().is(&to.content()),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// A service that is not the same at two instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which one.
    pub service: ServiceName,
    /// What ran at the first.
    pub from: Option<Brief>,
    /// What ran at the second.
    pub to: Option<Brief>,
}

/// Every environment that was ever deployed to or declared, by name, as it is at an instant.
///
/// # Errors
///
/// What SQLite says.
pub fn environments(view: &View<'_>, now: Timestamp) -> Result<Vec<EnvironmentRow>> {
    let boards = boards_of(view, names(view)?, AsOf::at(now), |_| Ok(()))?;
    Ok(boards.into_iter().map(|board| board.environment).collect())
}

/// Every environment that was ever heard of, by name.
fn names(view: &View<'_>) -> Result<Vec<EnvironmentName>> {
    view.0
        .prepare_cached("SELECT name FROM environments ORDER BY name")?
        .query_map([], |row| columns::name(0, &row.get::<_, String>(0)?))?
        .collect()
}

/// What runs in an environment; none if nobody has heard of it.
///
/// # Errors
///
/// What SQLite says.
pub fn board(
    view: &View<'_>,
    environment: &EnvironmentName,
    as_of: AsOf,
) -> Result<Option<Board<LaneNow>>> {
    let known = view
        .0
        .prepare_cached("SELECT 1 FROM environments WHERE name = ?")?
        .query_row([environment.as_str()], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        return Ok(None);
    }
    Ok(boards_of(view, vec![environment.clone()], as_of, lane_at::told)?.pop())
}

/// What runs in every environment that anybody had declared or deployed to by then, by name, and as
/// much of each lane as is `told`.
///
/// # Errors
///
/// What SQLite says.
pub fn boards<L: Send>(
    view: &View<'_>,
    as_of: AsOf,
    told: impl Fn(&LaneAt<'_>) -> Result<L> + Sync,
) -> Result<Vec<Board<L>>> {
    let mut boards = boards_of(view, names(view)?, as_of, told)?;
    boards.retain(|board| board.environment.declared || !board.lanes.is_empty());
    Ok(boards)
}

fn boards_of<L: Send>(
    view: &View<'_>,
    environments: Vec<EnvironmentName>,
    as_of: AsOf,
    told: impl Fn(&LaneAt<'_>) -> Result<L> + Sync,
) -> Result<Vec<Board<L>>> {
    let instant = Instant::from(as_of);
    let (mut rows, mut counts) = (Vec::new(), Vec::new());
    for environment in &environments {
        let here = lanes::of_environment(view, environment)?;
        counts.push(here.len());
        rows.extend(here);
    }
    let lanes = view.each(rows, |view, row| {
        let lane = row.at(view, instant)?;
        lane.map(|lane| Ok((lane.runs(), told(&lane)?))).transpose()
    })?;
    let mut lanes = lanes.into_iter();
    let board = |(name, count): (EnvironmentName, usize)| {
        let (runs, lanes): (Vec<_>, Vec<_>) = lanes.by_ref().take(count).flatten().unzip();
        let mut environment = environments::row(view, &name, instant)?;
        environment.lanes = runs.into_iter().filter(|runs| *runs).count() as u64;
        Ok(Board { environment, lanes })
    };
    environments.into_iter().zip(counts).map(board).collect()
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

/// Which services of an environment were not the same at two instants, by name.
///
/// # Errors
///
/// What SQLite says.
pub fn diff(
    view: &View<'_>,
    environment: &EnvironmentName,
    from: Timestamp,
    to: Timestamp,
    known_at: Option<Timestamp>,
) -> Result<Option<Vec<Difference>>> {
    let at = |at| board(view, environment, AsOf { at, known_at });
    let (Some(before), Some(after)) = (at(from)?, at(to)?) else { return Ok(None) };
    let mut earlier: BTreeMap<_, _> =
        before.lanes.into_iter().map(|lane| (lane.lane.service, lane.running)).collect();
    let mut pairs = Vec::new();
    for lane in after.lanes {
        let from = earlier.remove(&lane.lane.service).flatten();
        pairs.push((lane.lane.service, from, lane.running));
    }
    // Asked backwards, a service can be there at the first instant alone.
    pairs.extend(earlier.into_iter().map(|(service, from)| (service, from, None)));
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Some(
        pairs
            .into_iter()
            .filter(|(_, from, to)| differ(from.as_ref(), to.as_ref()))
            .map(|(service, from, to)| Difference { service, from, to })
            .collect(),
    ))
}
