//! The names that were ever recorded.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use rusqlite::Result;
use shiplog_domain::{lane::LaneId, text::skeleton};

use crate::view::View;

/// The names of services and environments that anything was ever recorded of, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// Services that were deployed.
    pub services: Names,
    /// Environments that were deployed to or declared.
    pub environments: Names,
}

/// Names, found as they are written and by what they look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    written: HashSet<String>,
    /// The first name by what names look like; made when it is asked for, as that takes a while.
    by_look: OnceLock<HashMap<String, String>>,
}

impl KnownNames {
    /// Whether both names of a lane are recorded, be it apart from each other.
    pub fn has(&self, LaneId { service, environment }: &LaneId) -> bool {
        self.services.contains(service.as_str()) && self.environments.contains(environment.as_str())
    }
}

impl Names {
    /// Whether the name is there, as it is written.
    pub fn contains(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    /// The name that looks like one that is not there; see [`skeleton`].
    pub fn like(&self, name: &str) -> Option<&str> {
        if self.contains(name) {
            return None;
        }
        let by_look = self.by_look.get_or_init(|| {
            let mut first = HashMap::new();
            self.written.iter().for_each(|name| note(&mut first, name));
            first
        });
        by_look.get(&skeleton(name)).map(String::as_str)
    }

    /// Adds a name.
    pub fn insert(&mut self, name: &str) {
        if self.written.insert(name.to_owned())
            && let Some(by_look) = self.by_look.get_mut()
        {
            note(by_look, name);
        }
    }
}

impl FromIterator<String> for Names {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self { written: names.into_iter().collect(), by_look: OnceLock::new() }
    }
}

/// Keeps the first of the names that look the same.
fn note(first: &mut HashMap<String, String>, name: &str) {
    let kept = first.entry(skeleton(name)).or_insert_with(|| name.to_owned());
    if name < kept.as_str() {
        name.clone_into(kept);
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

fn texts(view: &View<'_>, sql: &str) -> Result<Names> {
    view.0.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_that_looks_the_same_is_found_whenever_it_was_added() {
        let mut names: Names = ["live".to_owned(), "LIVE".to_owned()].into_iter().collect();
        assert_eq!(names.like("Live"), Some("LIVE"));
        assert_eq!(names.like("live"), None, "it is there");
        assert_eq!(names.like("Other"), None);
        for name in ["other", "OTHER", "oTHER"] {
            names.insert(name);
        }
        assert_eq!(names.like("Other"), Some("OTHER"));
        assert!(names.contains("oTHER") && !names.contains("Other"));
    }
}
