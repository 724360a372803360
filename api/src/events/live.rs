//! The log as server-sent events: what was recorded after a position, then what is.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use shiplog_store::{entry::Entry, position::GlobalPosition};
use tokio::time::sleep;

use super::{EventItem, position, subscriber::Subscriber};
use crate::{app::App, problem::Problem, query::Query};

/// What each stream begins with: that it is there, and that a client comes back after 3 s.
const HELLO: &[u8] = b": live\nretry: 3000\n\n";

/// How often a silent stream says that it is alive, and how.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const ALIVE: &[u8] = b":\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Follow the log: server-sent events, each with its position as `id` and its type as `event`.
///
/// Starts after `Last-Event-ID`, else after `after` (a position, or `head`), else with what is
/// recorded from now on. Nothing is skipped and nothing repeated. When the server stops, the
/// stream ends; come back with the last id.
#[utoipa::path(get, path = "/v1/events/live", tag = "events",
    params(crate::openapi::LiveParams),
    responses((status = 200, description = "Events as they are recorded", body = String,
        content_type = "text/event-stream")))]
pub(super) async fn follow_events(
    State(app): State<App>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["after"])?;
    let asked = query.read("after", start)?;
    let seen = headers.get(LAST_EVENT_ID).map(|value| {
        let text = value.to_str().map_err(|_| "it is no position".to_owned());
        text.and_then(position).map_err(|detail| Problem::at("Last-Event-ID", detail))
    });
    let head = app.log.head().await?;
    let after = match (seen.transpose()?, asked) {
        (Some(after), _) | (None, Some(Start::After(after))) => after,
        (None, Some(Start::Head) | None) => head,
    };
    let receipt = app.receipt(head);
    let subscriber = Subscriber::new(Arc::clone(&app.log), Arc::clone(&app.live), after, head);
    let mut stopping = app.stopping();
    let stopped = async move { _ = stopping.wait_for(|stopping| *stopping).await };
    let hello = stream::once(async { Bytes::from_static(HELLO) });
    let stream = hello.chain(alive(events(subscriber))).take_until(stopped.boxed());
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((receipt, headers, Body::from_stream(stream.map(Ok::<_, Infallible>))).into_response())
}

enum Start {
    Head,
    After(Option<GlobalPosition>),
}

fn start(text: &str) -> Result<Start, String> {
    if text == "head" { Ok(Start::Head) } else { position(text).map(Start::After) }
}

/// What a subscriber gets, as it is sent.
fn events(subscriber: Subscriber) -> impl Stream<Item = Bytes> {
    stream::unfold(subscriber, |mut subscriber| async {
        let entry = subscriber.next().await?;
        Some((frame(entry), subscriber))
    })
}

/// The same, and a comment whenever nothing has come for a while.
fn alive(events: impl Stream<Item = Bytes>) -> impl Stream<Item = Bytes> {
    let events = Box::pin(events);
    stream::unfold(events, |mut events| async {
        let mut next = pin!(events.next());
        let frame = tokio::select! {
            frame = &mut next => frame?,
            () = sleep(KEEP_ALIVE) => Bytes::from_static(ALIVE),
        };
        Some((frame, events))
    })
}

/// An event as it is sent.
fn frame(entry: Entry) -> Bytes {
    let item = EventItem::from(entry);
    let (id, kind) = (item.position(), item.event_type().to_owned());
    // Our own structs have string keys and finite numbers, so nothing can fail.
    let mut data = serde_json::to_string(&item).unwrap_or_default();
    if data.contains(['\n', '\r']) {
        // A line break would end the field; JSON means the same without.
        data = data.replace(['\n', '\r'], " ");
    }
    [&format!("id: {id}\nevent: {kind}\ndata: "), &*data, "\n\n"].concat().into()
}
