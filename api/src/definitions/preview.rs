//! Trying a script on the history, or on a part of it, without keeping anything.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use serde::{Deserialize, Serialize};
use shiplog_domain::{
    names::{EnvironmentName, ServiceName},
    projection::{Language, ProjectionName},
    stream::StreamName,
};
use shiplog_projections::{
    script::{Preview, Slice, Stop},
    turn::Turn,
};
use shiplog_store::position::GlobalPosition;
use tokio::{sync::mpsc, time::timeout};
use utoipa::ToSchema;

use super::{define::LanguageWord, show::FaultShape, states::PartitionShape};
use crate::{
    app::App,
    body::Body,
    problem::{Problem, ProblemKind},
    shapes::{Moment, Name, Text},
};

/// Where a script is tried.
pub(crate) const PATH: &str = "/v1/projections/preview";

/// How long a preview may take.
const LONGEST: Duration = Duration::from_mins(5);

/// How many run at once; more wait for their turn.
pub(crate) const AT_ONCE: usize = 2;

/// What a script is called in stack traces while it has no name.
const UNNAMED: &str = "preview";

/// A script to try, and on which part of the history.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// What it is written in; a query is tried at `/v1/sql`.
    #[schema(value_type = LanguageWord)]
    language: Language,
    /// The whole of it.
    #[schema(value_type = String, min_length = 1, max_length = 65536)]
    source: Text<1, 65_536>,
    /// Events after this position.
    #[schema(minimum = 0)]
    after: Option<u64>,
    /// Events up to this position.
    #[schema(minimum = 0)]
    until: Option<u64>,
    /// Events recorded then or later.
    since: Option<Moment>,
    /// Events recorded before then.
    before: Option<Moment>,
    /// Events of lanes of this service.
    #[schema(value_type = Option<Name>)]
    service: Option<ServiceName>,
    /// Events of lanes of this environment.
    #[schema(value_type = Option<Name>)]
    environment: Option<EnvironmentName>,
    /// Events of this stream.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1500)]
    stream: Option<Text<1, 1_500>>,
    /// Events of these types; of all types unless something is said.
    #[serde(default)]
    #[schema(max_items = 100)]
    types: Vec<String>,
}

/// What a script made of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tried {
    /// The state; null where there are partitions.
    #[schema(value_type = Option<Object>)]
    pub(crate) state: Option<Box<serde_json::value::RawValue>>,
    /// What `transformBy` and `filterBy` make of it; null where the script has neither.
    #[schema(value_type = Option<Object>)]
    pub(crate) result: Option<Box<serde_json::value::RawValue>>,
    /// The first hundred partitions by name; empty where there are none.
    pub(crate) partitions: Vec<PartitionShape>,
    /// How many there are.
    #[schema(minimum = 0)]
    pub(crate) partitions_total: usize,
    /// Up to which position it is folded.
    pub(crate) position: Option<u64>,
    /// How many events were looked at.
    #[schema(minimum = 0)]
    pub(crate) events_done: u64,
    /// Why it did not come to the end.
    pub(crate) fault: Option<FaultShape>,
    /// What it said with `console.log`: the first thousand lines.
    pub(crate) log: Vec<String>,
}

impl Trial {
    /// This script, on all of history or on what was recorded since then.
    pub(crate) fn of(source: Text<1, 65_536>, since: Option<Moment>) -> Self {
        Self {
            language: Language::Javascript,
            source,
            after: None,
            until: None,
            since,
            before: None,
            service: None,
            environment: None,
            stream: None,
            types: Vec::new(),
        }
    }

    fn slice(&self) -> Slice {
        // No log has a higher position than this.
        let position = |position: u64| GlobalPosition(position.min(i64::MAX as u64));
        Slice {
            after: self.after.filter(|after| *after > 0).map(position),
            until: self.until.map(position),
            since: self.since.map(|since| since.0),
            before: self.before.map(|before| before.0),
            service: self.service.clone(),
            environment: self.environment.clone(),
            stream: self.stream.clone().map(|name| StreamName::recorded(String::from(name))),
            types: self.types.clone(),
        }
    }
}

impl From<Preview> for Tried {
    fn from(preview: Preview) -> Self {
        let Preview { states, partitions, is_partitioned, events, fault, lines } = preview;
        let position = states.position.map(|position| position.0);
        let mut shown: Vec<_> = states.partitions.into_iter().map(PartitionShape::from).collect();
        let (state, result) = match is_partitioned {
            Some(true) => (None, None),
            Some(false) | None => shown.pop().map(PartitionShape::into_state).unwrap_or_default(),
        };
        Self {
            state,
            result,
            partitions: shown,
            partitions_total: if is_partitioned == Some(true) { partitions } else { 0 },
            position,
            events_done: events,
            fault: fault.map(Into::into),
            log: lines,
        }
    }
}

/// How far a preview is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialProgress {
    /// How many events were looked at.
    events_done: u64,
    /// How many there are; null if only reading them all would tell.
    events_total: Option<u64>,
}

/// Try a script on the history, or on a part of it; nothing is kept.
///
/// A script that fails is an answer, too: `fault` says where. With `Accept: text/event-stream`, events
/// named `progress` tell how far it is, and the last one, `result`, has the answer, or `problem` why
/// there is none. A preview takes five minutes at most, and two run at a time; another one waits 2
/// seconds for its turn, then it is `503` with the code `busy`.
#[utoipa::path(post, path = "/v1/projections/preview", tag = "projections",
    request_body = Trial,
    responses((status = 200, description = "What it made of the history", body = Tried)))]
pub(super) async fn preview_projection(
    State(app): State<App>,
    headers: HeaderMap,
    Body(given): Body<Trial>,
) -> Result<Response, Problem> {
    if given.language == Language::Sql {
        return Err(Problem::at("/language", "a query is tried at `/v1/sql`"));
    }
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(streamed(app, given).await);
    }
    let tried = run(&app, &given, |_| {}).await?;
    Ok(Json(tried).into_response())
}

/// Runs a script over a part of the history.
pub(crate) async fn run(
    app: &App,
    given: &Trial,
    tell: impl FnMut(u64) + Send,
) -> Result<Tried, Problem> {
    let Ok(name) = UNNAMED.parse::<ProjectionName>() else {
        return Err(ProblemKind::Internal.because("a preview has no name"));
    };
    let (source, slice) = (String::from(given.source.clone()), given.slice());
    let _turn = turn(app).await?;
    let tried = async { app.scripts.preview((&name, &source), &slice, tell).await };
    match timeout(LONGEST, tried).await {
        Ok(Ok(preview)) => Ok(preview.into()),
        Ok(Err(Stop::Machine(why))) => Err(ProblemKind::ProjectionUnavailable.because(why)),
        Ok(Err(Stop::Fault(fault))) => Err(Problem::at("/source", fault.message)),
        Err(_) => Err(ProblemKind::ProjectionUnavailable.because(format!(
            "the preview took more than {LONGEST:?}: try it on a part of the history"
        ))),
    }
}

/// A turn to run a script that is not kept, given back when the caller leaves.
pub(super) async fn turn(app: &App) -> Result<Turn, Problem> {
    app.previews.take().await.ok_or_else(|| {
        ProblemKind::Busy.because(format!("{AT_ONCE} other scripts are being tried or checked"))
    })
}

/// The same as server-sent events, with how far it is.
async fn streamed(app: App, given: Trial) -> Response {
    let after = given.after.filter(|after| *after > 0).map(GlobalPosition);
    let total = app.log.count(after).await.ok().flatten();
    let (sender, mut events) = mpsc::channel(16);
    tokio::spawn(async move {
        let progress = sender.clone();
        let tell = move |events_done| {
            let told = TrialProgress { events_done, events_total: total };
            // Who reads too slowly misses some.
            let _ = progress.try_send(event("progress", &told));
        };
        let last = tokio::select! {
            tried = run(&app, &given, tell) => match tried {
                Ok(tried) => event("result", &tried),
                Err(problem) => event("problem", &problem.shape(None)),
            },
            // Nobody waits for it any more.
            () = sender.closed() => return,
        };
        // Whoever asked may be gone.
        let _ = sender.send(last).await;
    });
    let events = stream::poll_fn(move |context| events.poll_recv(context));
    let events = futures::StreamExt::map(events, Ok::<_, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::default());
    ([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response()
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Our own structs have string keys and finite numbers, so nothing can fail.
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}
