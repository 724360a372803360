//! The states of a projection as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{RawQuery, State},
    http::HeaderName,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use shiplog_projections::definitions::Definition;
use tokio::sync::mpsc;

use super::{ScriptPath, show, states};
use crate::{app::App, problem::Problem, query::Query, views::AtLeast};

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The least time between two messages: who watches needs no more.
const PACE: Duration = Duration::from_millis(100);

/// Follow a projection: what it is doing and how far it is, each time that changes.
///
/// Each event is named `progress`, and its data is what `GET /v1/projections/{name}` answers; ask for
/// its state when its position has changed. The stream ends when the projection is defined anew or
/// dropped, and when the server stops.
#[utoipa::path(get, path = "/v1/projections/{name}/live", tag = "projections",
    params(crate::openapi::ScriptParam),
    responses((status = 200, description = "Each change", body = String,
        content_type = "text/event-stream")))]
pub(super) async fn follow_state(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let definition = states::script(&app, &name, &at_least).await?;
    let mut events = follow(app, definition);
    let events = stream::poll_fn(move |context| events.poll_recv(context));
    let events = futures::StreamExt::map(events, Ok::<_, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

/// Watches a projection for one client, until that goes away or the server stops.
fn follow(app: App, definition: Definition) -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut stopping = app.stopping();
        let sent = async {
            let Some(mut standing) = app.scripts.watch(&definition) else { return };
            loop {
                standing.borrow_and_update();
                let shown = show::of(&app, &definition).await;
                // Our own structs have string keys and finite numbers, so nothing can fail.
                let data = serde_json::to_string(&shown).unwrap_or_default();
                if sender.send(Event::default().event("progress").data(data)).await.is_err() {
                    return;
                }
                tokio::time::sleep(PACE).await;
                if standing.changed().await.is_err() {
                    return;
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
