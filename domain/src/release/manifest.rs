//! What a release is made of.

use serde::{Deserialize, Serialize};

use crate::{
    commit,
    digests::{self, Digests},
    names::Version,
};

/// Everything that is said of a release: enough to put it there again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is called.
    pub version: Version,
    /// The commit that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What is put there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// What its makers say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl Manifest {
    /// A release of which only the name is known.
    pub fn named(version: Version) -> Self {
        Self { version, commit: None, artifacts: Vec::new(), notes: None, changes: Vec::new() }
    }
}

impl Manifest {
    /// The artifacts of this release and of an earlier one, by name: each with its digest before and
    /// its digest now.
    pub fn artifacts_beside<'m>(&'m self, earlier: Option<&'m Self>) -> Digests<'m> {
        let named = |one: &'m Self| one.artifacts.iter().map(|one| (&one.name, &one.digest));
        digests::beside(earlier.into_iter().flat_map(named), named(self))
    }
}

impl Manifest {
    /// In what this release is another one than `registered`, in words; none if the two agree as far as
    /// both say something. A commit and its abbreviation are one.
    pub fn unlike(&self, registered: &Self) -> Option<String> {
        if let (Some(here), Some(there)) = (&self.commit, &registered.commit) {
            if !commit::same(here, there) {
                return Some(format!("commit `{there}`, not `{here}`"));
            }
        }
        let differs = |(name, (there, here)): (&str, (Option<&str>, Option<&str>))| {
            let (there, here) = (there?, here?);
            (there != here).then(|| format!("`{name}` with digest `{there}`, not `{here}`"))
        };
        self.artifacts_beside(Some(registered)).into_iter().find_map(differs)
    }
}

/// One thing that a release puts there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// An image, a package, a file.
    pub name: String,
    /// What proves that it is the same: `sha256:…`.
    pub digest: String,
    /// What sort of thing it is, as OCI says it; absent if nobody said. Schema 3 of what is requested,
    /// 2 of what is registered.
    #[serde(rename = "mediaType", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// One thing that a release changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What its makers call it: `migration-0042`, a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What sort of change: `migration`, `feature`, `fix`, `config`.
    pub kind: String,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether an earlier release can run after it; absent if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversible: Option<bool>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
