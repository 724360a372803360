//! Objects that are objects: derived readers would take an array for one, field by field.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Something that is written as a JSON object and as nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    #[derive(Debug, Deserialize)]
    struct Pair {
        #[expect(dead_code, reason = "only its parsing counts")]
        one: u8,
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(parse::<Pair>(b"[1]").is_ok());
        let problem = parse::<Object<Pair>>(b"[1]").unwrap_err();
        assert!(problem.errors[0].detail.starts_with("invalid type: sequence, expected an object"));
        assert_eq!(parse::<Object<Pair>>(b"{}").unwrap_err().errors[0].pointer, "/one");
    }
}
