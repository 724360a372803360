//! What a deployment was, seen from the lane's past.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::names::Version;

/// How a deployment's version relates to those that its lane ran before.
///
/// Versions rank by when the lane first ran them; their text says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// This lane had never run it.
    New,
    /// It had, and ranks below what it replaced.
    Rollback,
    /// It had, and does not rank below what it replaced.
    Reapply,
    /// It brings back, after a removal, what was removed.
    Restore,
}

impl Classification {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Rollback => "rollback",
            Self::Reapply => "reapply",
            Self::Restore => "restore",
        }
    }
}

/// What a lane had when a deployment took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing ever ran there.
    Untouched,
    /// This ran.
    Runs(&'a Version),
    /// Nothing ran any more; this was removed last.
    Removed(&'a Version),
}

/// Says what putting `version` there was; `rank` tells when the lane first ran a version.
pub fn classify<R: Ord>(
    version: &Version,
    standing: Standing<'_>,
    rank: impl Fn(&Version) -> Option<R>,
) -> Classification {
    let Some(own) = rank(version) else { return Classification::New };
    let before = match standing {
        Standing::Untouched => return Classification::New,
        Standing::Removed(removed) if removed == version => return Classification::Restore,
        Standing::Removed(before) | Standing::Runs(before) => before,
    };
    match rank(before) {
        Some(replaced) if own < replaced => Classification::Rollback,
        Some(_) | None => Classification::Reapply,
    }
}

/// Classifies a whole lane: what took effect in it, in order, where `None` is a removal.
///
/// Shape: one answer for each effect; a removal has none.
pub fn classify_all<'v>(
    effects: impl IntoIterator<Item = Option<&'v Version>>,
) -> Vec<Option<Classification>> {
    let mut ranks = HashMap::new();
    let mut standing = Standing::Untouched;
    let mut classify_next = |effect: Option<&'v Version>| {
        let Some(version) = effect else {
            standing = match standing {
                Standing::Runs(version) | Standing::Removed(version) => Standing::Removed(version),
                Standing::Untouched => Standing::Untouched,
            };
            return None;
        };
        let classification = classify(version, standing, |one| ranks.get(one).copied());
        let rank = ranks.len();
        ranks.entry(version).or_insert(rank);
        standing = Standing::Runs(version);
        Some(classification)
    };
    effects.into_iter().map(&mut classify_next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn said(new: &str, standing: Standing<'_>) -> Classification {
        let seen = ["9", "10", "2"].map(version);
        classify(&version(new), standing, |version| seen.iter().position(|one| one == version))
    }

    #[test]
    fn a_lower_number_that_never_ran_is_new() {
        assert_eq!(said("1", Standing::Runs(&version("9"))), Classification::New);
    }

    #[test]
    fn rank_is_when_it_first_ran_not_what_it_is_called() {
        assert_eq!(said("10", Standing::Runs(&version("2"))), Classification::Rollback);
        assert_eq!(said("2", Standing::Runs(&version("10"))), Classification::Reapply);
        assert_eq!(said("2", Standing::Runs(&version("2"))), Classification::Reapply);
    }

    #[test]
    fn after_a_removal_the_same_version_is_restored_and_another_is_compared_with_it() {
        assert_eq!(said("10", Standing::Removed(&version("10"))), Classification::Restore);
        assert_eq!(said("9", Standing::Removed(&version("10"))), Classification::Rollback);
    }
}
