//! What is asked of a projection: to be this, to pause, to go on, to be no more.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shiplog_domain::projection::{Command, Language, ProjectionName, stream};
use shiplog_projections::{
    definitions,
    script::{Fault, MOST_SCRIPTS, Stop},
    sql::{self, AskError},
};
use shiplog_store::{execute::Outcome, position::GlobalPosition};
use utoipa::ToSchema;

use super::{ScriptPath, all, find, preview, show, show::ProjectionDefined, unheard};
use crate::{
    app::App,
    body::Body,
    caller::Caller,
    problem::{Problem, ProblemKind},
    query::{Query, encode},
    shapes::Text,
    views::AtLeast,
};

/// What a projection is to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// What it is written in.
    #[schema(value_type = LanguageWord)]
    pub(crate) language: Language,
    /// The whole of it.
    #[schema(value_type = String, min_length = 1, max_length = 65536)]
    pub(crate) source: Text<1, 65_536>,
}

/// What a projection is written in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProjectionLanguage)]
#[expect(dead_code, reason = "it describes the words of `Language`")]
pub(super) enum LanguageWord {
    /// A fold, kept up event by event.
    Javascript,
    /// A query, answered when it is asked.
    Sql,
}

/// Defines a projection, if its source is sound; tells whether there was one before.
pub(crate) async fn define(
    app: &App,
    name: &ProjectionName,
    caller: &Caller,
    given: &Definition,
) -> Result<(Outcome, bool), Problem> {
    let is_built_in = name.as_str() == sql::NAME || app.models.named(name.as_str()).is_some();
    if is_built_in {
        let why = format!("`{name}` comes with Shiplog: choose another name");
        return Err(ProblemKind::Refused.because(why).coded("projection-is-built-in"));
    }
    if given.language == Language::Javascript {
        admit(app, name).await?;
    }
    let source: String = given.source.clone().into();
    check(app, name, given.language, &source).await?;
    let was = app.projections.read(&stream(name), |state, _| state.defined.is_some()).await?;
    let language = given.language;
    let command = |at| Command::Define { at, language, source };
    Ok((record(app, name, caller, ("", given), command).await?, was))
}

/// Refuses a script that would be one too many; one that takes the place of another is not.
async fn admit(app: &App, name: &ProjectionName) -> Result<(), Problem> {
    let defined = app.models.definitions.query(definitions::all).await?.value;
    let others = defined.iter().filter(|one| one.language == Language::Javascript);
    if others.filter(|one| one.name != *name).count() < MOST_SCRIPTS {
        return Ok(());
    }
    let why = format!(
        "{MOST_SCRIPTS} projections in JavaScript are defined, and no more run at once: drop one first"
    );
    Err(ProblemKind::Refused.because(why).coded("too-many-projections"))
}

/// What can be done to a projection that is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Pause,
    Resume,
    Drop,
}

/// Pauses, resumes or drops a projection.
pub(crate) async fn take(
    app: &App,
    name: &ProjectionName,
    caller: &Caller,
    step: Step,
) -> Result<Outcome, Problem> {
    let was = app.projections.read(&stream(name), |_, version| version.is_some()).await?;
    if !was {
        return Err(unheard(name.as_str()));
    }
    let path = match step {
        Step::Pause => "/pause",
        Step::Resume => "/resume",
        Step::Drop => "",
    };
    let command = |at| match step {
        Step::Pause => Command::Pause { at },
        Step::Resume => Command::Resume { at },
        Step::Drop => Command::Drop { at },
    };
    let outcome = record(app, name, caller, (path, &()), command).await?;
    if step == Step::Resume {
        // What has failed was not paused: nothing is recorded, and it is tried again here.
        app.scripts.retry(name);
    }
    Ok(outcome)
}

/// Define a projection, or define it anew: all of history is replayed into it, then it is kept level.
///
/// The script is loaded first, a query is read: one that fails then is not recorded. A definition that says something
/// else than the one before begins anew; the one before stays in the log.
#[utoipa::path(put, path = "/v1/projections/{name}", tag = "projections",
    request_body = Definition, params(crate::openapi::ScriptParam),
    responses(
        (status = 200, description = "It was so already, or is defined anew", body = ProjectionDefined),
        (status = 201, description = "It is defined", body = ProjectionDefined)))]
pub(super) async fn define_projection(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    caller: Caller,
    Body(given): Body<Definition>,
) -> Result<Response, Problem> {
    let (outcome, was) = define(&app, &name, &caller, &given).await?;
    let status = if was { StatusCode::OK } else { StatusCode::CREATED };
    told(&app, &name, &outcome, status).await
}

/// Sees to it that a script loads, or that a query can be asked.
async fn check(
    app: &App,
    name: &ProjectionName,
    language: Language,
    source: &str,
) -> Result<(), Problem> {
    match language {
        Language::Javascript => {
            let _turn = preview::turn(app).await?;
            match app.scripts.check(name, source).await {
                Ok(()) => Ok(()),
                Err(Stop::Fault(fault)) => Err(wrong(&fault)),
                Err(Stop::Machine(why)) => Err(ProblemKind::ProjectionUnavailable.because(why)),
            }
        }
        Language::Sql => {
            // Where nobody has asked before, the tables are begun with this.
            app.models.sql.check(source.into()).await.map_err(|error| match &error {
                AskError::Query { .. } => {
                    Problem::at("/source", error.to_string()).coded("query-fails")
                }
                AskError::Parameter { .. }
                | AskError::Stopped(_)
                | AskError::Start(_)
                | AskError::Busy
                | AskError::Tables(_)
                | AskError::Unfinished(_) => error.into(),
            })
        }
    }
}

fn wrong(Fault { line, message, .. }: &Fault) -> Problem {
    let at = line.map_or_else(String::new, |line| format!("line {line}: "));
    Problem::at("/source", format!("{at}{message}")).coded("script-fails")
}

/// Drop a projection: its states go, its definitions stay in the log.
#[utoipa::path(delete, path = "/v1/projections/{name}", tag = "projections",
    params(crate::openapi::ScriptParam),
    responses((status = 204, description = "It is no more")))]
pub(super) async fn drop_projection(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let outcome = take(&app, &name, &caller, Step::Drop).await?;
    Ok((app.receipt_of(&outcome), StatusCode::NO_CONTENT).into_response())
}

/// Pause a projection: it folds nothing more for now, and its states can be read.
#[utoipa::path(post, path = "/v1/projections/{name}/pause", tag = "projections",
    params(crate::openapi::ScriptParam),
    responses((status = 200, description = "It is paused", body = ProjectionDefined)))]
pub(super) async fn pause_projection(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let outcome = take(&app, &name, &caller, Step::Pause).await?;
    told(&app, &name, &outcome, StatusCode::OK).await
}

/// Resume a projection that was paused; one that has failed is tried again at the same event.
#[utoipa::path(post, path = "/v1/projections/{name}/resume", tag = "projections",
    params(crate::openapi::ScriptParam),
    responses((status = 200, description = "It folds on", body = ProjectionDefined)))]
pub(super) async fn resume_projection(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let outcome = take(&app, &name, &caller, Step::Resume).await?;
    told(&app, &name, &outcome, StatusCode::OK).await
}

async fn record(
    app: &App,
    name: &ProjectionName,
    caller: &Caller,
    (step, given): (&str, &impl Serialize),
    command: impl FnOnce(Timestamp) -> Command,
) -> Result<Outcome, Problem> {
    let path = format!("/v1/projections/{}{step}", encode(name.as_str()));
    let metadata = caller.metadata(&path, given);
    let command = command(app.clock.now());
    app.telemetry.asked(&command);
    let stream = stream(name);
    let done = app.projections.execute(&stream, caller.claimed, command, metadata, |_, _| ());
    Ok(done.await?.0)
}

/// The projection as it is once the read model of definitions tells of what was done.
async fn told(
    app: &App,
    name: &ProjectionName,
    outcome: &Outcome,
    status: StatusCode,
) -> Result<Response, Problem> {
    let at: Option<GlobalPosition> = outcome.position();
    let at_least = AtLeast::wanted(app, at);
    let definition = find(app, name, &at_least).await?;
    app.scripts.settle(&all(app, &at_least).await?);
    let shown = show::of(app, &definition).await;
    Ok((status, app.receipt_of(outcome), Json(shown)).into_response())
}
