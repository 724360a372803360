//! Operations: is it alive, is it ready, what does it measure.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use serde::Serialize;
use shiplog_projections::{
    damage::DamagedStream,
    models::{Model, Phase, ReadModels},
};
use shiplog_store::{
    clock::believed,
    log::LogFault,
    position::{GlobalPosition, LogId},
};
use tokio::sync::OnceCell;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    damage::{self, DamagedShape},
    projections::{self, PhaseWord, Projection},
    receipt::Receipt,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_livez))
        .routes(routes!(get_readyz))
        .routes(routes!(get_metrics))
}

/// From how far on a clock that is wrong is told of.
const WORTH_A_NOTE: SignedDuration = SignedDuration::from_secs(5);

/// Whether the read models have once been where the log was when the server was first asked.
///
/// Once is enough: what a read model that falls behind later answers says so, and a node that is
/// merely busy is not taken out of service.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    head: OnceCell<Option<GlobalPosition>>,
    caught_up: [AtomicBool; ReadModels::COUNT],
}

impl Readiness {
    /// Whether every read model has caught up, or is stalled and never will.
    async fn is_reached(&self, app: &App) -> Result<bool, LogFault> {
        let head = *self.head.get_or_try_init(|| app.log.head()).await?;
        let models = app.models.all();
        let latched = |(model, latch): (&Model, &AtomicBool)| {
            let progress = model.progress();
            if progress.checkpoint >= head {
                latch.store(true, Ordering::Relaxed);
            }
            let stalled = matches!(progress.phase, Phase::Stalled { .. });
            stalled || latch.load(Ordering::Relaxed)
        };
        Ok(models.into_iter().zip(&self.caught_up).all(latched))
    }
}

/// Whether the server runs.
#[derive(Serialize, ToSchema)]
struct Alive {
    status: AliveWord,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AliveWord {
    Alive,
}

/// Whether the server can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    status: ReadyWord,
    /// Which log this is; null if that is not known yet.
    log: Option<String>,
    /// The position of its last event; null if there is none, or if it cannot be read.
    head: Option<u64>,
    /// Why it cannot be read, if it cannot.
    why: Option<String>,
    /// Whether something can be recorded, as far as is known from the last attempt. Where that failed, it
    /// is tried again, without recording anything.
    writes: bool,
    /// Why nothing can be recorded.
    writes_why: Option<String>,
    /// What an operator should look at, though the server does its work: a clock that has jumped, or that
    /// is behind what is recorded; a stream of which an event does not fit.
    notes: Vec<String>,
    /// Streams that are told of up to an event that does not fit, the earliest event first; 100 at most. All
    /// others go on.
    damaged: Vec<DamagedShape>,
    /// How many such streams there are.
    #[schema(minimum = 0)]
    damaged_total: usize,
    /// The read models that cannot go on; the others do.
    stalled: Vec<&'static str>,
    projections: Vec<Projection>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReadyWord {
    /// It can.
    Ready,
    /// A read model has yet to fold what was recorded before the start.
    CatchingUp,
    /// No read model can go on.
    Stalled,
    /// The log cannot be read.
    LogUnavailable,
}

impl Ready {
    /// What is said while the log cannot be read.
    pub(crate) fn without_log(
        log: Option<LogId>,
        why: &impl ToString,
        projections: Vec<Projection>,
    ) -> Self {
        Self {
            status: ReadyWord::LogUnavailable,
            log: log.map(|log| log.to_string()),
            head: None,
            why: Some(why.to_string()),
            writes: false,
            writes_why: Some(why.to_string()),
            notes: Vec::new(),
            damaged: Vec::new(),
            damaged_total: 0,
            stalled: stalled(&projections),
            projections,
        }
    }
}

/// The names of those that cannot go on.
fn stalled(projections: &[Projection]) -> Vec<&'static str> {
    let stalled = projections.iter().filter(|one| one.phase == PhaseWord::Stalled);
    stalled.map(|one| one.name).collect()
}

/// Tell whether the server runs.
#[utoipa::path(get, path = "/livez", tag = "operations",
    responses((status = 200, description = "It does", body = Alive)))]
pub(crate) async fn get_livez() -> impl IntoResponse {
    Json(Alive { status: AliveWord::Alive })
}

/// Tell whether the server can do its work.
///
/// It can when the log can be read and every read model has, since the start, come to where the
/// log was then. One that is stalled does not take the others out of service: it is named in
/// `stalled`, with where and why in `projections`. Where all of them are, it cannot. A server that can
/// record nothing is ready to be read: `writes` says so.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "It can", body = Ready),
        (status = 503, description = "It cannot, or not yet", body = Ready)))]
async fn get_readyz(State(app): State<App>) -> Response {
    match look(&app).await {
        Ok(ready) if ready.status == ReadyWord::Ready => {
            let receipt = app.receipt(ready.head.map(GlobalPosition));
            (receipt, Json(ready)).into_response()
        }
        Ok(ready) => not_ready(app.receipt(ready.head.map(GlobalPosition)), ready),
        Err(fault) => {
            let projections = projections::all(&app).await;
            let position = projections::least(&app);
            let damaged = app.models.damaged();
            let ready = Ready {
                damaged: damage::listed(&damaged),
                damaged_total: damaged.len(),
                ..Ready::without_log(Some(app.log.id()), &fault, projections)
            };
            not_ready(app.receipt(position), ready)
        }
    }
}

fn not_ready(receipt: Receipt, ready: Ready) -> Response {
    let later = [(header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, receipt, later, Json(ready)).into_response()
}

async fn look(app: &App) -> Result<Ready, LogFault> {
    let head = app.log.head().await?;
    let reached = app.readiness.is_reached(app).await?;
    let projections = projections::all(app).await;
    let writable = writable(app).await;
    let damaged = app.models.damaged();
    let mut notes = clock_notes(app);
    notes.extend(damage_note(&damaged));
    Ok(Ready {
        status: if projections.iter().all(|one| one.phase == PhaseWord::Stalled) {
            ReadyWord::Stalled
        } else if reached {
            ReadyWord::Ready
        } else {
            ReadyWord::CatchingUp
        },
        log: Some(app.log.id().to_string()),
        head: head.map(|head| head.0),
        why: None,
        writes: writable.is_ok(),
        writes_why: writable.err().map(|fault| fault.to_string()),
        notes,
        damaged: damage::listed(&damaged),
        damaged_total: damaged.len(),
        stalled: stalled(&projections),
        projections,
    })
}

/// Whether something can be recorded. Notes it in the metrics, too.
async fn writable(app: &App) -> Result<(), LogFault> {
    let writable = app.log.writable().await.and(believed(&*app.clock).map(drop));
    app.telemetry.writable(writable.is_ok());
    writable
}

/// What is said of the streams that are set aside.
fn damage_note(damaged: &[DamagedStream]) -> Option<String> {
    let first = damaged.first()?;
    let more = match damaged.len() - 1 {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    Some(format!("{first}{more}: what is told of it may be incomplete, all else goes on"))
}

/// What is wrong with the clock. Notes it in the metrics, too.
fn clock_notes(app: &App) -> Vec<String> {
    let (now, skew) = (app.clock.now(), app.clock.skew());
    let recorded = app.models.all().into_iter().filter_map(|model| model.progress().recorded_at);
    let last = recorded.max().unwrap_or(now);
    let behind = last.duration_since(now).max(SignedDuration::ZERO);
    app.telemetry.clock(skew, behind);
    let mut notes = Vec::new();
    if skew.abs() >= WORTH_A_NOTE {
        let expected = now.checked_sub(skew).unwrap_or(now);
        notes.push(format!("the clock jumped: it says `{now}` where `{expected}` is due"));
    }
    if behind >= WORTH_A_NOTE {
        notes.push(format!(
            "the clock says `{now}`, and the last event was recorded at `{last}`: until the clock is \
             there, events are recorded as of then"
        ));
    }
    notes
}

/// Show what the server measures, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Counters, gauges and histograms", body = String)))]
async fn get_metrics(State(app): State<App>) -> Response {
    // Asking is what brings the gauges up to date.
    projections::all(&app).await;
    app.telemetry.connections(&app.connections);
    clock_notes(&app);
    if let Err(fault) = writable(&app).await {
        tracing::debug!(%fault, "nothing can be recorded: {fault}");
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, app.telemetry.render()).into_response()
}
