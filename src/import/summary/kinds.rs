//! What each change was to its lane: new, a rollback, a reapplication, a restoration.

use std::collections::HashMap;

use crate::import::change::{Change, Status};

/// Counts of changes by what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// Changes that put a version somewhere or tried to.
    pub(crate) deployments: u64,
    /// Changes that took a service away.
    pub(crate) removals: u64,
    /// The lane had never run the version.
    pub(crate) new: u64,
    /// It had, before it first ran what was replaced.
    pub(crate) rollback: u64,
    /// It had, after it first ran what was replaced.
    pub(crate) reapply: u64,
    /// It is the version that the removal before took away.
    pub(crate) restore: u64,
}

/// The lanes so far, in the order of the lines.
#[derive(Debug, Default)]
pub(super) struct Fold {
    lanes: HashMap<(String, String), Lane>,
    /// What the changes were.
    pub(super) kinds: Kinds,
}

/// The versions of a lane, ranked by when each first ran there.
#[derive(Debug, Default)]
struct Lane {
    ranks: HashMap<String, usize>,
    /// The rank of what runs, or ran last.
    last: Option<usize>,
    is_removed: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    New,
    Rollback,
    Reapply,
    Restore,
}

impl Fold {
    /// Takes the next change.
    pub(super) fn take(&mut self, change: &Change) {
        let key = (change.service.clone(), change.environment.clone());
        let lane = self.lanes.entry(key).or_default();
        let Some(version) = &change.version else {
            self.kinds.removals += 1;
            lane.is_removed = true;
            return;
        };
        self.kinds.deployments += 1;
        match change.status {
            Status::Succeeded => match lane.run(version) {
                Kind::New => self.kinds.new += 1,
                Kind::Rollback => self.kinds.rollback += 1,
                Kind::Reapply => self.kinds.reapply += 1,
                Kind::Restore => self.kinds.restore += 1,
            },
            Status::Requested | Status::Started | Status::Failed => {}
        }
    }

    /// How many lanes there are.
    pub(super) fn lanes(&self) -> u64 {
        self.lanes.len() as u64
    }
}

impl Lane {
    fn run(&mut self, version: &str) -> Kind {
        let last = self.last;
        let was_removed = std::mem::take(&mut self.is_removed);
        let Some(rank) = self.ranks.get(version).copied() else {
            let rank = self.ranks.len();
            self.ranks.insert(version.into(), rank);
            self.last = Some(rank);
            return Kind::New;
        };
        self.last = Some(rank);
        match last {
            Some(last) if was_removed && rank == last => Kind::Restore,
            Some(last) if rank < last => Kind::Rollback,
            Some(_) | None => Kind::Reapply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(versions: &[Option<&str>]) -> Kinds {
        let mut fold = Fold::default();
        for version in versions {
            let line = serde_json::json!({
                "time": "2026-01-01T00:00:00Z", "actor": "ann", "environment": "production",
                "service": "a", "version": version
            });
            fold.take(&Change::read(line.to_string().as_bytes()).unwrap());
        }
        fold.kinds
    }

    #[test]
    fn a_change_is_new_a_rollback_or_a_reapplication_by_what_the_lane_saw_first() {
        let found = kinds(&[Some("9"), Some("1"), Some("2"), Some("9"), Some("2"), Some("2")]);
        assert_eq!((found.new, found.rollback, found.reapply), (3, 1, 2));
    }

    #[test]
    fn the_version_that_was_removed_is_restored_and_another_one_is_not() {
        let found =
            kinds(&[Some("1"), Some("2"), None, Some("2"), None, Some("1"), None, Some("2")]);
        assert_eq!((found.restore, found.rollback, found.reapply, found.removals), (1, 1, 1, 3));
    }

    #[test]
    fn a_failure_ranks_nothing() {
        let mut fold = Fold::default();
        for (version, status) in
            [("1", "succeeded"), ("2", "failed"), ("3", "succeeded"), ("2", "succeeded")]
        {
            let line = serde_json::json!({
                "time": "2026-01-01T00:00:00Z", "actor": "ann", "environment": "production",
                "service": "a", "version": version, "status": status
            });
            fold.take(&Change::read(line.to_string().as_bytes()).unwrap());
        }
        assert_eq!((fold.kinds.deployments, fold.kinds.new, fold.lanes()), (4, 3, 1));
    }
}
