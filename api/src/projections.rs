//! The read models, and how far each has come.

mod rebuild;
mod show;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_projections::models::{Model, Phase, Progress};
use shiplog_store::{
    log::{Log, LogFault, readable},
    position::GlobalPosition,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use self::rebuild::{Change, Rebuild, RebuildWord, VerdictWord, begin, change};
use self::show::ProjectionAnswer;
use crate::{
    app::App,
    damage::{self, DamagedShape},
    definitions,
    problem::Problem,
    query::Query,
    shapes::Moment,
    views::AtLeast,
};

/// Up to how many events a lag is counted.
pub(crate) const COUNTED: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_projections))
        .routes(routes!(show::get_projection))
        .routes(routes!(rebuild::rebuild_projection, rebuild::cancel_rebuild))
        .routes(routes!(rebuild::pause_rebuild))
        .routes(routes!(rebuild::resume_rebuild))
}

/// Every projection: the read models, then what users wrote, by name.
#[derive(Serialize, ToSchema)]
struct ProjectionList {
    items: Vec<ProjectionAnswer>,
    /// Always null: there is one page.
    next: Option<String>,
}

/// A read model, and how far it has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Projection {
    pub(crate) name: &'static str,
    /// The version of its meaning.
    #[schema(minimum = 0)]
    pub(crate) version: u32,
    pub(crate) phase: PhaseWord,
    /// Up to which position of the log it is folded; null before the first event.
    pub(crate) checkpoint: Option<u64>,
    /// When the event there was recorded: what was recorded later, answers do not tell of.
    pub(crate) recorded_at: Option<Moment>,
    /// How many events it has yet to fold, counted up to 1,000; null if the log cannot be read.
    #[schema(minimum = 0, maximum = 1000)]
    pub(crate) lag_events: Option<usize>,
    /// How long ago the first of them was recorded; null if the log cannot be read.
    #[schema(minimum = 0)]
    pub(crate) lag_seconds: Option<f64>,
    /// How many events of a future Shiplog were passed over.
    #[schema(minimum = 0)]
    pub(crate) skipped: u64,
    /// Streams that are told of up to an event that does not fit, the earliest event first; 100 at most.
    pub(crate) damaged: Vec<DamagedShape>,
    /// How many such streams there are.
    #[schema(minimum = 0)]
    pub(crate) damaged_total: usize,
    /// Why it is stalled.
    pub(crate) why: Option<String>,
    /// The rebuild that is under way, or how the last one went; null if there was none.
    pub(crate) rebuild: Option<Rebuild>,
}

/// What a read model is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseWord {
    CatchingUp,
    Live,
    Stalled,
}

/// List the projections, those that users wrote too, and how far each has come.
#[utoipa::path(get, path = "/v1/projections", tag = "projections",
    responses((status = 200, description = "Every projection", body = ProjectionList)))]
async fn list_projections(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    // While the log cannot be read, what is said is of where the read models are.
    let head = app.log.head().await.unwrap_or_else(|_| least(&app));
    let mut items = Vec::new();
    for model in app.models.there() {
        items.push(ProjectionAnswer::BuiltIn(show::describe(&app, model).await));
    }
    for definition in definitions::all(&app, &at_least).await? {
        items.push(ProjectionAnswer::Defined(definitions::describe(&app, &definition).await));
    }
    Ok((app.receipt(head), Json(ProjectionList { items, next: None })).into_response())
}

/// How far every read model has come. Notes it in the metrics, too.
pub(crate) async fn all(app: &App) -> Vec<Projection> {
    let mut projections = Vec::new();
    for model in app.models.there() {
        projections.push(one(app, model).await);
    }
    projections
}

/// How far the one that is furthest behind has come.
pub(crate) fn least(app: &App) -> Option<GlobalPosition> {
    app.models.all().map(|model| model.progress().checkpoint).into_iter().min().flatten()
}

async fn one(app: &App, model: &Model) -> Projection {
    let Progress { checkpoint, recorded_at, phase, skipped, events: _, damaged } = model.progress();
    let lag = lag(&*app.log, checkpoint, app.clock.now()).await.ok();
    app.telemetry.projection(model.name(), checkpoint, lag);
    app.telemetry.damaged(model.name(), damaged.len());
    let rebuild = model.rebuilding();
    if let Some(rebuild) = &rebuild {
        app.telemetry.rebuild(model.name(), rebuild);
    }
    let (lag_events, lag_seconds) = lag.unzip();
    let (phase, why) = match phase {
        Phase::CatchingUp => (PhaseWord::CatchingUp, None),
        Phase::Live => (PhaseWord::Live, None),
        Phase::Stalled { why } => (PhaseWord::Stalled, Some(why)),
    };
    Projection {
        name: model.name(),
        version: model.version(),
        phase,
        checkpoint: checkpoint.map(|checkpoint| checkpoint.0),
        recorded_at: recorded_at.map(Moment),
        lag_events,
        lag_seconds,
        skipped,
        damaged: damage::listed(&damaged),
        damaged_total: damaged.len(),
        why,
        rebuild: rebuild.map(Rebuild::from),
    }
}

/// How many events come after the checkpoint, and how old the first of them is, in seconds.
async fn lag(
    log: &dyn Log,
    checkpoint: Option<GlobalPosition>,
    now: Timestamp,
) -> Result<(usize, f64), LogFault> {
    let mut behind = readable(log.read_all(checkpoint)).take(COUNTED);
    let Some(first) = behind.try_next().await? else { return Ok((0, 0.0)) };
    let counted = behind.try_fold(1, async |count, _| Ok(count + 1)).await?;
    let seconds = now.duration_since(first.recorded_at).as_secs_f64();
    Ok((counted, seconds.max(0.0)))
}
