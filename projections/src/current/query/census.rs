//! How many of what there is everywhere, without reading what runs.

use std::collections::{BTreeMap, HashSet};

use rusqlite::Result;
use shiplog_domain::names::{EnvironmentName, ServiceName};

use super::{
    AsOf,
    lanes::{self, Instant},
};
use crate::view::View;

/// The most lanes whose past is looked up to count them.
const MOST_SOUGHT: usize = 5_000;

/// How many of what there is, at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Services that were ever deployed by then.
    pub services: usize,
    /// Lanes of which nobody knows what is really there.
    pub uncertain: usize,
    /// In how many lanes something runs, by environment; environments without a lane are not there.
    pub running: BTreeMap<EnvironmentName, u64>,
}

/// Counts the lanes of the environments that are `counted`; none if that would have to look up the
/// past of more than 5,000 lanes.
///
/// # Errors
///
/// What SQLite says.
pub fn census(
    view: &View<'_>,
    as_of: AsOf,
    counted: impl Fn(&EnvironmentName) -> bool,
) -> Result<Option<Census>> {
    let instant = Instant::from(as_of);
    let mut census = Census::default();
    let mut services = HashSet::<ServiceName>::new();
    let mut sought = 0;
    lanes::for_each(view, None, |row| {
        sought += usize::from(!row.is_settled(instant));
        if sought > MOST_SOUGHT || !counted(&row.lane.environment) {
            return Ok(());
        }
        let Some(lane) = row.at(view, instant)? else { return Ok(()) };
        if !services.contains(&row.lane.service) {
            services.insert(row.lane.service.clone());
        }
        census.uncertain += usize::from(lane.is_uncertain());
        let runs = u64::from(lane.runs());
        match census.running.get_mut(&row.lane.environment) {
            Some(running) => *running += runs,
            None => {
                census.running.insert(row.lane.environment.clone(), runs);
            }
        }
        Ok(())
    })?;
    census.services = services.len();
    Ok((sought <= MOST_SOUGHT).then_some(census))
}
