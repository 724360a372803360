//! What a deployment was, seen from the lane's past.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::names::Version;

/// How a deployment's release relates to those that its lane ran before.
///
/// Releases rank by when the lane first ran them; the text of their versions says nothing. One
/// version with two sets of digests is two releases.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing ever ran there.
    Untouched,
    /// This ran.
    Runs(Identity<'a>),
    /// Nothing ran any more; this was removed last.
    Removed(Identity<'a>),
}

/// Says what putting `release` there was; `rank` tells when the lane first ran a release.
pub fn classify<R: Ord>(
    release: &Identity<'_>,
    standing: &Standing<'_>,
    rank: impl Fn(&Identity<'_>) -> Option<R>,
) -> Classification {
    let Some(own) = rank(release) else { return Classification::New };
    let before = match standing {
        Standing::Untouched => return Classification::New,
        Standing::Removed(removed) if removed.is(release) => return Classification::Restore,
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
    effects: impl IntoIterator<Item = Option<Identity<'v>>>,
) -> Vec<Option<Classification>> {
    let mut ranks = Ranks::default();
    let mut standing = Standing::Untouched;
    let mut classify_next = |effect: Option<Identity<'v>>| {
        let Some(release) = effect else {
            standing = match std::mem::replace(&mut standing, Standing::Untouched) {
                Standing::Runs(release) | Standing::Removed(release) => Standing::Removed(release),
                Standing::Untouched => Standing::Untouched,
            };
            return None;
        };
        let classification = classify(&release, &standing, |one| ranks.of(one));
        ranks.ran(&release);
        standing = Standing::Runs(release);
        Some(classification)
    };
    effects.into_iter().map(&mut classify_next).collect()
}

/// When each release first ran.
#[derive(Default)]
struct Ranks<'v> {
    /// The releases of each version, in the order in which they first ran.
    releases: HashMap<&'v Version, Vec<(Identity<'v>, usize)>>,
    next: usize,
}

impl<'v> Ranks<'v> {
    fn of(&self, release: &Identity<'_>) -> Option<usize> {
        let named = self.releases.get(release.version)?;
        named.iter().find(|(one, _)| one.is(release)).map(|(_, rank)| *rank)
    }

    fn ran(&mut self, release: &Identity<'v>) {
        let named = self.releases.entry(release.version).or_default();
        // What is known of the digests is kept: a release of which none were stated is each of them.
        if !named.iter().any(|(one, _)| one == release) {
            named.push((release.clone(), self.next));
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn named(version: &Version) -> Identity<'_> {
        Identity { version, digests: None }
    }

    fn said(new: &str, standing: &Standing<'_>) -> Classification {
        let seen = ["9", "10", "2"].map(version);
        classify(&named(&version(new)), standing, |release| {
            seen.iter().position(|one| one == release.version)
        })
    }

    #[test]
    fn a_lower_number_that_never_ran_is_new() {
        assert_eq!(said("1", &Standing::Runs(named(&version("9")))), Classification::New);
    }

    #[test]
    fn rank_is_when_it_first_ran_not_what_it_is_called() {
        let (two, ten) = (version("2"), version("10"));
        assert_eq!(said("10", &Standing::Runs(named(&two))), Classification::Rollback);
        assert_eq!(said("2", &Standing::Runs(named(&ten))), Classification::Reapply);
        assert_eq!(said("2", &Standing::Runs(named(&two))), Classification::Reapply);
    }

    #[test]
    fn after_a_removal_the_same_version_is_restored_and_another_is_compared_with_it() {
        let ten = version("10");
        assert_eq!(said("10", &Standing::Removed(named(&ten))), Classification::Restore);
        assert_eq!(said("9", &Standing::Removed(named(&ten))), Classification::Rollback);
    }

    #[test]
    fn a_tag_that_moved_is_a_new_release_until_it_moves_back() {
        use Classification::{New, Reapply, Rollback};
        let (main, next) = (version("main"), version("next"));
        let with = |version, digest: &'static str| {
            Some(Identity { version, digests: Some(digest.into()) })
        };
        let told = classify_all([
            with(&main, "1"),
            with(&main, "2"),
            with(&next, "3"),
            with(&main, "1"),
            Some(named(&next)),
        ]);
        assert_eq!(told, [New, New, New, Rollback, Reapply].map(Some));
    }
}
