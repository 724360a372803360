//! The log itself: by position, or live.

pub(crate) mod fan_out;
mod live;
mod subscriber;

use std::num::ParseIntError;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, TryStreamExt as _, future};
use serde::Serialize;
use serde_json::value::RawValue;
use shiplog_domain::{
    metadata::{CorrelationId, EventId, IdempotencyKey, RequestDigest, Source},
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::{
    entry::{self, Entry},
    log::{LogFault, Recorded, Unreadable},
    position::GlobalPosition,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::Problem,
    query::Query,
    shapes::{Actor, Moment},
};

const PATH: &str = "/v1/events";

/// The most bytes of the data of a page, but for its last event.
const PAGE_BYTES: usize = 4 << 20;

/// The highest position that any log has.
const MAX_POSITION: u64 = i64::MAX as u64;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_events)).routes(routes!(live::follow_events))
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    pub(crate) items: Vec<EventItem>,
    /// Where the next page starts, for `after` or `cursor`.
    pub(crate) next: Option<String>,
}

/// What stands in the place of the type of an event that cannot be read.
pub(crate) const UNREADABLE: &str = "Unreadable";

/// What the log has at a position.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EventItem {
    Event(Box<EventShape>),
    Unreadable(UnreadableShape),
}

/// An event that is in the log and cannot be read.
#[derive(Serialize, ToSchema)]
#[schema(as = UnreadableEvent)]
pub(crate) struct UnreadableShape {
    #[schema(minimum = 1)]
    position: u64,
    /// Which stream; null if that cannot be read.
    stream: Option<String>,
    /// Its place in the stream, from 0; null if that cannot be read.
    #[schema(minimum = 0)]
    version: Option<u64>,
    #[serde(rename = "type")]
    event_type: UnreadableWord,
    /// What is wrong with it.
    unreadable: String,
}

/// Stands in the place of the event's type.
#[derive(Serialize, ToSchema)]
enum UnreadableWord {
    Unreadable,
}

/// What is read, with what cannot be read in its place; any other fault is one.
pub(crate) fn item(read: Result<Recorded<EncodedEvent>, LogFault>) -> Result<EventItem, LogFault> {
    entry::of(read).map(EventItem::from)
}

impl From<Entry> for EventItem {
    fn from(entry: Entry) -> Self {
        match entry {
            Ok(recorded) => recorded.into(),
            Err(unreadable) => Self::Unreadable(unreadable.into()),
        }
    }
}

impl From<Recorded<EncodedEvent>> for EventItem {
    fn from(recorded: Recorded<EncodedEvent>) -> Self {
        Self::Event(Box::new(recorded.into()))
    }
}

impl EventItem {
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::Event(event) => event.position,
            Self::Unreadable(unreadable) => unreadable.position,
        }
    }

    /// How many bytes its data have.
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.data.get().len(),
            Self::Unreadable(unreadable) => unreadable.unreadable.len(),
        }
    }

    /// What a live stream calls it.
    pub(crate) fn event_type(&self) -> &str {
        match self {
            Self::Event(event) => &event.event_type,
            Self::Unreadable(_) => UNREADABLE,
        }
    }
}

impl From<Unreadable> for UnreadableShape {
    fn from(Unreadable { position, stream, version, problem }: Unreadable) -> Self {
        Self {
            position: position.0,
            stream: stream.map(|stream| stream.to_string()),
            version: version.map(|version| version.0),
            event_type: UnreadableWord::Unreadable,
            unreadable: problem,
        }
    }
}

/// An event as the log has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventShape {
    #[schema(minimum = 1)]
    position: u64,
    stream: String,
    /// Its place in the stream, from 0.
    #[schema(minimum = 0)]
    version: u64,
    #[schema(value_type = String)]
    id: EventId,
    /// What happened: `DeploymentSucceeded`.
    #[serde(rename = "type")]
    event_type: String,
    /// Which shape `data` has, from 1.
    #[schema(minimum = 1)]
    schema: u16,
    /// The oldest schema whose readers may read `data`.
    #[schema(minimum = 1)]
    readable_from: u16,
    /// Whether a reader that does not know the type may pass over it.
    ignorable: bool,
    recorded_at: Moment,
    actor: Actor,
    /// As it was written.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    #[schema(value_type = String)]
    idempotency_key: IdempotencyKey,
    #[schema(value_type = String)]
    request_digest: RequestDigest,
    #[schema(value_type = String)]
    correlation_id: CorrelationId,
    /// The event that led here.
    #[schema(value_type = Option<String>)]
    causation_id: Option<EventId>,
    /// Which outside system said so.
    #[schema(value_type = Option<Object>)]
    source: Option<Source>,
}

impl From<Recorded<EncodedEvent>> for EventShape {
    fn from(recorded: Recorded<EncodedEvent>) -> Self {
        let Recorded { position, stream, version, recorded_at, id, metadata, event } = recorded;
        let EncodedEvent { event_type, schema, readable_from, ignorable, data } = event;
        Self {
            position: position.0,
            stream: stream.to_string(),
            version: version.0,
            id,
            event_type: event_type.into_owned(),
            schema,
            readable_from,
            ignorable,
            recorded_at: Moment(recorded_at),
            actor: (&metadata.actor).into(),
            data: raw(data),
            idempotency_key: metadata.idempotency_key,
            request_digest: metadata.request_digest,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            source: metadata.source,
        }
    }
}

/// The JSON as it was written; damaged bytes are null, for `verify` to find.
fn raw(data: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8(data).ok();
    text.and_then(|text| RawValue::from_string(text).ok())
        .unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// Reads a position from outside; 0 is before the first event.
pub(crate) fn position(text: &str) -> Result<Option<GlobalPosition>, String> {
    let wrong = || format!("`{text}` is not a position from 0 to {MAX_POSITION}");
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse::<u64>().map_err(|_: ParseIntError| wrong())?;
    if !digits || position > MAX_POSITION {
        return Err(wrong());
    }
    Ok((position > 0).then_some(GlobalPosition(position)))
}

/// List the events of the log, or of one stream, in the order of the log.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(crate::openapi::EventParams),
    responses((status = 200, description = "A page of events", body = EventList)))]
async fn list_events(State(app): State<App>, RawQuery(raw): RawQuery) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["after", "cursor", "limit", "stream"])?;
    let (limit, stream) = (query.limit()?, query.sized("stream", 1..=1_500)?);
    let after = query.read("after", position)?;
    let cursor = query.read("cursor", position).map_err(|problem| problem.coded("bad-cursor"))?;
    let after = cursor.or(after).flatten();
    let _turn = app.models.turn().await?;
    let head = app.log.head().await?;
    let stream = stream.map(StreamName::recorded);
    let records = match &stream {
        Some(stream) => app.log.read_stream(stream, None),
        None => app.log.read_all(after),
    };
    let from = after.map_or(0, |after| after.0);
    let mut records = records.map(item).try_filter(|item| future::ready(item.position() > from));
    let (mut items, mut bytes, mut more) = (Vec::<EventItem>::new(), 0, false);
    while let Some(item) = records.try_next().await? {
        more = items.len() == limit || bytes >= PAGE_BYTES;
        if more {
            break;
        }
        bytes += item.bytes();
        items.push(item);
    }
    let next = items.last().filter(|_| more).map(|last| last.position().to_string());
    let link = next.as_ref().map(|next| link(&query, next));
    Ok((app.receipt(head), link, Json(EventList { items, next })).into_response())
}

fn link(query: &Query, next: &str) -> [(HeaderName, String); 1] {
    let next = query.next(PATH, ("after", next));
    [(header::LINK, format!("<{next}>; rel=\"next\""))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_plain_numbers() {
        assert_eq!(position("0"), Ok(None));
        assert_eq!(position("17"), Ok(Some(GlobalPosition(17))));
        for text in ["", "-1", "+1", "x", "9223372036854775808"] {
            assert!(position(text).is_err(), "{text}");
        }
    }

    #[test]
    fn data_is_as_it_was_written() {
        assert_eq!(raw(b"{\"b\": 1,  \"a\":2}".to_vec()).get(), "{\"b\": 1,  \"a\":2}");
        assert_eq!(raw(b"\xff".to_vec()).get(), "null");
    }
}
