//! Labels: whatever else is said of a deployment, by name.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};

use super::Text;

/// The most labels that one deployment has.
const MAX_LABELS: usize = 64;

/// Up to 64 labels; a name that is given twice is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Labels(pub(crate) BTreeMap<String, String>);

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some(key) = map.next_key::<Text<1, 200>>()? {
            let value = map.next_value::<Text<0, 4_000>>()?;
            let key = String::from(key);
            if labels.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
            labels.insert(key, value.into());
        }
        if labels.len() > MAX_LABELS {
            let found = labels.len();
            return Err(A::Error::custom(format!("{found} labels; it takes up to {MAX_LABELS}")));
        }
        Ok(Labels(labels))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    #[test]
    fn a_name_is_given_once() {
        let problem = body::parse::<Labels>(br#"{"a": "1", "a": "2"}"#).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/a");
    }

    #[test]
    fn values_are_strings_and_few() {
        assert_eq!(body::parse::<Labels>(br#"{"a": 1}"#).unwrap_err().errors[0].pointer, "/a");
        let many: BTreeMap<_, _> = (0..65).map(|n| (n.to_string(), "x")).collect();
        assert!(body::parse::<Labels>(&serde_json::to_vec(&many).unwrap()).is_err());
    }
}
