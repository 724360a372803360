//! One read model: what it is, how far it is, and how its rebuild goes.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_projections::{
    definitions::Definition,
    models::{Model, Phase},
};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;

use super::{Projection, one};
use crate::{
    app::App,
    definitions::{self, ProjectionDefined},
    path::ProjectionPath,
    problem::Problem,
    query::Query,
    views::AtLeast,
};

/// One read model, how far it has come, and how its rebuild goes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectionShown {
    #[serde(flatten)]
    projection: Projection,
    /// In what its fold is written.
    language: LanguageWord,
    status: ProjectionWord,
    /// The same as `checkpoint`.
    position: Option<u64>,
    /// How many events it has folded or passed over.
    #[schema(minimum = 0)]
    events_done: u64,
    /// How many there are; null if only reading them all would tell.
    #[schema(minimum = 0)]
    events_total: Option<u64>,
    /// Where and why it does not go on.
    fault: Option<Fault>,
}

/// In what a fold is written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum LanguageWord {
    /// It comes with Shiplog.
    BuiltIn,
}

/// What a projection is doing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ProjectionWord {
    CatchingUp,
    Live,
    Stalled,
}

/// Where and why a projection does not go on.
#[derive(Debug, Serialize, ToSchema)]
struct Fault {
    /// The event; null if it is the machine that fails.
    position: Option<u64>,
    message: String,
    /// The line of the source; null for what is built in.
    line: Option<u32>,
}

/// A projection of either kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ProjectionAnswer {
    /// One that comes with Shiplog.
    BuiltIn(ProjectionShown),
    /// One that a user wrote.
    Defined(ProjectionDefined),
}

/// Show a projection, how far it has come, and how its rebuild goes.
#[utoipa::path(get, path = "/v1/projections/{name}", tag = "projections",
    params(crate::openapi::ProjectionParam),
    responses((status = 200, description = "The projection", body = ProjectionAnswer)))]
pub(super) async fn get_projection(
    State(app): State<App>,
    ProjectionPath(name): ProjectionPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let which = which(&app, &name, &at_least).await?;
    Ok(shown(&app, &which).await.into_response())
}

/// A projection of either kind, to be told of.
pub(crate) enum Which<'a> {
    BuiltIn(&'a Model),
    Defined(Box<Definition>),
}

/// The projection with this name.
pub(super) async fn which<'a>(
    app: &'a App,
    name: &str,
    at_least: &AtLeast,
) -> Result<Which<'a>, Problem> {
    if let Some(model) = app.models.named(name) {
        return Ok(Which::BuiltIn(model));
    }
    definitions::named(app, name, at_least).await.map(Box::new).map(Which::Defined)
}

/// A projection as an answer.
pub(super) async fn shown(app: &App, which: &Which<'_>) -> impl IntoResponse + use<> {
    let (position, answer) = match which {
        Which::BuiltIn(model) => {
            let shown = describe(app, model).await;
            (shown.position, ProjectionAnswer::BuiltIn(shown))
        }
        Which::Defined(definition) => {
            let shown = definitions::describe(app, definition).await;
            (shown.position, ProjectionAnswer::Defined(shown))
        }
    };
    (app.receipt(position.map(GlobalPosition)), Json(answer))
}

/// A read model, how far it has come, and how its rebuild goes.
pub(super) async fn describe(app: &App, model: &Model) -> ProjectionShown {
    let projection = one(app, model).await;
    let progress = model.progress();
    let behind = app.log.count(progress.checkpoint).await.ok().flatten();
    let counted = projection.lag_events.filter(|lag| *lag < super::COUNTED);
    let behind = behind.or(counted.map(|lag| lag as u64));
    let (status, fault) = match progress.phase {
        Phase::CatchingUp => (ProjectionWord::CatchingUp, None),
        Phase::Live => (ProjectionWord::Live, None),
        Phase::Stalled { why } => {
            let fault = Fault { position: None, message: why, line: None };
            (ProjectionWord::Stalled, Some(fault))
        }
    };
    ProjectionShown {
        projection,
        language: LanguageWord::BuiltIn,
        status,
        position: progress.checkpoint.map(|checkpoint| checkpoint.0),
        events_done: progress.events,
        events_total: behind.map(|behind| progress.events + behind),
        fault,
    }
}
