//! Configurations: as they are given, and what differs between two.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use shiplog_domain::{digests::Digests, lane::Configuration};
use utoipa::ToSchema;

use super::Text;

/// The most things that one deployment is configured with.
const MAX_THINGS: usize = 200;

/// Up to 200 digests by name; a name that is given twice is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct ConfigurationGiven(BTreeMap<String, String>);

impl From<ConfigurationGiven> for Arc<Configuration> {
    fn from(ConfigurationGiven(things): ConfigurationGiven) -> Self {
        Self::new(Configuration(things))
    }
}

struct ThingsVisitor;

impl<'de> Visitor<'de> for ThingsVisitor {
    type Value = ConfigurationGiven;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are digests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigurationGiven, A::Error> {
        let mut things = BTreeMap::new();
        while let Some(name) = map.next_key::<Text<1, 500>>()? {
            let digest = map.next_value::<Text<1, 500>>()?;
            let name = String::from(name);
            if things.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            things.insert(name, digest.into());
        }
        if things.len() > MAX_THINGS {
            let found = things.len();
            return Err(A::Error::custom(format!("{found} things; it takes up to {MAX_THINGS}")));
        }
        Ok(ConfigurationGiven(things))
    }
}

impl<'de> Deserialize<'de> for ConfigurationGiven {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ThingsVisitor)
    }
}

/// An artifact, or a thing that a deployment is configured with, that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DigestChange {
    name: String,
    /// Its digest before; null if it was not there.
    from: Option<String>,
    /// Its digest after; null if it is not there.
    to: Option<String>,
}

impl DigestChange {
    /// What is not the same of two times, by name.
    pub(crate) fn of(beside: Digests<'_>) -> Vec<Self> {
        let changed = beside.into_iter().filter(|(_, (from, to))| from != to);
        changed
            .map(|(name, (from, to))| Self {
                name: name.into(),
                from: from.map(Into::into),
                to: to.map(Into::into),
            })
            .collect()
    }

    /// What two deployments are not configured alike with; none if one of them did not say.
    pub(crate) fn between(
        before: Option<&Configuration>,
        after: Option<&Configuration>,
    ) -> Option<Vec<Self>> {
        before.zip(after).map(|(before, after)| Self::of(after.beside(before)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    #[test]
    fn digests_are_texts_each_of_its_own_name() {
        for (json, pointer) in [
            (r#"{"a": "1", "a": "2"}"#, "/a"),
            (r#"{"a": 1}"#, "/a"),
            (r#"{"a": ""}"#, "/a"),
            (r#"["a"]"#, ""),
        ] {
            let problem = body::parse::<ConfigurationGiven>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer, "{json}");
        }
        let many: BTreeMap<_, _> = (0..201).map(|n| (n.to_string(), "x")).collect();
        let many = serde_json::to_vec(&many).unwrap();
        assert!(body::parse::<ConfigurationGiven>(&many).is_err());
        assert!(body::parse::<ConfigurationGiven>(b"{}").is_ok());
    }

    #[test]
    fn what_nobody_said_is_no_difference() {
        let with = |digest: &str| Configuration([("a".into(), digest.into())].into());
        let (one, other) = (with("1"), with("2"));
        assert_eq!(DigestChange::between(None, Some(&one)), None);
        assert_eq!(DigestChange::between(Some(&one), Some(&one)), Some(Vec::new()));
        let changed =
            DigestChange { name: "a".into(), from: Some("1".into()), to: Some("2".into()) };
        assert_eq!(DigestChange::between(Some(&one), Some(&other)), Some(vec![changed]));
    }
}
