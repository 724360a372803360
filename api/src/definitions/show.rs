//! A projection that a user wrote, how far it has come, and every change to it.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::projection::{Language, ProjectionName};
use shiplog_projections::{
    definitions::{self, Change, Definition},
    script::{self, Standing, Status},
};
use utoipa::ToSchema;

use super::{ScriptPath, define::LanguageWord, unheard};
use crate::{
    app::App,
    damage::{self, DamagedShape},
    problem::Problem,
    projections::Rebuild,
    query::Query,
    shapes::{Actor, Moment},
    views::AtLeast,
};

/// How many changes are told.
const CHANGES: usize = 1_000;

/// A projection that a user wrote, and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectionDefined {
    pub(crate) name: String,
    #[schema(value_type = LanguageWord)]
    pub(crate) language: Language,
    pub(crate) status: DefinedWord,
    /// Up to which position of the log it is folded; null before the first event.
    pub(crate) position: Option<u64>,
    /// When the event there was recorded.
    pub(crate) recorded_at: Option<Moment>,
    /// How many events of the log it has looked at.
    #[schema(minimum = 0)]
    pub(crate) events_done: u64,
    /// How many there are; null if only reading them all would tell.
    #[schema(minimum = 0)]
    pub(crate) events_total: Option<u64>,
    /// Streams that are told of up to an event that does not fit, the earliest event first; 100 at most. A
    /// rebuild tries them again.
    pub(crate) damaged: Vec<DamagedShape>,
    /// How many such streams there are.
    #[schema(minimum = 0)]
    pub(crate) damaged_total: usize,
    /// How many events of a future Shiplog were passed over.
    #[schema(minimum = 0)]
    pub(crate) skipped: u64,
    /// Why its script does not go on.
    pub(crate) fault: Option<FaultShape>,
    /// Why it does not go on where its script is not to blame.
    pub(crate) why: Option<String>,
    /// The rebuild of its states that is under way, or the last one since the server's start.
    pub(crate) rebuild: Option<Rebuild>,
    /// Whether it has a state for each of several partitions; null as long as nobody knows.
    pub(crate) partitioned: Option<bool>,
    /// The position of the event that defined it so.
    #[schema(minimum = 1)]
    pub(crate) revision: u64,
    pub(crate) defined_at: Moment,
    /// Who defined it so.
    pub(crate) actor: Actor,
    pub(crate) source: String,
}

/// What a projection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ProjectionStatus)]
pub(crate) enum DefinedWord {
    /// Folding what was recorded before.
    CatchingUp,
    /// Level with the log; a query always is.
    Live,
    /// Its script failed; it stays at the event before.
    Faulted,
    /// It cannot go on, and its script is not to blame.
    Stalled,
    /// Folding nothing, because somebody wants it so.
    Paused,
}

/// Where and why a script failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ScriptFault)]
pub(crate) struct FaultShape {
    /// The event; null if it does not even load.
    pub(crate) position: Option<u64>,
    pub(crate) message: String,
    /// The script's line, from 1, if it is known.
    pub(crate) line: Option<u32>,
    /// Who called whom, if that is known.
    pub(crate) stack: Option<String>,
}

impl From<script::Fault> for FaultShape {
    fn from(fault: script::Fault) -> Self {
        let script::Fault { position, message, line, stack } = fault;
        Self { position: position.map(|position| position.0), message, line, stack }
    }
}

impl FaultShape {
    /// Where it failed: `event 101, line 3`; none if neither is known.
    pub(crate) fn place(&self) -> Option<String> {
        let position = self.position.map(|position| format!("event {position}"));
        let line = self.line.map(|line| format!("line {line}"));
        let places: Vec<_> = position.into_iter().chain(line).collect();
        (!places.is_empty()).then(|| places.join(", "))
    }
}

/// A definition, and how far it is.
pub(crate) async fn of(app: &App, definition: &Definition) -> ProjectionDefined {
    let standing = app.scripts.standing(definition);
    let shape = shape(definition, standing);
    match definition.language {
        Language::Javascript => {
            let at = shape.position.map(shiplog_store::position::GlobalPosition);
            let behind = app.log.count(at).await.ok().flatten();
            let events_total = behind.map(|more| shape.events_done + more);
            let rebuild = app.scripts.rebuilding(definition).map(Rebuild::from);
            ProjectionDefined { events_total, rebuild, ..shape }
        }
        Language::Sql => shape,
    }
}

fn shape(definition: &Definition, standing: Option<Standing>) -> ProjectionDefined {
    let Definition { name, revision, language, source, defined_at, actor, paused } = definition;
    let standing = standing.unwrap_or_else(|| Standing::new(Status::CatchingUp));
    let Standing { status, checkpoint, recorded_at, events, skipped, is_partitioned, damaged } =
        standing;
    let (status, fault, why) = match status {
        _ if *language == Language::Sql => (DefinedWord::Live, None, None),
        _ if *paused => (DefinedWord::Paused, None, None),
        Status::CatchingUp => (DefinedWord::CatchingUp, None, None),
        Status::Live => (DefinedWord::Live, None, None),
        Status::Paused => (DefinedWord::Paused, None, None),
        Status::Faulted(fault) => (DefinedWord::Faulted, Some(fault.into()), None),
        Status::Stalled { why } => (DefinedWord::Stalled, None, Some(why)),
    };
    ProjectionDefined {
        name: name.to_string(),
        language: *language,
        status,
        position: checkpoint.map(|checkpoint| checkpoint.0),
        recorded_at: recorded_at.map(Moment),
        events_done: events,
        events_total: None,
        skipped,
        damaged: damage::listed(&damaged),
        damaged_total: damaged.len(),
        fault,
        why,
        rebuild: None,
        partitioned: is_partitioned,
        revision: revision.0,
        defined_at: Moment(*defined_at),
        actor: actor.into(),
        source: source.clone(),
    }
}

/// Every change to a projection.
#[derive(Serialize, ToSchema)]
struct ProjectionChangeList {
    items: Vec<ProjectionChange>,
    /// Always null: there is one page, of a thousand changes at most.
    next: Option<String>,
}

/// A change to a projection.
#[derive(Serialize, ToSchema)]
struct ProjectionChange {
    /// Where in the log it is; of a definition, its revision.
    #[schema(minimum = 1)]
    position: u64,
    /// `defined`, `paused`, `resumed` or `dropped`.
    what: &'static str,
    at: Moment,
    /// Who made it.
    actor: Actor,
    /// Of what was defined.
    #[schema(value_type = Option<LanguageWord>)]
    language: Option<Language>,
    source: Option<String>,
}

impl From<Change> for ProjectionChange {
    fn from(change: Change) -> Self {
        let Change { position, what, at, actor, defined } = change;
        let (language, source) = defined.unzip();
        let (position, what, at) = (position.0, what.as_str(), Moment(at));
        Self { position, what, at, actor: (&actor).into(), language, source }
    }
}

/// List every change to a projection, the latest first: who made it, and what was there before.
#[utoipa::path(get, path = "/v1/projections/{name}/changes", tag = "projections",
    params(crate::openapi::ScriptParam),
    responses((status = 200, description = "Every change", body = ProjectionChangeList)))]
pub(super) async fn list_changes(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    at_least.seen_by(&app.models.definitions).await?;
    let asked: ProjectionName = name.clone();
    let found =
        app.models.definitions.query(move |view| definitions::changes(view, &asked, CHANGES));
    let found = found.await?;
    if found.value.is_empty() {
        return Err(unheard(name.as_str()));
    }
    let items = found.value.into_iter().map(Into::into).collect();
    Ok((app.receipt(found.position), Json(ProjectionChangeList { items, next: None }))
        .into_response())
}
