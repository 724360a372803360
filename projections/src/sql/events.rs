//! The log as a table: every record as it was written.

use jiff::Timestamp;
use rusqlite::{Transaction, params};
use serde::Deserialize;
use shiplog_domain::{
    environment,
    lane::LaneId,
    metadata::{ActorKind, EventId, Metadata},
    release::ReleaseId,
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::position::{GlobalPosition, StreamVersion};

use super::times::text;
use crate::projection::{ApplyError, Written};

/// One record, wherever its parts are kept.
struct Record<'r> {
    position: GlobalPosition,
    stream: &'r StreamName,
    version: StreamVersion,
    recorded_at: Timestamp,
    id: EventId,
    metadata: &'r Metadata,
    event: &'r EncodedEvent,
}

/// What most payloads say; one of a future Shiplog may say it otherwise, or not at all.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    at: Option<Timestamp>,
    number: Option<u32>,
}

pub(super) fn keep(tables: &Transaction<'_>, written: Written<'_>) -> Result<(), ApplyError> {
    for (recorded, event) in written.events.iter().zip(written.encoded) {
        let (stream, metadata) = (&recorded.stream, &recorded.metadata);
        let (position, version) = (recorded.position, recorded.version);
        let (recorded_at, id) = (recorded.recorded_at, recorded.id);
        insert(tables, &Record { position, stream, version, recorded_at, id, metadata, event })?;
    }
    for recorded in written.skipped {
        let (stream, metadata) = (&recorded.stream, &recorded.metadata);
        let (position, version) = (recorded.position, recorded.version);
        let (recorded_at, id, event) = (recorded.recorded_at, recorded.id, &recorded.event);
        insert(tables, &Record { position, stream, version, recorded_at, id, metadata, event })?;
    }
    Ok(())
}

fn insert(tables: &Transaction<'_>, record: &Record<'_>) -> Result<(), ApplyError> {
    let Record { position, stream, version, recorded_at, id, metadata, event } = record;
    let Told { at, number } = serde_json::from_slice(&event.data).unwrap_or_default();
    let (service, environment) = subject(stream);
    tables
        .prepare_cached("INSERT INTO sql_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?
        .execute(params![
            position.0,
            stream.as_str(),
            version.0,
            id.to_string(),
            event.event_type,
            event.schema,
            text(*recorded_at),
            at.map(text),
            metadata.actor.id,
            kind(metadata.actor.kind),
            service,
            environment,
            number,
            String::from_utf8_lossy(&event.data),
            serde_json::to_string(metadata)?,
        ])?;
    Ok(())
}

/// The service and the environment that a stream is about.
fn subject(stream: &StreamName) -> (Option<String>, Option<String>) {
    if let Some(LaneId { service, environment }) = LaneId::from_stream(stream) {
        return (Some(service.to_string()), Some(environment.to_string()));
    }
    let service = ReleaseId::from_stream(stream).map(|release| release.service.to_string());
    let environment = environment::from_stream(stream).map(|environment| environment.to_string());
    (service, environment)
}

/// The word for a kind of actor.
pub(super) fn kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "person",
        ActorKind::Service => "service",
        ActorKind::System => "system",
    }
}
