//! The log as server-sent events: what was recorded after a position, then what is.

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt as _, stream};
use shiplog_store::{log::LogFault, position::GlobalPosition};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{EventItem, item, position};
use crate::{app::App, problem::Problem, query::Query};

/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(3);

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How many events wait for a slow client before the log is read no further, and how many bytes they
/// have; one waits whatever its size.
const AHEAD: usize = 64;
const AHEAD_BYTES: u32 = 256 * 1024;

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
    let mut events = follow(app, after);
    let hello = Event::default().retry(RETRY).comment("live");
    let events = stream::poll_fn(move |context| events.poll_recv(context)).map(written);
    let stream = stream::once(async { hello }).chain(events).map(Ok::<_, Infallible>);
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((receipt, unbuffered, sse).into_response())
}

enum Start {
    Head,
    After(Option<GlobalPosition>),
}

fn start(text: &str) -> Result<Start, String> {
    if text == "head" { Ok(Start::Head) } else { position(text).map(Start::After) }
}

/// An event that waits for its client, and the room that it takes.
struct Waiting {
    item: EventItem,
    _room: OwnedSemaphorePermit,
}

/// Reads the log for one client, until that goes away or the server stops.
fn follow(app: App, after: Option<GlobalPosition>) -> mpsc::Receiver<Waiting> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let room = Arc::new(Semaphore::new(AHEAD_BYTES as usize));
    tokio::spawn(async move {
        let mut stopping = app.stopping();
        let sent = async {
            let mut records = app.log.subscribe(after);
            while let Some(record) = records.next().await {
                match item(record) {
                    Ok(item) => {
                        let bytes = u32::try_from(item.bytes()).unwrap_or(u32::MAX);
                        let room = Arc::clone(&room).acquire_many_owned(bytes.min(AHEAD_BYTES));
                        // Never closed.
                        let Ok(room) = room.await else { return };
                        if sender.send(Waiting { item, _room: room }).await.is_err() {
                            return;
                        }
                    }
                    Err(fault) => return ended(&fault),
                }
            }
        };
        tokio::select! {
            () = sent => {}
            () = sender.closed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    receiver
}

fn ended(fault: &LogFault) {
    tracing::warn!(error = fault as &dyn Error, "a live stream of events ended");
}

fn written(Waiting { item, .. }: Waiting) -> Event {
    let (id, kind) = (item.position().to_string(), item.event_type().to_owned());
    // Our own structs have string keys and finite numbers, so nothing can fail.
    let data = serde_json::to_string(&item).unwrap_or_default();
    // A line break would end the field; JSON means the same without.
    Event::default().id(id).event(kind).data(data.replace(['\n', '\r'], " "))
}
