//! Reading the past and the future.

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Decoded, EncodedEvent, Payload, Schema, Upcaster, WireEvent};

/// Why a recorded event cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not what its type and schema say.
    #[error("`{event_type}` of schema {schema} is damaged: {problem}")]
    Damaged {
        /// Its type.
        event_type: String,
        /// Its schema.
        schema: u16,
        /// What the reader stumbled over.
        problem: String,
    },
    /// A newer Shiplog wrote it and says that this one would misread it.
    #[error(
        "`{event_type}` has schema {found}, readable from {readable_from} on; this binary knows \
         up to {newest}: a newer Shiplog is needed"
    )]
    TooNew {
        /// Its type.
        event_type: String,
        /// Its schema.
        found: u16,
        /// The oldest schema whose readers may read it.
        readable_from: u16,
        /// The newest schema known here.
        newest: u16,
    },
    /// A newer Shiplog wrote it and says that it must not be passed over.
    #[error(
        "`{event_type}` is unknown here and must not be passed over: a newer Shiplog is needed"
    )]
    Unknown {
        /// Its type.
        event_type: String,
    },
}

pub(super) fn decode<E: WireEvent>(stored: &EncodedEvent) -> Result<Decoded<E>, DecodeError> {
    match prepare::<E>(stored)? {
        Decoded::Known((payload, strict)) => E::read(&stored.event_type, payload, strict)
            .map(Decoded::Known)
            .map_err(|problem| damaged(stored, problem)),
        Decoded::Skippable { event_type, schema } => Ok(Decoded::Skippable { event_type, schema }),
    }
}

/// The payload in the newest schema that is known here, as JSON.
pub(super) fn newest<E: WireEvent>(
    stored: &EncodedEvent,
) -> Result<Decoded<Cow<'_, [u8]>>, DecodeError> {
    Ok(prepare::<E>(stored)?.map(|(payload, _)| match payload {
        Payload::Written(bytes) => Cow::Borrowed(bytes),
        Payload::Lifted(data) => Cow::Owned(write(&data)),
    }))
}

/// A payload that can be read here, and whether strictly.
fn prepare<E: WireEvent>(
    stored: &EncodedEvent,
) -> Result<Decoded<(Payload<'_>, bool)>, DecodeError> {
    let Some(known) = E::SCHEMAS.iter().find(|known| known.event_type == stored.event_type) else {
        return unknown(stored);
    };
    if stored.schema > known.newest {
        return future(stored, known);
    }
    let damaged = |problem| damaged(stored, problem);
    let steps = steps(stored, known.newest, E::UPCASTERS).map_err(damaged)?;
    let payload = if steps.iter().all(|step| step.lift.is_none()) {
        Payload::Written(&stored.data)
    } else {
        Payload::Lifted(lift(stored, &steps).map_err(damaged)?)
    };
    Ok(Decoded::Known((payload, true)))
}

fn damaged(stored: &EncodedEvent, problem: String) -> DecodeError {
    let (event_type, schema) = (stored.event_type.to_string(), stored.schema);
    DecodeError::Damaged { event_type, schema, problem }
}

/// What is done with a type that this reader has never heard of.
pub(super) fn unknown<E>(stored: &EncodedEvent) -> Result<Decoded<E>, DecodeError> {
    if stored.ignorable {
        Ok(skippable(stored))
    } else {
        Err(DecodeError::Unknown { event_type: stored.event_type.to_string() })
    }
}

fn future<'s>(
    stored: &'s EncodedEvent,
    known: &Schema,
) -> Result<Decoded<(Payload<'s>, bool)>, DecodeError> {
    if stored.readable_from <= known.newest {
        return Ok(Decoded::Known((Payload::Written(&stored.data), false)));
    }
    if stored.ignorable {
        return Ok(skippable(stored));
    }
    Err(DecodeError::TooNew {
        event_type: stored.event_type.to_string(),
        found: stored.schema,
        readable_from: stored.readable_from,
        newest: known.newest,
    })
}

fn skippable<E>(stored: &EncodedEvent) -> Decoded<E> {
    Decoded::Skippable { event_type: stored.event_type.to_string(), schema: stored.schema }
}

/// The steps from the schema that an event was written in to the newest one.
fn steps<'u>(
    stored: &EncodedEvent,
    newest: u16,
    upcasters: &'u [Upcaster],
) -> Result<Vec<&'u Upcaster>, String> {
    (stored.schema..newest)
        .map(|schema| {
            upcasters
                .iter()
                .find(|step| step.event_type == stored.event_type && step.from == schema)
                .ok_or_else(|| format!("nothing lifts schema {schema}"))
        })
        .collect()
}

fn lift(stored: &EncodedEvent, steps: &[&Upcaster]) -> Result<Map<String, Value>, String> {
    let mut data: Map<String, Value> =
        serde_json::from_slice(&stored.data).map_err(|error| error.to_string())?;
    for lift in steps.iter().filter_map(|step| step.lift) {
        lift(&mut data)?;
    }
    Ok(data)
}

/// Writes a payload. Our own structs have string keys and finite numbers, so nothing can fail.
pub(super) fn write<T: Serialize>(data: &T) -> Vec<u8> {
    serde_json::to_vec(data).unwrap_or_default()
}

/// Reads a payload; where `strict`, a field that nothing reads is an error.
pub(super) fn read<T: DeserializeOwned>(payload: Payload<'_>, strict: bool) -> Result<T, String> {
    let mut stray = None;
    let mut note = |path: serde_ignored::Path<'_>| {
        stray.get_or_insert_with(|| path.to_string());
    };
    let read = match payload {
        Payload::Written(bytes) => {
            let mut reader = serde_json::Deserializer::from_slice(bytes);
            let read = serde_ignored::deserialize(&mut reader, &mut note);
            read.and_then(|read| reader.end().map(|()| read))
        }
        Payload::Lifted(data) => serde_ignored::deserialize(Value::Object(data), &mut note),
    };
    let read = read.map_err(|error| error.to_string())?;
    match stray {
        Some(path) if strict => Err(format!("nothing reads `{path}`")),
        Some(_) | None => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lane::Succeeded;

    fn lifted(strict: bool) -> Result<Succeeded, String> {
        let data = json!({"number": 1, "at": "2026-03-01T10:05:00Z", "mood": "grim"});
        let Value::Object(data) = data else { unreachable!() };
        read(Payload::Lifted(data), strict)
    }

    #[test]
    fn what_was_lifted_is_read_as_strictly_as_what_was_written() {
        assert_eq!(lifted(true), Err("nothing reads `mood`".into()));
        let read = lifted(false).unwrap();
        let written = br#"{"number":1,"at":"2026-03-01T10:05:00Z"}"#;
        assert_eq!(write(&read), written);
    }

    #[test]
    fn of_several_fields_that_nothing_reads_the_first_is_named() {
        let data = br#"{"who":"ada","number":1,"at":"2026-03-01T10:05:00Z","mood":"grim"}"#;
        let read = read::<Succeeded>(Payload::Written(data), true);
        assert_eq!(read, Err("nothing reads `who`".into()));
    }
}
