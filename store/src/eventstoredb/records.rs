//! Events as the cluster keeps them, and back.
//!
//! An event's type is its name, its data the JSON that we were given. Its metadata is what the
//! other users of a cluster look for, and beside it what we keep of an event:
//!
//! ```json
//! {"$correlationId": "…", "$causationId": "…", "schema": 1, "readable_from": 1,
//!  "ignorable": false, "recorded_at": "2026-01-31T12:00:00.123456Z", "actor": {…},
//!  "idempotency_key": "…", "request_digest": "…", "source": {…}}
//! ```

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use eventstore::RecordedEvent;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shiplog_domain::{
    metadata::{Actor, CorrelationId, EventId, IdempotencyKey, Metadata, RequestDigest, Source},
    stream::StreamName,
    wire::{DomainEvent, EncodedEvent},
};

use super::{scope::Scope, settings, wire::Proposed};
use crate::{
    log::{NewEvent, Recorded, Unreadable},
    position::{GlobalPosition, StreamVersion},
};

/// What tells our metadata from that of others: every event of ours has it.
const MARK: &str = "request_digest";

/// The metadata as it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "$correlationId")]
    correlation_id: &'a CorrelationId,
    #[serde(rename = "$causationId", skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    schema: u16,
    readable_from: u16,
    ignorable: bool,
    recorded_at: Timestamp,
    actor: &'a Actor,
    idempotency_key: &'a IdempotencyKey,
    request_digest: RequestDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Source>,
    /// White space before and after the data, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<(&'a str, &'a str)>,
}

/// The metadata as it is read.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "$correlationId")]
    correlation_id: CorrelationId,
    #[serde(rename = "$causationId")]
    causation_id: Option<EventId>,
    schema: u16,
    readable_from: u16,
    ignorable: bool,
    recorded_at: Timestamp,
    actor: Actor,
    idempotency_key: IdempotencyKey,
    request_digest: RequestDigest,
    source: Option<Source>,
    around: Option<(String, String)>,
}

/// What the cluster has at a place.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is the large one, nearly always")]
pub(super) enum Found {
    /// An event of ours.
    Ours(Recorded<EncodedEvent>),
    /// What somebody else did to a stream of ours, or an event of ours that cannot be read.
    Damage(Unreadable),
    /// Something that does not concern us.
    Foreign,
}

/// Writes an event down, as recorded at `recorded_at`.
///
/// # Errors
///
/// What is no JSON.
pub(super) fn encode(
    event: &NewEvent,
    recorded_at: Timestamp,
) -> Result<Proposed, serde_json::Error> {
    let (json, metadata) = parts(event, recorded_at)?;
    let properties = [
        ("type".to_owned(), event.event.event_type.clone().into_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    Ok(Proposed {
        id: Some(event.id.0.into()),
        properties: properties.into_iter().collect(),
        metadata: metadata.into(),
        data: json.get().to_owned().into_bytes().into(),
    })
}

/// The data without the white space around it, and the metadata.
fn parts(
    event: &NewEvent,
    recorded_at: Timestamp,
) -> Result<(&RawValue, Vec<u8>), serde_json::Error> {
    let NewEvent { id: _, metadata, event } = event;
    let EncodedEvent { event_type: _, schema, readable_from, ignorable, data } = event;
    let Metadata { actor, idempotency_key, request_digest, correlation_id, causation_id, source } =
        &**metadata;
    let json: &RawValue = serde_json::from_slice(data)?;
    let written = Written {
        correlation_id,
        causation_id: *causation_id,
        schema: *schema,
        readable_from: *readable_from,
        ignorable: *ignorable,
        recorded_at,
        actor,
        idempotency_key,
        request_digest: *request_digest,
        source: source.as_ref(),
        around: around(data, json),
    };
    Ok((json, serde_json::to_vec(&written)?))
}

/// The white space around the JSON, which not every client leaves as it is.
fn around<'a>(data: &'a [u8], json: &RawValue) -> Option<(&'a str, &'a str)> {
    if json.get().len() == data.len() {
        return None;
    }
    let text = std::str::from_utf8(data).ok()?;
    let begin = text.len() - text.trim_start_matches(JSON_SPACE).len();
    let end = text.trim_end_matches(JSON_SPACE).len();
    text.get(..begin).zip(text.get(end..))
}

/// What JSON calls white space.
const JSON_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Reads what is at a place.
pub(super) fn decode(scope: &Scope, record: RecordedEvent) -> Found {
    if let Some(stream) = scope.of_settings(&record.stream_id) {
        let (position, stream) = (commit(&record), Some(stream));
        return settings::problem(&record).map_or(Found::Foreign, |problem| {
            Found::Damage(Unreadable { position, stream, version: None, problem })
        });
    }
    match scope.logical(&record.stream_id) {
        Some(stream) => ours(stream, record).map_or_else(Found::Damage, Found::Ours),
        None => Found::Foreign,
    }
}

/// Reads what is in a stream of ours.
fn ours(stream: StreamName, record: RecordedEvent) -> Result<Recorded<EncodedEvent>, Unreadable> {
    let damage = |problem: String| {
        let version = Some(StreamVersion(record.revision)).filter(|_| !is_tombstone(&record));
        let (position, stream) = (commit(&record), Some(stream.clone()));
        Unreadable { position, stream, version, problem }
    };
    if is_tombstone(&record) {
        return Err(damage("somebody has deleted the stream for ever".into()));
    }
    let read: Read = match serde_json::from_slice(&record.custom_metadata) {
        Ok(read) => read,
        Err(error) if is_marked(&record.custom_metadata) => {
            return Err(damage(format!("its metadata: {error}")));
        }
        Err(_) => {
            let kind = &record.event_type;
            return Err(damage(format!("Shiplog did not write the `{kind}` there")));
        }
    };
    let position = position(&record).map_err(damage)?;
    let data = match &read.around {
        None => record.data.to_vec(),
        Some((before, after)) => [before.as_bytes(), &record.data, after.as_bytes()].concat(),
    };
    Ok(Recorded {
        position,
        stream,
        version: StreamVersion(record.revision),
        recorded_at: read.recorded_at,
        id: EventId(record.id),
        metadata: Metadata {
            actor: read.actor,
            idempotency_key: read.idempotency_key,
            request_digest: read.request_digest,
            correlation_id: read.correlation_id,
            causation_id: read.causation_id,
            source: read.source,
        },
        event: EncodedEvent {
            event_type: lasting(record.event_type),
            schema: read.schema,
            readable_from: read.readable_from,
            ignorable: read.ignorable,
            data,
        },
    })
}

/// The one number that stands for the event's place in `$all`.
///
/// Whatever is written at once, as we write, has one record for each event, where preparing is
/// committing: both positions are that record's. Only the transactions of a protocol that is
/// gone had events with one commit position between them.
///
/// # Errors
///
/// What is wrong if the two differ, or if there are none: a server before 22.6 has none for the events of
/// a stream.
fn position(record: &RecordedEvent) -> Result<GlobalPosition, String> {
    let (commit, prepare) = (record.position.commit, record.position.prepare);
    if commit == prepare && commit < u64::MAX {
        Ok(GlobalPosition(commit))
    } else {
        Err(format!("it has the commit position `{commit}`, the prepare one `{prepare}`"))
    }
}

fn commit(record: &RecordedEvent) -> GlobalPosition {
    GlobalPosition(record.position.commit)
}

/// Whether it says that the stream is deleted for ever.
fn is_tombstone(record: &RecordedEvent) -> bool {
    record.event_type == "$streamDeleted"
}

/// Whether it is an event of ours, be it damaged or not.
pub(super) fn is_ours(scope: &Scope, record: &RecordedEvent) -> bool {
    scope.logical(&record.stream_id).is_some() && is_marked(&record.custom_metadata)
}

fn is_marked(metadata: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<_, _>>(metadata)
        .is_ok_and(|fields| fields.contains_key(MARK))
}

/// The name without an allocation for each event, where the domain knows it.
fn lasting(name: String) -> Cow<'static, str> {
    let known = DomainEvent::SCHEMAS.into_iter().flatten().map(|schema| schema.event_type);
    known.into_iter().find(|known| *known == name).map_or(Cow::Owned(name), Cow::Borrowed)
}
