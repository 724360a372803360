//! The services, and what one of them is everywhere.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Result;
use shiplog_domain::names::{EnvironmentName, ServiceName};

use super::{
    AsOf,
    lane_at::LaneAt,
    lanes::{self, Instant, LaneRow},
};
use crate::{
    columns::{document, name},
    page::{ListedByName, PageByName},
    view::View,
};

/// What one service was everywhere at an instant; each lane that is asked for is read then.
#[derive(Debug)]
pub struct ServiceLanes<'v> {
    view: &'v View<'v>,
    instant: Instant,
    rows: HashMap<EnvironmentName, LaneRow>,
}

impl ServiceLanes<'_> {
    /// The environments that it was ever deployed to, in no order.
    pub fn environments(&self) -> impl Iterator<Item = &EnvironmentName> {
        self.rows.keys()
    }

    /// What it was in one of them; none if it was nothing there yet.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn lane(&self, environment: &EnvironmentName) -> Result<Option<LaneAt<'_>>> {
        match self.rows.get(environment) {
            Some(row) => row.at(self.view, self.instant),
            None => Ok(None),
        }
    }
}

/// What a service was everywhere at an instant.
///
/// # Errors
///
/// What SQLite says.
pub fn service<'v>(
    view: &'v View<'v>,
    service: &ServiceName,
    as_of: AsOf,
) -> Result<ServiceLanes<'v>> {
    let rows = lanes::of_service(view, service)?.into_iter();
    let rows = rows.map(|row| (row.lane.environment.clone(), row)).collect();
    Ok(ServiceLanes { view, instant: as_of.into(), rows })
}

/// How many lanes are looked at for the labels of what runs in them.
const LABELLED_LANES: i64 = 5_000;

/// The labels of what runs now, in up to 5,000 lanes: names and values, and how often each is there.
///
/// # Errors
///
/// What SQLite says.
pub fn running_labels(view: &View<'_>) -> Result<BTreeMap<(String, String), usize>> {
    let mut statement = view.0.prepare_cached(include_str!("running_labels.sql"))?;
    let mut rows = statement.query([LABELLED_LANES])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let labels: BTreeMap<String, String> = document(0, row.get_ref(0)?.as_str()?)?;
        let lanes: usize = row.get(1)?;
        for label in labels {
            *found.entry(label).or_default() += lanes;
        }
    }
    Ok(found)
}

/// A page of the services that were ever deployed and are `wanted`, by name.
///
/// # Errors
///
/// What SQLite says.
pub fn services(
    view: &View<'_>,
    page: &PageByName,
    wanted: impl Fn(&str) -> bool,
) -> Result<ListedByName<ServiceName>> {
    let mut statement = view
        .0
        .prepare_cached("SELECT DISTINCT service FROM lanes WHERE service > ?1 ORDER BY service")?;
    let mut rows = statement.query([page.after.as_deref().unwrap_or("")])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str()?;
        if wanted(text) {
            names.push(name(0, text)?);
        }
        if names.len() == page.probe() {
            break;
        }
    }
    Ok(page.cut(names, ServiceName::as_str))
}
