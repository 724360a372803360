//! Projections that users write: defined over HTTP, kept level by the server, asked for their states.

pub(crate) mod define;
mod live;
pub(crate) mod preview;
pub(crate) mod rebuild;
mod rows;
mod show;
pub(crate) mod states;

pub(crate) use self::show::{DefinedWord, ProjectionDefined, of as describe};
use shiplog_domain::projection::ProjectionName;
use shiplog_projections::definitions::{self, Definition};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    path::ScriptPath,
    problem::{Problem, ProblemKind},
    views::AtLeast,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(define::define_projection, define::drop_projection))
        .routes(routes!(define::pause_projection))
        .routes(routes!(define::resume_projection))
        .routes(routes!(show::list_changes))
        .routes(routes!(states::get_state))
        .routes(routes!(states::list_partitions))
        .routes(routes!(rows::list_rows))
        .routes(routes!(live::follow_state))
        .routes(routes!(preview::preview_projection))
}

/// Every projection that users wrote.
pub(crate) async fn all(app: &App, at_least: &AtLeast) -> Result<Vec<Definition>, Problem> {
    at_least.seen_by(&app.models.definitions).await?;
    Ok(app.models.definitions.query(definitions::all).await?.value)
}

/// The projection that a user wrote under this name.
pub(crate) async fn find(
    app: &App,
    name: &ProjectionName,
    at_least: &AtLeast,
) -> Result<Definition, Problem> {
    at_least.seen_by(&app.models.definitions).await?;
    let asked = name.clone();
    let found = app.models.definitions.query(move |view| definitions::one(view, &asked)).await?;
    found.value.ok_or_else(|| unheard(name.as_str()))
}

/// As [`find`], by whatever a path says.
pub(crate) async fn named(
    app: &App,
    name: &str,
    at_least: &AtLeast,
) -> Result<Definition, Problem> {
    let parsed = name.parse().map_err(|_| unheard(name))?;
    find(app, &parsed, at_least).await
}

/// Says that there is no such projection.
pub(crate) fn unheard(name: &str) -> Problem {
    let detail = format!("there is no projection `{name}`: `GET /v1/projections` lists them");
    ProblemKind::NotFound.because(detail).coded("unknown-projection")
}
