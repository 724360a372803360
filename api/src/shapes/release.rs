//! Releases: as they are answered, and as they are given.

use serde::{Deserialize, Serialize};
use shiplog_domain::{
    names::Version,
    release::{self, Manifest},
};
use utoipa::ToSchema;

use super::{Moment, Name, Object, Text};

/// A release, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Release {
    #[schema(value_type = Name)]
    version: Version,
    /// The commit that it was built from.
    commit: Option<String>,
    /// What is put there.
    artifacts: Vec<Artifact>,
    /// What its makers say of it.
    notes: Option<String>,
    /// What it changes.
    changes: Vec<Change>,
}

/// One thing that a release puts there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Artifact {
    /// An image, a package, a file.
    name: String,
    /// What proves that it is the same.
    digest: String,
    /// What sort of thing it is; null if nobody said.
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

/// One thing that a release changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    /// What its makers call it.
    pub(crate) id: Option<String>,
    /// What sort of change: `migration`, `feature`, `fix`, `config`.
    pub(crate) kind: String,
    /// In words.
    pub(crate) description: Option<String>,
    /// Whether an earlier release can run after it; null if nobody said.
    pub(crate) reversible: Option<bool>,
    /// Where to read on.
    pub(crate) url: Option<String>,
}

impl From<release::Artifact> for Artifact {
    fn from(release::Artifact { name, digest, media_type }: release::Artifact) -> Self {
        Self { name, digest, media_type }
    }
}

impl From<&Manifest> for Release {
    fn from(manifest: &Manifest) -> Self {
        let Manifest { version, commit, artifacts, notes, changes } = manifest.clone();
        Self {
            version,
            commit,
            artifacts: artifacts.into_iter().map(Into::into).collect(),
            notes,
            changes: changes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<release::Change> for Change {
    fn from(change: release::Change) -> Self {
        let release::Change { id, kind, description, reversible, url } = change;
        Self { id, kind, description, reversible, url }
    }
}

/// A release must not go further.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Blocked)]
pub(crate) struct Block {
    pub(crate) reason: String,
    pub(crate) at: Moment,
}

impl From<release::Blocked> for Block {
    fn from(release::Blocked { at, reason }: release::Blocked) -> Self {
        Self { reason, at: Moment(at) }
    }
}

/// A release, as a caller gives it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseGiven {
    /// What it is called; a path that names the release already can do without.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Name>)]
    pub(crate) version: Option<Version>,
    /// The commit that it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    commit: Option<Text<1, 200>>,
    /// What is put there.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "few_artifacts")]
    #[schema(value_type = Option<Vec<ArtifactGiven>>, max_items = 200)]
    artifacts: Option<Vec<Object<ArtifactGiven>>>,
    /// What its makers say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    notes: Option<Text<0, 10_000>>,
    /// What it changes.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "few_changes")]
    #[schema(value_type = Option<Vec<ChangeGiven>>, max_items = 1000)]
    changes: Option<Vec<Object<ChangeGiven>>>,
}

/// One thing that a release puts there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArtifactGiven {
    /// An image, a package, a file.
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    name: Text<1, 500>,
    /// What proves that it is the same: `sha256:…`.
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    digest: Text<1, 500>,
    /// What sort of thing it is: `application/vnd.oci.image.manifest.v1+json`.
    #[serde(rename = "mediaType", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    media_type: Option<Text<1, 200>>,
}

/// One thing that a release changes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeGiven {
    /// What its makers call it: `migration-0042`, a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200)]
    id: Option<Text<0, 200>>,
    /// What sort of change: `migration`, `feature`, `fix`, `config`.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    kind: Text<1, 200>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    description: Option<Text<0, 10_000>>,
    /// Whether an earlier release can run after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversible: Option<bool>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    url: Option<Text<0, 2_000>>,
}

fn few<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Option::<Vec<T>>::deserialize(deserializer)?;
    match items.as_ref().map(Vec::len) {
        Some(found) if found > MAX => {
            Err(serde::de::Error::custom(format!("it has {found} entries; it takes up to {MAX}")))
        }
        Some(_) | None => Ok(items),
    }
}

fn few_artifacts<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Object<ArtifactGiven>>>, D::Error> {
    few::<D, _, 200>(deserializer)
}

fn few_changes<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Object<ChangeGiven>>>, D::Error> {
    few::<D, _, 1_000>(deserializer)
}

impl ReleaseGiven {
    /// The manifest of this version.
    pub(crate) fn into_manifest(self, version: Version) -> Manifest {
        let Self { version: _, commit, artifacts, notes, changes } = self;
        let artifact = |Object(given)| {
            let ArtifactGiven { name, digest, media_type } = given;
            release::Artifact {
                name: name.into(),
                digest: digest.into(),
                media_type: media_type.map(Into::into),
            }
        };
        let change = |Object(given)| {
            let ChangeGiven { id, kind, description, reversible, url } = given;
            release::Change {
                id: id.map(Into::into),
                kind: kind.into(),
                description: description.map(Into::into),
                reversible,
                url: url.map(Into::into),
            }
        };
        Manifest {
            version,
            commit: commit.map(Into::into),
            artifacts: artifacts.into_iter().flatten().map(artifact).collect(),
            notes: notes.map(Into::into),
            changes: changes.into_iter().flatten().map(change).collect(),
        }
    }
}
