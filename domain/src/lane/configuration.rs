//! What a deployment is configured with, beside the release that it puts there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Deployment;
use crate::digests::{self, Digests};

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

impl Deployment {
    /// What it is configured with, if anybody said.
    pub fn configuration(&self) -> Option<&Configuration> {
        self.requested.configuration.as_deref()
    }

    /// Whether it puts there what another one put there: the same version, and as far as both said
    /// it, the same configuration.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.release().version == other.release().version
            && !Configuration::differ(self.configuration(), other.configuration())
    }
}
