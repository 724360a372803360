//! The names that were ever recorded.

use std::collections::HashSet;

use rusqlite::Result;
use shiplog_domain::lane::LaneId;

use crate::view::View;

/// The names of services and environments that anything was ever recorded of, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// Services that were deployed.
    pub services: HashSet<String>,
    /// Environments that were deployed to or declared.
    pub environments: HashSet<String>,
}

impl KnownNames {
    /// Whether both names of a lane are recorded, be it apart from each other.
    pub fn has(&self, LaneId { service, environment }: &LaneId) -> bool {
        self.services.contains(service.as_str()) && self.environments.contains(environment.as_str())
    }
}

/// Every name that was ever recorded.
///
/// # Errors
///
/// If the tables cannot be read.
pub fn known_names(view: &View<'_>) -> Result<KnownNames> {
    Ok(KnownNames {
        services: texts(view, "SELECT DISTINCT service FROM lanes")?,
        environments: texts(view, "SELECT name FROM environments")?,
    })
}

fn texts(view: &View<'_>, sql: &str) -> Result<HashSet<String>> {
    view.0.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}
