//! How far a lane is from the stage before it, counted in what has run there.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use shiplog_domain::{
    lane::LaneId,
    names::{EnvironmentName, Version},
};

use crate::ui::{drift::compare, parts::counted};

/// How many of the latest deployments of a lane are looked at.
const MOST: usize = 50;

/// What of a lane's past tells how far it is from another: all that is looked at, or as much as has
/// these releases.
#[derive(Debug, Default)]
pub(super) struct Sought {
    all: bool,
    releases: BTreeSet<Version>,
}

impl Sought {
    /// Adds what is sought in a lane and in the one before it, by what runs in each.
    pub(super) fn add(sought: &mut BTreeMap<LaneId, Self>, lane: Runs<'_>, before: Runs<'_>) {
        let ((lane, here), (before, there)) = (lane, before);
        if here == there {
            return;
        }
        match compare(here.as_str(), there.as_str()) {
            Some(Ordering::Less) => {
                sought.entry(before.clone()).or_default().releases.insert(here.clone());
            }
            Some(Ordering::Greater) => {
                sought.entry(lane.clone()).or_default().releases.insert(there.clone());
            }
            Some(Ordering::Equal) | None => {
                for lane in [lane, before] {
                    sought.entry(lane.clone()).or_default().all = true;
                }
            }
        }
    }

    /// Reads it, by `read`, which takes whether to go on after each release.
    pub(super) fn read<T>(mut self, read: impl FnOnce(&mut dyn FnMut(&Version) -> bool) -> T) -> T {
        let mut room = MOST;
        read(&mut |version| {
            room = room.saturating_sub(1);
            self.releases.remove(version);
            room > 0 && (self.all || !self.releases.is_empty())
        })
    }
}

/// A lane and what runs in it.
pub(super) type Runs<'l> = (&'l LaneId, &'l Version);

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
    /// Of a lane and the one before it, by what runs in each and by as much of what ran in them as
    /// was sought, the latest first; none if they run the same.
    pub(super) fn of(
        (lane, here): Runs<'_>,
        (before, there): Runs<'_>,
        ran: &BTreeMap<LaneId, Vec<Version>>,
    ) -> Option<Self> {
        let past = |lane| ran.get(lane).map_or(&[][..], Vec::as_slice);
        let way = Way::of((here, past(lane)), (there, past(before)))?;
        Some(Self { way, before: before.environment.clone(), version: there.clone() })
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
    fn of((here, ran): Past<'_>, (there, before): Past<'_>) -> Option<Self> {
        if here == there {
            return None;
        }
        match compare(here.as_str(), there.as_str()) {
            Some(Ordering::Less) => Some(Self::Behind(since(before, here))),
            Some(Ordering::Greater) => Some(Self::Ahead(since(ran, there))),
            // `1.0.0` and `1.0.0+hotfix` are two releases, of which neither is the later one by its name.
            Some(Ordering::Equal) | None => Some(Self::by_history((here, ran), (there, before))),
        }
    }

    /// Where versions have no order, releases have the one in which they came.
    fn by_history((here, ran): Past<'_>, (there, before): Past<'_>) -> Self {
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

/// What runs in a lane, and what ran, the latest first.
type Past<'l> = (&'l Version, &'l [Version]);

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

    fn lane(environment: &str) -> LaneId {
        let service = "checkout".parse().unwrap();
        LaneId { service, environment: environment.parse().unwrap() }
    }

    /// What is said of production, where as much of the past is read as is sought.
    #[track_caller]
    fn told(here: &[&str], before: &[&str]) -> String {
        let (production, staging) = (lane("production"), lane("staging"));
        let all = BTreeMap::from([(&production, ran(here)), (&staging, ran(before))]);
        let runs = [(&production, &all[&production][0]), (&staging, &all[&staging][0])];
        let mut sought = BTreeMap::new();
        Sought::add(&mut sought, runs[0], runs[1]);
        let read = |(lane, sought): (LaneId, Sought)| {
            let read = sought.read(|goes_on| {
                let mut read = Vec::new();
                for version in &all[&lane] {
                    read.push(version.clone());
                    if !goes_on(version) {
                        break;
                    }
                }
                read
            });
            (lane, read)
        };
        let read = sought.into_iter().map(read).collect();
        let apart = Apart::of(runs[0], runs[1], &read);
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
    fn versions_that_are_equal_as_semantic_ones_are_still_two_releases() {
        for (here, there) in [
            ("1.0.0+build.1", "1.0.0+build.2"),
            ("1.0.0+build.2", "1.0.0+build.1"),
            ("1.0.0+hotfix", "1.0.0"),
            ("1.0.0", "1.0.0+hotfix"),
            ("1.2.3", "v1.2.3"),
            ("1.2.0", "01.2.0"),
            ("1.0.0-01", "1.0.0-1"),
        ] {
            assert_eq!(told(&[here], &[there]), format!("differs from staging ({there})"));
            assert_eq!(told(&[here], &[here, there]), format!("1 behind staging ({there})"));
            assert_eq!(told(&[there, here], &[there]), format!("1 ahead of staging ({there})"));
            let back = [here, there, here];
            assert_eq!(told(&back, &[here, there]), format!("1 behind staging ({there})"));
        }
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
    fn no_more_is_read_than_is_counted() {
        let (production, staging) = (lane("production"), lane("staging"));
        let versions = ran(&["1.0.0", "1.1.0", "a"]);
        let [a, newer, older] = versions.as_slice() else { unreachable!() };
        let read = |sought: Sought, past: &[&Version]| {
            sought.read(|goes_on| past.iter().take_while(|version| goes_on(version)).count() + 1)
        };
        let mut sought = BTreeMap::new();
        Sought::add(&mut sought, (&production, older), (&staging, newer));
        assert_eq!(sought.keys().collect::<Vec<_>>(), [&staging]);
        let past = [newer, a, newer, older, newer, newer];
        assert_eq!(read(sought.remove(&staging).unwrap(), &past), 4, "up to the one that runs");
        Sought::add(&mut sought, (&production, a), (&staging, newer));
        assert_eq!(read(sought.remove(&production).unwrap(), &[newer; 100]), MOST);
        Sought::add(&mut sought, (&production, a), (&staging, a));
        assert_eq!(sought.len(), 1, "what runs the same needs no past: {sought:?}");
    }
}
