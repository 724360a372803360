//! What can be asked of it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, params, params_from_iter};
use shiplog_domain::{
    lane::{DeploymentNumber, LaneId},
    names::{EnvironmentName, ServiceName, Version},
};

use super::{filter::Filter, statement::Statement};
use crate::{
    columns::{name, timestamp},
    ledger::{ENTRY, Entry, read_entry},
    page::{Listed, Page},
    view::View,
};

/// One stay of a release in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it ran.
    pub environment: EnvironmentName,
    /// The deployment that put it there.
    pub number: DeploymentNumber,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none while it runs.
    pub until: Option<Timestamp>,
}

impl Run {
    /// Whether it runs at an instant.
    pub fn is_at(&self, at: Timestamp) -> bool {
        self.since <= at && self.until.is_none_or(|until| until > at)
    }
}

/// Lists deployments by when they were requested, to the second, then by record.
///
/// # Errors
///
/// What SQLite says.
pub fn list(view: &View<'_>, filter: &Filter, page: &Page) -> Result<Listed<Entry>> {
    let Statement { text, values } = Statement::of(filter, page);
    let found = view
        .0
        .prepare_cached(&text)?
        .query_map(params_from_iter(values), read_entry)?
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(found))
}

/// One deployment.
///
/// # Errors
///
/// What SQLite says.
pub fn one(view: &View<'_>, lane: &LaneId, number: DeploymentNumber) -> Result<Option<Entry>> {
    view.0
        .prepare_cached(&format!(
            "SELECT {ENTRY} FROM lanes l JOIN deployments d ON d.lane = l.id
             WHERE l.service = ? AND l.environment = ? AND d.number = ?"
        ))?
        .query_row(params![lane.service.as_str(), lane.environment.as_str(), number.0], |row| {
            read_entry(row).map(|(_, entry)| entry)
        })
        .optional()
}

/// Where and when a release ran, by environment, then by time.
///
/// # Errors
///
/// What SQLite says.
pub fn runs(view: &View<'_>, service: &ServiceName, version: &Version) -> Result<Vec<Run>> {
    view.0
        .prepare_cached(include_str!("runs.sql"))?
        .query_map([service.as_str(), version.as_str()], |row| {
            let until: Option<i64> = row.get(3)?;
            Ok(Run {
                environment: name(0, &row.get::<_, String>(0)?)?,
                number: DeploymentNumber(row.get(1)?),
                since: timestamp(2, row.get(2)?)?,
                until: until.map(|until| timestamp(3, until)).transpose()?,
            })
        })?
        .collect()
}
