//! Why, as a caller gives it: a word, or an object that says more.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use shiplog_domain::{
    lane::{DeploymentNumber, RollbackTo},
    names::Version,
};
use shiplog_projections::history;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema,
        schema::{AdditionalProperties, SchemaType, Type},
    },
};

use crate::shapes::{Name, Number, NumberGiven};

/// What for, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Deploy,
    Rollback,
    RollForward,
    Retry,
    Unknown,
}

/// The words for it.
pub(crate) const KINDS: [&str; 5] = history::INTENTS;

/// Why a deployment is asked for, or was.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IntentGiven {
    pub(crate) kind: Kind,
    /// What a rollback goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<To>,
    /// What a retry repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<u32>,
    /// What a roll-forward mends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mends: Option<u32>,
}

impl From<Kind> for IntentGiven {
    fn from(kind: Kind) -> Self {
        Self { kind, to: None, of: None, mends: None }
    }
}

/// What a rollback goes back to: `"previous"`, a version, or a deployment's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum To {
    Number(u32),
    /// `previous`, or a version.
    Word(Version),
}

impl From<To> for RollbackTo {
    fn from(to: To) -> Self {
        match to {
            To::Number(number) => Self::Number(DeploymentNumber(number)),
            To::Word(word) if word.as_str() == "previous" => Self::Previous,
            To::Word(version) => Self::Version(version),
        }
    }
}

struct ToVisitor;

impl Visitor<'_> for ToVisitor {
    type Value = To;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`previous`, a version, or a deployment's number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<To, E> {
        text.parse().map(To::Word).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<To, E> {
        let number = NumberGiven::deserialize(number.into_deserializer())?;
        Ok(To::Number(number.0))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<To, E> {
        let number = NumberGiven::deserialize(number.into_deserializer())?;
        Ok(To::Number(number.0))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<To, E> {
        let number = NumberGiven::deserialize(number.into_deserializer())?;
        Ok(To::Number(number.0))
    }
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: Kind,
    to: Option<To>,
    of: Option<NumberGiven>,
    mends: Option<NumberGiven>,
}

struct IntentVisitor;

impl<'de> Visitor<'de> for IntentVisitor {
    type Value = IntentGiven;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}, or an object with `kind`", KINDS.join(", "))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<IntentGiven, E> {
        let word = serde::de::value::StrDeserializer::<E>::new(word);
        Kind::deserialize(word).map(Into::into)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<IntentGiven, A::Error> {
        let Fields { kind, to, of, mends } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        let (of, mends) = (of.map(|of| of.0), mends.map(|mends| mends.0));
        let stray = [
            ("to", to.is_some() && kind != Kind::Rollback),
            ("of", of.is_some() && kind != Kind::Retry),
            ("mends", mends.is_some() && kind != Kind::RollForward),
        ];
        if let Some((field, _)) = stray.iter().find(|(_, stray)| *stray) {
            return Err(A::Error::custom(format!("`{field}` says nothing about this kind")));
        }
        Ok(IntentGiven { kind, to, of, mends })
    }
}

impl<'de> Deserialize<'de> for IntentGiven {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntentVisitor)
    }
}

/// An object of one kind with one field of its own.
pub(crate) fn variant(kind: &str, field: Option<(&str, RefOr<Schema>)>) -> ObjectBuilder {
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
    let object = ObjectBuilder::new()
        .property("kind", word)
        .required("kind")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    match field {
        Some((name, schema)) => object.property(name, schema),
        None => object,
    }
}

/// A schema, or null.
pub(crate) fn nullable(schema: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    OneOfBuilder::new().item(schema).item(null).into()
}

/// A reference to a schema that has a name.
pub(crate) fn named<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

impl PartialSchema for IntentGiven {
    fn schema() -> RefOr<Schema> {
        let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(KINDS));
        let to = OneOfBuilder::new()
            .item(named::<Name>())
            .item(named::<Number>())
            .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
            .description(Some(
                "`\"previous\"` (unless something else is said), a version, or as a number that \
                 of a deployment",
            ));
        let number = || nullable(named::<Number>());
        OneOfBuilder::new()
            .item(words)
            .item(variant("deploy", None))
            .item(variant("rollback", Some(("to", to.into()))))
            .item(variant("roll_forward", Some(("mends", number()))))
            .item(variant("retry", Some(("of", number()))))
            .item(variant("unknown", None))
            .into()
    }
}

impl ToSchema for IntentGiven {
    fn name() -> std::borrow::Cow<'static, str> {
        "IntentGiven".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Name::name().into(), Name::schema()));
        schemas.push((Number::name().into(), Number::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    fn to(json: &str) -> RollbackTo {
        let intent = format!(r#"{{"kind": "rollback", "to": {json}}}"#);
        body::parse::<IntentGiven>(intent.as_bytes()).unwrap().to.unwrap().into()
    }

    #[test]
    fn a_number_is_a_deployment_and_a_text_a_version() {
        assert_eq!(to("38"), RollbackTo::Number(DeploymentNumber(38)));
        assert_eq!(to("\"38\""), RollbackTo::Version("38".parse().unwrap()));
        assert_eq!(to("\"previous\""), RollbackTo::Previous);
    }

    #[test]
    fn a_word_stands_for_its_object() {
        assert_eq!(body::parse::<IntentGiven>(b"\"retry\"").unwrap().kind, Kind::Retry);
    }

    #[test]
    fn what_says_nothing_is_refused_where_it_stands() {
        for (json, pointer) in [
            (r#"{"kind": "rollback", "to": 0}"#, "/to"),
            (r#"{"kind": "rollback", "to": -1}"#, "/to"),
            (r#"{"kind": "rollback", "to": 1.5}"#, "/to"),
            (r#"{"kind": "rollback", "to": ""}"#, "/to"),
            (r#"{"kind": "undo"}"#, "/kind"),
            (r#"{"kind": "deploy", "to": 1}"#, ""),
            (r#"{"kind": "deploy", "why": 1}"#, "/why"),
            (r#"{"to": 1}"#, "/kind"),
            ("7", ""),
        ] {
            let problem = body::parse::<IntentGiven>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer, "{json}");
        }
    }
}
