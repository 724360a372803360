//! Guard rails that were crossed, and irreversible changes that were shown: as they are given, and
//! as they are answered.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use shiplog_domain::{
    lane::{Irreversible, Override, Rail},
    names::Version,
};
use utoipa::ToSchema;

use super::{Name, Object, Prose, RailWord, Text};

/// Guard rails to cross, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideGiven {
    /// Which ones; those that do not stand in the way are not recorded.
    #[schema(value_type = Vec<RailWord>, min_items = 1, max_items = 4)]
    #[serde(deserialize_with = "some_rails")]
    rails: Vec<Rail>,
    /// In the words of who crosses them.
    reason: Prose,
}

impl From<OverrideGiven> for Override {
    fn from(OverrideGiven { rails, reason }: OverrideGiven) -> Self {
        Self { rails, reason: reason.into() }
    }
}

fn some_rails<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rail>, D::Error> {
    let rails = Vec::<Rail>::deserialize(deserializer)?;
    match rails.len() {
        1..=4 => Ok(rails),
        _ => Err(D::Error::custom("it takes 1 to 4 guard rails")),
    }
}

/// Guard rails that were crossed, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Crossed {
    /// Those that stood in the way.
    #[schema(value_type = Vec<RailWord>)]
    rails: Vec<Rail>,
    reason: String,
}

impl From<Override> for Crossed {
    fn from(Override { rails, reason }: Override) -> Self {
        Self { rails, reason }
    }
}

/// An irreversible change that whoever asks has been shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownGiven {
    /// The release that made it.
    #[schema(value_type = Name)]
    version: Version,
    /// What its makers call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200)]
    id: Option<Text<0, 200>>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    description: Option<Text<0, 10_000>>,
}

impl From<Object<ShownGiven>> for Irreversible {
    fn from(Object(given): Object<ShownGiven>) -> Self {
        let ShownGiven { version, id, description } = given;
        Self { version, id: id.map(Into::into), description: description.map(Into::into) }
    }
}

/// A change that an earlier release may not work after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Irreversible)]
pub(crate) struct IrreversibleShape {
    /// The release that made it.
    #[schema(value_type = Name)]
    pub(crate) version: Version,
    /// What its makers call it.
    pub(crate) id: Option<String>,
    pub(crate) description: Option<String>,
}

impl From<Irreversible> for IrreversibleShape {
    fn from(Irreversible { version, id, description }: Irreversible) -> Self {
        Self { version, id, description }
    }
}
