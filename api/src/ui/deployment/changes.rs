//! What a deployment changes against what it replaced.

use shiplog_domain::{
    lane::{Configuration, Deployment},
    release,
};

use crate::{
    deployments::changes::ReleaseChanges,
    shapes,
    ui::{
        links,
        parts::{digest, short},
    },
};

/// Two releases, side by side.
pub(in crate::ui) struct Changes {
    /// Each thing that is said of both, or of one.
    pub(in crate::ui) rows: Vec<Row>,
    /// What the release says that it changes.
    pub(in crate::ui) listed: Vec<Change>,
    /// Whether both releases are called the same and are known to differ in what they contain.
    pub(in crate::ui) are_namesakes: bool,
}

/// One thing, before and after.
pub(in crate::ui) struct Row {
    pub(in crate::ui) name: String,
    pub(in crate::ui) before: Option<String>,
    pub(in crate::ui) after: Option<String>,
}

impl Row {
    /// Whether it is the same.
    pub(in crate::ui) fn same(&self) -> bool {
        self.before == self.after
    }
}

/// One change that a release makes.
pub(in crate::ui) struct Change {
    pub(in crate::ui) id: Option<String>,
    pub(in crate::ui) kind: String,
    pub(in crate::ui) description: Option<String>,
    pub(in crate::ui) url: Option<String>,
    /// Whether an earlier release cannot run after it.
    pub(in crate::ui) irreversible: bool,
}

/// What one release changes, in its makers' words.
pub(in crate::ui) struct Release {
    pub(in crate::ui) version: String,
    pub(in crate::ui) notes: Option<String>,
    pub(in crate::ui) listed: Vec<Change>,
}

impl From<ReleaseChanges> for Release {
    fn from(release: ReleaseChanges) -> Self {
        Self {
            version: release.version.to_string(),
            notes: release.notes,
            listed: release.changes.into_iter().map(Change::from).collect(),
        }
    }
}

impl From<shapes::Change> for Change {
    fn from(change: shapes::Change) -> Self {
        let shapes::Change { id, kind, description, reversible, url } = change;
        Self {
            id,
            kind,
            description,
            url: url.as_deref().and_then(links::outside),
            irreversible: reversible == Some(false),
        }
    }
}

impl From<&release::Change> for Change {
    fn from(change: &release::Change) -> Self {
        shapes::Change::from(change.clone()).into()
    }
}

impl Changes {
    pub(in crate::ui) fn of(after: &Deployment, before: Option<&Deployment>) -> Self {
        let (release, earlier) = (after.release(), before.map(Deployment::release));
        let mut rows = vec![
            Row {
                name: "version".into(),
                before: earlier.map(|one| one.version.to_string()),
                after: Some(release.version.to_string()),
            },
            Row {
                name: "commit".into(),
                before: earlier.and_then(|one| one.commit.as_deref()).map(short),
                after: release.commit.as_deref().map(short),
            },
        ];
        let artifacts = release.artifacts_beside(earlier.map(|one| &**one));
        rows.extend(artifacts.into_iter().map(|(name, (before, after))| Row {
            name: name.to_owned(),
            before: before.map(digest),
            after: after.map(digest),
        }));
        let nothing = Configuration::default();
        let earlier = before.map_or(Some(&nothing), Deployment::configuration);
        rows.extend(configured(earlier, after.configuration()));
        rows.retain(|row| row.before.is_some() || row.after.is_some());
        let are_namesakes = before
            .map(Deployment::release)
            .is_some_and(|one| one.version == release.version && !one.is_same_as(release));
        let listed = release.changes.iter().map(Change::from).collect();
        Self { rows, listed, are_namesakes }
    }
}

/// What two deployments are configured with, beside each other; nothing if one of them did not say.
pub(in crate::ui) fn configured(
    before: Option<&Configuration>,
    after: Option<&Configuration>,
) -> Vec<Row> {
    let Some((before, after)) = before.zip(after) else { return Vec::new() };
    let row = |(name, (before, after)): (&str, (Option<&str>, Option<&str>))| Row {
        name: format!("configuration: {name}"),
        before: before.map(digest),
        after: after.map(digest),
    };
    after.beside(before).into_iter().map(row).collect()
}
