//! The releases of a service: what they are called and what they change.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use shiplog_domain::{
    metadata::Actor,
    names::ServiceName,
    release::{Artifact, Change, Manifest},
};

use super::{cast::Team, chance::Chance, words};

/// One release on its way through the environments.
#[derive(Debug)]
pub(super) struct Release {
    /// Which one of its service's; later ones are higher.
    pub(super) sequence: u32,
    pub(super) manifest: Manifest,
    /// Whether it will do badly once users depend on it.
    pub(super) is_bad: bool,
    /// Who made it.
    pub(super) by: Actor,
}

/// Why a release is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is time for one.
    Train,
    /// Dependencies have moved on.
    Dependencies,
    /// An earlier one was bad.
    Fix,
}

/// How a service names its releases.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    /// `1.4.2`, or `1.4.2+318` with a build number.
    Semantic { major: u32, minor: u32, patch: u32, build: Option<u32> },
    /// `build-318`.
    Counted(u32),
    /// `2026.11.17`, then `2026.11.17-2`.
    Dated { last: Date, nth: u32 },
}

impl Scheme {
    /// The scheme of the `index`th service.
    pub(super) fn draw(index: usize, chance: &mut Chance) -> Self {
        let (major, minor) = (chance.range(1, 7), chance.range(0, 40));
        match index % 8 {
            3 => Self::Counted(chance.range(200, 4_000)),
            5 => Self::Dated { last: Date::ZERO, nth: 1 },
            6 => Self::Semantic { major, minor, patch: 0, build: Some(chance.range(300, 9_000)) },
            _ => Self::Semantic { major, minor, patch: chance.range(0, 9), build: None },
        }
    }

    fn next(&mut self, at: Timestamp, has_feature: bool, breaks: bool) -> String {
        match self {
            Self::Semantic { major, minor, patch, build } => {
                (*major, *minor, *patch) = match (breaks, has_feature) {
                    (true, _) => (*major + 1, 0, 0),
                    (false, true) => (*major, *minor + 1, 0),
                    (false, false) => (*major, *minor, *patch + 1),
                };
                let core = format!("{major}.{minor}.{patch}");
                let Some(build) = build else { return core };
                *build += 3;
                format!("{core}+{build}")
            }
            Self::Counted(count) => {
                *count += 1;
                format!("build-{count}")
            }
            Self::Dated { last, nth } => {
                let today = at.to_zoned(TimeZone::UTC).date();
                *nth = if *last == today { *nth + 1 } else { 1 };
                *last = today;
                let day = today.strftime("%Y.%m.%d");
                if *nth == 1 { day.to_string() } else { format!("{day}-{nth}") }
            }
        }
    }
}

/// What a release needs to know of its service.
pub(super) struct Origin<'a> {
    pub(super) service: &'a ServiceName,
    pub(super) team: &'a Team,
    pub(super) scheme: &'a mut Scheme,
}

/// Makes the next release of a service; none if its version cannot be one.
pub(super) fn cut(
    origin: Origin<'_>,
    at: Timestamp,
    cause: Cause,
    chance: &mut Chance,
) -> Option<Manifest> {
    let Origin { service, team, scheme } = origin;
    let changes = changes(team, cause, chance);
    let has_feature = changes.iter().any(|change| change.kind == "feature");
    let breaks = has_feature && chance.comes_true(12);
    let version = scheme.next(at, has_feature, breaks);
    let notes = (chance.comes_true(300)).then(|| match changes.first() {
        Some(Change { description: Some(first), .. }) => format!("{version}: {first}"),
        Some(_) | None => version.clone(),
    });
    Some(Manifest {
        version: version.parse().ok()?,
        commit: Some(chance.hex(40)),
        artifacts: vec![image(service, chance)],
        notes,
        changes,
    })
}

/// A build of a branch, named after it and the commit.
pub(super) fn build(service: &ServiceName, branch: &str, chance: &mut Chance) -> Option<Manifest> {
    let commit = chance.hex(40);
    let short = commit.get(..7)?;
    Some(Manifest {
        version: format!("{branch}-{short}").parse().ok()?,
        artifacts: vec![image(service, chance)],
        commit: Some(commit),
        notes: None,
        changes: Vec::new(),
    })
}

fn image(service: &ServiceName, chance: &mut Chance) -> Artifact {
    Artifact {
        name: format!("registry.example.com/{service}"),
        digest: format!("sha256:{}", chance.hex(64)),
        media_type: Some("application/vnd.oci.image.manifest.v1+json".into()),
    }
}

fn changes(team: &Team, cause: Cause, chance: &mut Chance) -> Vec<Change> {
    match cause {
        Cause::Dependencies => vec![change(team, "dependency", words::dependency(chance), chance)],
        Cause::Fix => vec![change(team, "fix", words::fix(chance), chance)],
        Cause::Train => {
            let count = chance.range(1, 3);
            (0..count).map(|_| any_change(team, chance)).collect()
        }
    }
}

fn any_change(team: &Team, chance: &mut Chance) -> Change {
    match chance.below(100) {
        0..40 => change(team, "feature", words::feature(chance), chance),
        40..80 => change(team, "fix", words::fix(chance), chance),
        80..87 => change(team, "config", words::configuration(chance), chance),
        87..92 => change(team, "dependency", words::dependency(chance), chance),
        _ => {
            let (description, reversible) = words::migration(chance);
            Change {
                id: Some(format!("migration-{:04}", chance.range(1, 900))),
                reversible: Some(reversible),
                ..change(team, "migration", description, chance)
            }
        }
    }
}

fn change(team: &Team, kind: &str, description: String, chance: &mut Chance) -> Change {
    let ticket = format!("{}-{}", team.tickets, chance.range(100, 9_999));
    Change {
        url: Some(format!("https://tracker.example.com/{ticket}")),
        id: Some(ticket),
        kind: kind.into(),
        description: Some(description),
        reversible: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_up_as_their_scheme_has_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (monday, tuesday) = (at("2026-11-16T10:00:00Z"), at("2026-11-17T10:00:00Z"));
        let mut semantic = Scheme::Semantic { major: 1, minor: 4, patch: 2, build: Some(300) };
        assert_eq!(semantic.next(monday, false, false), "1.4.3+303");
        assert_eq!(semantic.next(monday, true, false), "1.5.0+306");
        assert_eq!(semantic.next(monday, true, true), "2.0.0+309");
        assert_eq!(Scheme::Counted(41).next(monday, true, false), "build-42");
        let mut dated = Scheme::Dated { last: Date::ZERO, nth: 1 };
        let named = [monday, monday, tuesday].map(|at| dated.next(at, true, false));
        assert_eq!(named, ["2026.11.16", "2026.11.16-2", "2026.11.17"]);
    }
}
