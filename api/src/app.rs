//! What every handler shares, and which path leads where.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
};
use shiplog_domain::{
    environment::Environment, lane::Lane, projection::Projection, release::Release,
};
use shiplog_projections::{models::ReadModels, script::Workshop, turn::Turns};
use shiplog_store::{
    clock::Clock,
    execute::{Outcome, Streams},
    log::Log,
    position::{ConsistencyToken, GlobalPosition},
};
use tokio::sync::watch;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, trace::TraceLayer};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    acknowledged::Acknowledged,
    admission::Admission,
    answering,
    connections::Connections,
    cross_site, definitions, deployments, docs, downloads, environments,
    events::{self, fan_out::FanOut},
    hosts::Hosts,
    lanes, openapi, ops,
    ops::Readiness,
    problem::{Problem, ProblemKind},
    problems, projections,
    receipt::Receipt,
    releases, rollbacks, sql,
    telemetry::Telemetry,
    ui, uploads, what_if,
};

/// The most bytes that a request has; a batch has more.
const MAX_BODY: usize = 1024 * 1024;

/// One server: its log, its read models, its clock. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) log: Arc<dyn Log>,
    /// How far it has acknowledged what was to be recorded.
    pub(crate) acknowledged: Acknowledged,
    pub(crate) admission: Admission,
    pub(crate) lanes: Arc<Streams<Lane>>,
    pub(crate) releases: Arc<Streams<Release>>,
    pub(crate) environments: Arc<Streams<Environment>>,
    pub(crate) projections: Arc<Streams<Projection>>,
    pub(crate) models: Arc<ReadModels>,
    pub(crate) scripts: Arc<Workshop>,
    /// How many scripts can be tried at once.
    pub(crate) previews: Turns,
    /// How many times the log can be replayed under other rules at once.
    pub(crate) replays: Turns,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) connections: Arc<Connections>,
    /// What the live streams of events share.
    pub(crate) live: Arc<FanOut>,
    uploads: uploads::Budget,
    downloads: downloads::Budget,
    stop: watch::Sender<bool>,
}

impl App {
    /// A server of this log, asked through these read models and what users wrote.
    ///
    /// It keeps lanes of so many bytes folded in memory, and a quarter of that of each other family of
    /// streams.
    pub fn new(
        log: Arc<dyn Log>,
        models: Arc<ReadModels>,
        scripts: Arc<Workshop>,
        clock: Arc<dyn Clock>,
        cache_bytes: usize,
    ) -> Self {
        let telemetry = Telemetry::new();
        let acknowledged = Acknowledged::default();
        let log = telemetry.counting(log, acknowledged.clone());
        let admission = Admission::keeping(&log, Arc::clone(&clock), cache_bytes).knowing(&models);
        Self {
            lanes: Arc::clone(&admission.lanes),
            releases: Arc::clone(&admission.releases),
            environments: Arc::clone(&admission.environments),
            admission,
            projections: Arc::new(Streams::with_budget(Arc::clone(&log), cache_bytes / 4)),
            log,
            acknowledged,
            models,
            scripts,
            previews: Turns::new(definitions::preview::AT_ONCE),
            replays: Turns::new(what_if::AT_ONCE),
            clock,
            telemetry: Arc::new(telemetry),
            readiness: Arc::default(),
            connections: Arc::new(Connections::new(0)),
            live: Arc::default(),
            uploads: uploads::Budget::default(),
            downloads: downloads::Budget::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// The same, which tells of these connections.
    pub(crate) fn counting(self, connections: Arc<Connections>) -> Self {
        Self { connections, ..self }
    }

    /// Ends what would otherwise go on for ever: the live streams of events.
    ///
    /// To be called when the server stops accepting, so that it can finish.
    pub(crate) fn shutdown(&self) {
        self.stop.send_replace(true);
    }

    /// Turns true when the server is about to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// The receipt of an answer that was made from the log up to here.
    pub(crate) fn receipt(&self, position: Option<GlobalPosition>) -> Receipt {
        self.token(position).without(self.models.damaged_count())
    }

    fn token(&self, position: Option<GlobalPosition>) -> Receipt {
        Receipt::new(ConsistencyToken { log: self.log.id(), position })
    }

    /// The receipt of a command that was taken.
    pub(crate) fn receipt_of(&self, outcome: &Outcome) -> Receipt {
        self.token(outcome.position()).of_version(outcome.version()).replayed(outcome.is_replayed())
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("log", &self.log.id()).finish_non_exhaustive()
    }
}

/// Every path, and the contract that describes them.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::preamble())
        .merge(deployments::routes())
        .merge(lanes::routes())
        .merge(environments::routes())
        .merge(rollbacks::routes())
        .merge(releases::routes())
        .merge(events::routes())
        .merge(projections::routes())
        .merge(definitions::routes())
        .merge(sql::routes())
        .merge(what_if::routes())
        .merge(ops::routes())
        .merge(problems::routes())
}

/// The whole server as one service, which answers to these hosts.
pub fn router(app: App, hosts: &Arc<Hosts>) -> Router {
    let (routes, contract) = routes().split_for_parts();
    routes
        .merge(docs::routes(&contract))
        .merge(ui::routes())
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(app.uploads.clone(), uploads::meter))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(hosts), cross_site::guard))
        .layer(middleware::from_fn_with_state(app.downloads.clone(), downloads::meter))
        .layer(middleware::from_fn_with_state(app.clone(), answering::answer))
        .layer(CompressionLayer::new())
        // What a client is told is no error of the server; what is one is said where it is found.
        .layer(TraceLayer::new_for_http().on_failure(()))
        .with_state(app)
}

async fn nowhere(request: Request) -> Problem {
    ProblemKind::NotFound.because(format!("nothing is at `{}`", request.uri().path()))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    axum::response::IntoResponse::into_response(
        ProblemKind::Internal.because("the cause is in the server's log"),
    )
}
