//! How far a lane is from the stage before it, counted in what has run there.

use std::{cmp::Ordering, collections::BTreeSet};

use shiplog_domain::names::{EnvironmentName, Version};

use crate::ui::{drift::compare, parts::counted};

/// How many of the latest deployments of a lane are looked at.
pub(super) const MOST: usize = 50;

/// That a lane does not run what the stage before it runs.
pub(super) struct Apart {
    way: Way,
    before: EnvironmentName,
    /// What runs there.
    version: Version,
}

/// In which direction, and by how many releases if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Behind(Option<usize>),
    Ahead(Option<usize>),
    /// Which of the two is the later one cannot be told.
    Differs,
}

impl Apart {
    /// Of a lane and the one before it, by what has run in each, the latest first; none if they
    /// run the same.
    pub(super) fn of(ran: &[Version], before: (&EnvironmentName, &[Version])) -> Option<Self> {
        let (environment, ran_before) = before;
        let way = Way::of(ran, ran_before)?;
        Some(Self { way, before: environment.clone(), version: ran_before.first()?.clone() })
    }

    /// `2 behind staging (1.4.2)`.
    pub(super) fn said(&self) -> String {
        let Self { way, before, version } = self;
        let word = match way {
            Way::Behind(Some(releases)) => format!("{releases} behind"),
            Way::Behind(None) => "behind".into(),
            Way::Ahead(Some(releases)) => format!("{releases} ahead of"),
            Way::Ahead(None) => "ahead of".into(),
            Way::Differs => "differs from".into(),
        };
        format!("{word} {before} ({version})")
    }

    /// What was counted, in full.
    pub(super) fn counted(&self) -> Option<String> {
        let Self { way, before, version } = self;
        let releases = |count: usize| counted(count, "release", "releases");
        match way {
            Way::Behind(Some(count)) => {
                Some(format!("{} ran in {before} since this one did", releases(*count)))
            }
            Way::Ahead(Some(count)) => {
                Some(format!("{} ran here since {version}", releases(*count)))
            }
            Way::Behind(None) | Way::Ahead(None) | Way::Differs => None,
        }
    }
}

impl Way {
    fn of(ran: &[Version], before: &[Version]) -> Option<Self> {
        let (here, there) = (ran.first()?, before.first()?);
        if here == there {
            return None;
        }
        match compare(here.as_str(), there.as_str()) {
            Some(Ordering::Equal) => None,
            Some(Ordering::Less) => Some(Self::Behind(since(before, here))),
            Some(Ordering::Greater) => Some(Self::Ahead(since(ran, there))),
            None => Some(Self::by_history(ran, before)),
        }
    }

    /// Where versions have no order, releases have the one in which they came.
    fn by_history(ran: &[Version], before: &[Version]) -> Self {
        let (Some(here), Some(there)) = (ran.first(), before.first()) else { return Self::Differs };
        match (since(before, here), since(ran, there)) {
            (None, None) => Self::Differs,
            (behind, None) => Self::Behind(behind),
            (None, ahead) => Self::Ahead(ahead),
            // Each has run what the other runs, so one of them went back. Releases come to the
            // stage before first, one after the other.
            (behind, ahead) => {
                let first = |version| before.iter().rposition(|other| other == version);
                if first(here) > first(there) { Self::Behind(behind) } else { Self::Ahead(ahead) }
            }
        }
    }
}

/// How many other releases ran since this one last did; none if it is not among them.
fn since(ran: &[Version], version: &Version) -> Option<usize> {
    let last = ran.iter().position(|other| other == version)?;
    Some(ran.iter().take(last).collect::<BTreeSet<_>>().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ran, the latest first, told in the order in which it did.
    fn ran(versions: &[&str]) -> Vec<Version> {
        versions.iter().rev().map(|version| version.parse().unwrap()).collect()
    }

    #[track_caller]
    fn told(here: &[&str], before: &[&str]) -> String {
        let staging = "staging".parse().unwrap();
        let apart = Apart::of(&ran(here), (&staging, &ran(before)));
        apart.map_or_else(|| "the same".into(), |apart| apart.said())
    }

    #[test]
    fn what_ran_in_the_stage_before_since_it_ran_the_same_is_counted() {
        assert_eq!(told(&["1.0.0"], &["1.0.0"]), "the same");
        assert_eq!(told(&["1.0.0"], &["1.0.0", "1.1.0", "1.2.0"]), "2 behind staging (1.2.0)");
        assert_eq!(
            told(&["1.0.0", "1.1.0", "1.0.0"], &["1.0.0", "1.1.0"]),
            "1 behind staging (1.1.0)"
        );
        let again = ["1.0.0", "1.1.0", "1.0.0", "1.2.0", "1.2.0"];
        assert_eq!(
            told(&["1.0.0"], &again),
            "1 behind staging (1.2.0)",
            "each once, since the last time"
        );
    }

    #[test]
    fn a_release_that_never_ran_there_has_no_number() {
        assert_eq!(told(&["1.0.0"], &["1.1.0", "1.2.0"]), "behind staging (1.2.0)");
        assert_eq!(told(&["1.3.0"], &["1.2.0"]), "ahead of staging (1.2.0)");
        assert_eq!(told(&["build-7"], &["build-8"]), "differs from staging (build-8)");
        assert_eq!(told(&["build-7"], &["1.2.0"]), "differs from staging (1.2.0)");
    }

    #[test]
    fn what_went_past_the_stage_before_is_ahead_of_it() {
        assert_eq!(told(&["1.0.0", "1.1.0"], &["1.0.0"]), "1 ahead of staging (1.0.0)");
        let back = ["1.0.0", "1.1.0", "1.0.0"];
        assert_eq!(told(&["1.0.0", "1.1.0"], &back), "1 ahead of staging (1.0.0)");
        assert_eq!(told(&["7", "hotfix"], &["7"]), "1 ahead of staging (7)");
    }

    #[test]
    fn where_versions_have_no_order_the_one_that_went_back_is_told_by_which_came_first() {
        let (earlier, later) = (["a", "b", "a"], ["a", "b"]);
        assert_eq!(told(&earlier, &later), "1 behind staging (b)", "here it was rolled back");
        assert_eq!(told(&later, &earlier), "1 ahead of staging (a)", "there it was");
        assert_eq!(told(&["a", "b", "a"], &["a", "b", "a", "b"]), "1 behind staging (b)");
    }

    #[test]
    fn nothing_that_runs_is_apart_from_nothing() {
        assert_eq!(told(&[], &["1.0.0"]), "the same");
        assert_eq!(told(&["1.0.0"], &[]), "the same");
    }
}
