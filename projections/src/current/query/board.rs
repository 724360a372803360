//! What runs in one environment, and what changed there, a page at a time.

use jiff::Timestamp;
use rusqlite::Result;
use shiplog_domain::names::{EnvironmentName, ServiceName};

use super::{
    AsOf, Brief, EnvironmentRow, LaneNow, environments, lane_at,
    lanes::{self, Instant, LaneRow},
};
use crate::{
    page::{ListedByName, PageByName},
    view::View,
};

/// How many lanes are looked at for each page at least, before it is looked whether it is full.
const LANES_AT_A_TIME: usize = 256;

/// What runs in one environment.
#[derive(Clone, Debug)]
pub struct Board {
    /// Which one, and what was declared of it.
    pub environment: EnvironmentRow,
    /// The services that were ever deployed there, by name.
    pub lanes: ListedByName<LaneNow>,
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

/// A page of what runs in an environment; none if nobody has heard of it.
///
/// # Errors
///
/// What SQLite says.
pub fn board(
    view: &View<'_>,
    name: &EnvironmentName,
    as_of: AsOf,
    page: &PageByName,
) -> Result<Option<Board>> {
    if !environments::is_heard_of(view, name)? {
        return Ok(None);
    }
    let instant = Instant::from(as_of);
    let environment = environments::row(view, name, instant)?;
    let lanes = walk(view, name, page, |view, row| {
        row.at(view, instant)?.map(|lane| lane_at::told(&lane)).transpose()
    })?;
    Ok(Some(Board { environment, lanes: page.cut(lanes, |lane| lane.lane.service.as_str()) }))
}

/// Which services of an environment were not the same at two instants, a page of them by name; none
/// if nobody has heard of it.
///
/// # Errors
///
/// What SQLite says.
pub fn diff(
    view: &View<'_>,
    name: &EnvironmentName,
    (from, to, known_at): (Timestamp, Timestamp, Option<Timestamp>),
    page: &PageByName,
) -> Result<Option<ListedByName<Difference>>> {
    if !environments::is_heard_of(view, name)? {
        return Ok(None);
    }
    let running = |view: &View<'_>, row: &LaneRow, at| -> Result<Option<Brief>> {
        let lane = row.at(view, AsOf { at, known_at }.into())?;
        Ok(lane.map(|lane| lane.running()).transpose()?.flatten())
    };
    let differences = walk(view, name, page, |view, row| {
        let (from, to) = (running(view, row, from)?, running(view, row, to)?);
        let service = row.lane.service.clone();
        let is_other = differ(from.as_ref(), to.as_ref());
        Ok(is_other.then_some(Difference { service, from, to }))
    })?;
    Ok(Some(page.cut(differences, |one| one.service.as_str())))
}

/// Whether something else runs.
fn differ(from: Option<&Brief>, to: Option<&Brief>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => !from.content().is(&to.content()),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// What there is to say of the lanes of an environment, until there is more than a page of it.
fn walk<T: Send>(
    view: &View<'_>,
    name: &EnvironmentName,
    page: &PageByName,
    ask: impl Fn(&View<'_>, &LaneRow) -> Result<Option<T>> + Sync,
) -> Result<Vec<T>> {
    let (mut found, mut after) = (Vec::new(), page.after.clone());
    while found.len() < page.probe() {
        let wanted = (page.probe() - found.len()).max(LANES_AT_A_TIME);
        let rows = lanes::of_environment(view, name, (after.as_deref(), wanted))?;
        let Some(last) = rows.last() else { break };
        after = Some(last.lane.service.as_str().to_owned());
        found.extend(view.each(rows, |view, row| ask(view, &row))?.into_iter().flatten());
    }
    Ok(found)
}
