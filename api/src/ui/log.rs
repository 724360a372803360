//! The log itself: its end, or from any place on.

use std::collections::VecDeque;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use futures::{StreamExt as _, TryStreamExt as _, future};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};
use shiplog_projections::{
    history::{self, Filter},
    page::Page,
    view::View,
};
use shiplog_store::{
    log::{LogFault, Recorded},
    position::GlobalPosition,
};

use super::{
    deployment::EventLine,
    form,
    frame::{Frame, Section, Shell, Watched, page},
};
use crate::{app::App, events, problem::Problem, query::Query, views::AtLeast};

/// Back to how many deployments the end of the log reaches.
const TAIL_DEPLOYMENTS: usize = 20;

/// How many events are looked at for one page.
const LOOKED_AT: usize = 20_000;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    events: Vec<EventLine>,
    tail: bool,
    stream: String,
    kind: String,
    after: String,
    active: Vec<(String, String)>,
    next: Option<String>,
    json: String,
}

/// The events, as they are asked for.
pub(super) async fn show(
    State(app): State<App>,
    shell: Shell,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = form::query(raw.as_deref(), &["after", "limit", "stream", "type"])?;
    let limit = query.limit()?;
    let stream = query.sized("stream", 1..=1_500)?.map(StreamName::recorded);
    let kind = query.sized("type", 1..=200)?;
    let after = query.read("after", events::position)?;
    let tail = after.is_none() && stream.is_none();
    let after = match after {
        Some(after) => after,
        None if tail => near_the_end(&app, &at_least).await?,
        None => None,
    };
    let (mut found, more) =
        read(&app, (stream.as_ref(), after), kind.as_deref(), (tail, limit)).await?;
    let next = more.map(|last| query.next("/log", ("after", &last.to_string())));
    if tail {
        found.reverse();
    }
    let frame = Frame::new(shell, Section::Log, "Log");
    let frame = Frame { position: app.log.head().await?, ..frame };
    let frame = match &stream {
        Some(stream) => frame.watching(Watched::Stream(stream.to_string())),
        None if tail => frame.watching(Watched::Log),
        None => frame,
    };
    let peek = |name| query.peek(name).unwrap_or_default().to_owned();
    let shown = LogPage {
        frame,
        events: found,
        tail,
        stream: peek("stream"),
        kind: peek("type"),
        after: peek("after"),
        active: query.given(&["stream", "type", "after"], "/log"),
        next: next.filter(|_| !tail),
        json: json(&query, after),
    };
    page(&app, &shown.frame, &shown)
}

/// The same as JSON, but for the type: programs choose by that themselves.
fn json(query: &Query, after: Option<GlobalPosition>) -> String {
    let after = after.map_or_else(|| "0".into(), |after| after.to_string());
    let stream = query.peek("stream").map(|stream| ("stream", stream));
    match stream {
        Some(_) => query.without("/v1/events", &["type"]),
        None => format!("/v1/events?after={after}"),
    }
}

/// A place from which on the log is what happened lately: where the oldest of the last deployments
/// was told of last. Positions have no arithmetic, so there is no counting back from the head.
async fn near_the_end(app: &App, at_least: &AtLeast) -> Result<Option<GlobalPosition>, Problem> {
    at_least.seen_by(&app.models.history).await?;
    let wanted = Page::first(TAIL_DEPLOYMENTS);
    let ask = move |view: &View<'_>| history::list(view, &Filter::default(), &wanted);
    let latest = app.models.history.query(ask).await?.value;
    let all = latest.next.is_none();
    Ok(latest.items.iter().map(|entry| entry.position).min().filter(|_| !all))
}

/// Reads events, and where the next ones come after: the last of them for the end of the log, else
/// the first. One that cannot be read is there in its place.
async fn read(
    app: &App,
    (stream, after): (Option<&StreamName>, Option<GlobalPosition>),
    kind: Option<&str>,
    (tail, limit): (bool, usize),
) -> Result<(Vec<EventLine>, Option<GlobalPosition>), Problem> {
    let records = match stream {
        Some(stream) => app.log.read_stream(stream, None),
        None => app.log.read_all(after),
    };
    let mut lines = records
        .map(line)
        .try_filter(|(position, _)| future::ready(Some(*position) > after))
        .take(LOOKED_AT);
    let _turn = app.models.turn().await?;
    let (mut found, mut looked, mut last) = (VecDeque::new(), 0, None);
    while let Some((position, line)) = lines.try_next().await? {
        looked += 1;
        if !tail && found.len() == limit {
            return Ok((found.into(), last));
        }
        last = Some(position);
        if kind.is_none_or(|kind| line.kind == kind) {
            found.push_back(line);
        }
        if found.len() > limit {
            found.pop_front();
        }
    }
    Ok((found.into(), last.filter(|_| looked == LOOKED_AT)))
}

/// What is read, as a line of the page; a fault that ends the reading is one.
fn line(
    read: Result<Recorded<EncodedEvent>, LogFault>,
) -> Result<(GlobalPosition, EventLine), LogFault> {
    match read {
        Ok(recorded) => Ok((recorded.position, recorded.into())),
        Err(LogFault::Unreadable(unreadable)) => Ok((unreadable.position, unreadable.into())),
        Err(fault) => Err(fault),
    }
}
