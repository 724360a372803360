//! What a deployment puts there, and when that is the same as what another one puts there.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::Deployment;
use crate::{
    commit,
    digests::{self, Digests},
    names::Version,
    release::Manifest,
};

/// The digest of each thing that a deployment is configured with, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Configuration(pub BTreeMap<String, String>);

impl Configuration {
    /// This configuration and an earlier one, by name: each thing's digest before and now.
    pub fn beside<'c>(&'c self, earlier: &'c Self) -> Digests<'c> {
        digests::beside(&earlier.0, &self.0)
    }

    /// Whether it is known of two deployments that they are not configured alike: both said how.
    pub fn differ(one: Option<&Self>, other: Option<&Self>) -> bool {
        one.zip(other).is_some_and(|(one, other)| one != other)
    }
}

/// What a lane tells releases apart by: the version and, as far as they were stated, the digests of
/// the artifacts.
///
/// The commit does not count here: a history of what was configured states the commit of the
/// configuration, which is another one each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'r> {
    /// What it is called.
    pub version: &'r Version,
    /// The digests of its artifacts by their names, as one text; none if nobody stated any.
    pub digests: Option<Cow<'r, str>>,
}

impl Identity<'_> {
    /// Whether both are one release, as far as is known.
    pub fn is(&self, other: &Self) -> bool {
        self.version == other.version && !differ(self.digests.as_ref(), other.digests.as_ref())
    }
}

/// What is known of the content of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content<'d> {
    /// What the release is called.
    pub version: &'d Version,
    /// The commit that it was built from.
    pub commit: Option<&'d str>,
    /// See [`Identity::digests`].
    pub digests: Option<Cow<'d, str>>,
    /// What it is configured with.
    pub configuration: Option<&'d Configuration>,
}

impl Content<'_> {
    /// Whether it is the same content: the same version and, as far as both said it, the same
    /// commit, the same artifacts and the same configuration.
    pub fn is(&self, other: &Self) -> bool {
        self.version == other.version
            && self.commit.zip(other.commit).is_none_or(|(one, other)| commit::same(one, other))
            && !differ(self.digests.as_ref(), other.digests.as_ref())
            && !Configuration::differ(self.configuration, other.configuration)
    }
}

fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

impl Manifest {
    /// What a lane tells this release from others by.
    pub fn identity(&self) -> Identity<'_> {
        Identity { version: &self.version, digests: self.digests().map(Cow::Owned) }
    }

    /// The digests of its artifacts, each with its name, in the order of the names; none if nobody
    /// stated any.
    pub fn digests(&self) -> Option<String> {
        let mut digests: Vec<_> = self
            .artifacts
            .iter()
            .map(|artifact| format!("{}\u{1f}{}", artifact.name, artifact.digest))
            .collect();
        digests.sort_unstable();
        (!digests.is_empty()).then(|| digests.join("\u{1e}"))
    }

    /// Whether two releases are the same: the same version and, as far as both said it, the same
    /// commit and the same artifacts.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.content(None).is(&other.content(None))
    }

    fn content<'d>(&'d self, configuration: Option<&'d Configuration>) -> Content<'d> {
        Content {
            version: &self.version,
            commit: self.commit.as_deref(),
            digests: self.digests().map(Cow::Owned),
            configuration,
        }
    }
}

impl Deployment {
    /// What it is configured with, if anybody said.
    pub fn configuration(&self) -> Option<&Configuration> {
        self.requested.configuration.as_deref()
    }

    /// Whether it puts there what another one put there: see [`Content::is`].
    pub fn is_same_as(&self, other: &Self) -> bool {
        // Most deployments differ in their version: no text is made of the digests of those.
        self.release().version == other.release().version && self.content().is(&other.content())
    }

    /// Whether the very same was stated of what it puts there as of another one: what one of the two did
    /// not say counts as a difference.
    pub fn states_same_as(&self, other: &Self) -> bool {
        self.release().version == other.release().version && self.content() == other.content()
    }

    fn content(&self) -> Content<'_> {
        self.release().content(self.configuration())
    }
}
