//! Who: as it is answered, and as it is given.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use shiplog_domain::metadata::{self, ActorKind, Via};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type},
};

use super::{CONTROL_FREE, Text};

/// Who is answerable, and how that is known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Actor {
    #[schema(value_type = ActorKindWord)]
    kind: ActorKind,
    /// Opaque and stable.
    id: String,
    /// What people call them.
    name: Option<String>,
    #[schema(value_type = ViaWord)]
    via: Via,
}

impl From<&metadata::Actor> for Actor {
    fn from(actor: &metadata::Actor) -> Self {
        let metadata::Actor { kind, id, name, via } = actor.clone();
        Self { kind, id, name, via }
    }
}

impl From<Actor> for metadata::Actor {
    fn from(Actor { kind, id, name, via }: Actor) -> Self {
        Self { kind, id, name, via }
    }
}

macro_rules! words {
    ($name:ident as $title:literal: $($word:literal)|+) => {
        enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }
        }
    };
}

words!(ActorKindWord as "ActorKind": "person" | "service" | "system");
words!(ViaWord as "Via": "claimed" | "token" | "oidc" | "webhook");

/// Who, as a caller gives it: an object, or an id like `ana` or `service:ci`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct ActorGiven(pub(crate) metadata::Actor);

impl ActorGiven {
    fn claimed(kind: ActorKind, id: Id, name: Option<Text<0, 200>>) -> Self {
        let name = name.map(Into::into);
        Self(metadata::Actor { kind, id: id.0, name, via: Via::Claimed })
    }
}

/// What an actor's id may be.
struct Id(String);

/// A text that is nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor's id takes 1 to 200 characters, any but control characters")]
pub(crate) struct ActorError;

impl FromStr for Id {
    type Err = ActorError;
    fn from_str(text: &str) -> Result<Self, ActorError> {
        let fits = (1..=200).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(ActorError)
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl FromStr for ActorGiven {
    type Err = ActorError;
    fn from_str(text: &str) -> Result<Self, ActorError> {
        let prefixes = [
            ("person:", ActorKind::Person),
            ("service:", ActorKind::Service),
            ("system:", ActorKind::System),
        ];
        let (kind, id) = prefixes
            .into_iter()
            .find_map(|(prefix, kind)| {
                let id = text.strip_prefix(prefix).filter(|id| !id.is_empty())?;
                Some((kind, id))
            })
            .unwrap_or((ActorKind::Person, text));
        Ok(Self::claimed(kind, id.parse()?, None))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: Option<ActorKind>,
    id: Id,
    name: Option<Text<0, 200>>,
}

struct ActorVisitor;

impl<'de> Visitor<'de> for ActorVisitor {
    type Value = ActorGiven;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an actor's id, or an object with `kind`, `id` and `name`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ActorGiven, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ActorGiven, A::Error> {
        let Fields { kind, id, name } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ActorGiven::claimed(kind.unwrap_or(ActorKind::Person), id, name))
    }
}

impl<'de> Deserialize<'de> for ActorGiven {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActorVisitor)
    }
}

impl PartialSchema for ActorGiven {
    fn schema() -> RefOr<Schema> {
        let id = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(200))
                .pattern(Some(CONTROL_FREE))
        };
        let name = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
            .max_length(Some(200));
        let kind = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
            .enum_values(Some([Some("person"), Some("service"), Some("system"), None]));
        let object = ObjectBuilder::new()
            .property("kind", kind)
            .property("id", id())
            .property("name", name)
            .required("id")
            .additional_properties(Some(
                utoipa::openapi::schema::AdditionalProperties::<Schema>::FreeForm(false),
            ));
        OneOfBuilder::new()
            .item(id().description(Some("an id: `ana`, `person:ana`, `service:ci`, `system:cron`")))
            .item(object)
            .into()
    }
}

impl ToSchema for ActorGiven {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (ActorKind, String) {
        let ActorGiven(actor) = text.parse().unwrap();
        (actor.kind, actor.id)
    }

    #[test]
    fn an_id_may_say_its_kind() {
        assert_eq!(read("ana"), (ActorKind::Person, "ana".into()));
        assert_eq!(read("service:ci"), (ActorKind::Service, "ci".into()));
        assert_eq!(read("urn:ana"), (ActorKind::Person, "urn:ana".into()));
        assert_eq!(read("system:"), (ActorKind::Person, "system:".into()));
    }

    #[test]
    fn an_object_says_who_and_nothing_else() {
        let problem = crate::body::parse::<ActorGiven>(br#"{"id": "a", "via": "oidc"}"#);
        assert_eq!(problem.unwrap_err().errors[0].pointer, "/via");
    }
}
