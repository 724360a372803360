//! Making a projection anew beside what answers: begin, pause, resume, cancel.

use std::num::NonZeroU32;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shiplog_projections::models::{self, RebuildError, RebuildStatus, Verdict as Compared};
use utoipa::ToSchema;

use super::show::{ProjectionAnswer, Which, shown, which};
use crate::{
    app::App,
    body::OptionalBody,
    definitions,
    path::ProjectionPath,
    problem::{Problem, ProblemKind},
    query::Query,
    shapes::Whole,
    views::AtLeast,
};

/// How a rebuild goes, or went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Rebuild {
    pub(crate) status: RebuildWord,
    /// Up to which position of the log it is folded; null before the first event.
    pub(crate) position: Option<u64>,
    /// How many events it has folded or passed over.
    #[schema(minimum = 0)]
    pub(crate) events_done: u64,
    /// How many that will be, as far as is known: as many as what answers has.
    #[schema(minimum = 0)]
    pub(crate) events_total: u64,
    /// How many it has folded a second lately; 0 while it rests.
    #[schema(minimum = 0)]
    pub(crate) events_per_second: u64,
    /// How long it will take yet, if nothing changes; null if that cannot be told.
    #[schema(minimum = 0)]
    pub(crate) seconds_left: Option<u64>,
    /// How many it folds a second at most; null for as many as it can.
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub(crate) max_events_per_second: Option<NonZeroU32>,
    /// What it waits for, or why it failed.
    pub(crate) why: Option<String>,
    /// How it compared with what it was to replace; null until that is known.
    pub(crate) verdict: Option<Verdict>,
}

/// What a rebuild is doing, or came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RebuildWord {
    Building,
    Paused,
    Waiting,
    Comparing,
    Done,
    Cancelled,
    Failed,
}

/// What was rebuilt and what answered until then, at the same place in the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Verdict {
    pub(crate) word: VerdictWord,
    /// Up to where both were folded; null if that was nothing.
    pub(crate) position: Option<u64>,
    /// The digest of what the log makes of it.
    pub(crate) rebuilt: String,
    /// The digest of what answered; null if that could not be read.
    pub(crate) served: Option<String>,
}

/// Whether they were the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VerdictWord {
    Same,
    Different,
    Unknown,
}

/// How a rebuild is to go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RebuildGiven {
    /// How many events it folds a second at most; 0 is as many as it can. Unless something is said it
    /// stays as it is, and begins with as many as it can.
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 4_294_967_295_u32)]
    max_events_per_second: Option<Whole<0, { u32::MAX }>>,
}

/// How a rebuild that is under way is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Pause,
    Resume,
    Cancel,
}

/// Rebuild a projection beside what answers, and have it answer when it is level.
///
/// It is folded from the first event into a file of its own, compared with the one that answers, and
/// put in its place at once. Of a rebuild that is under way, this changes `max_events_per_second`
/// alone, so that sending it again is harmless. The rebuild of a read model outlives a restart; that
/// of a script does not, is not slowed down and does not rest.
#[utoipa::path(post, path = "/v1/projections/{name}/rebuild", tag = "projections",
    params(crate::openapi::ProjectionParam), request_body = RebuildGiven,
    responses((status = 202, description = "It is under way", body = ProjectionAnswer)))]
pub(super) async fn rebuild_projection(
    State(app): State<App>,
    ProjectionPath(name): ProjectionPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    OptionalBody(given): OptionalBody<RebuildGiven>,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let max = given.max_events_per_second.map(|Whole(max)| max);
    let which = begin(&app, (&name, &at_least), max).await?;
    Ok((StatusCode::ACCEPTED, shown(&app, &which).await).into_response())
}

/// Have a rebuild rest until it is resumed, over a restart too.
#[utoipa::path(post, path = "/v1/projections/{name}/rebuild/pause", tag = "projections",
    params(crate::openapi::ProjectionParam),
    responses((status = 200, description = "It rests", body = ProjectionAnswer)))]
pub(super) async fn pause_rebuild(
    State(app): State<App>,
    ProjectionPath(name): ProjectionPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    changed(&app, (&name, &at_least), raw.as_deref(), Change::Pause).await
}

/// Have a rebuild that rests go on.
#[utoipa::path(post, path = "/v1/projections/{name}/rebuild/resume", tag = "projections",
    params(crate::openapi::ProjectionParam),
    responses((status = 200, description = "It goes on", body = ProjectionAnswer)))]
pub(super) async fn resume_rebuild(
    State(app): State<App>,
    ProjectionPath(name): ProjectionPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    changed(&app, (&name, &at_least), raw.as_deref(), Change::Resume).await
}

/// Cancel a rebuild, and delete what it has made; what answers is not touched.
#[utoipa::path(delete, path = "/v1/projections/{name}/rebuild", tag = "projections",
    params(crate::openapi::ProjectionParam),
    responses((status = 200, description = "It is no more", body = ProjectionAnswer)))]
pub(super) async fn cancel_rebuild(
    State(app): State<App>,
    ProjectionPath(name): ProjectionPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    changed(&app, (&name, &at_least), raw.as_deref(), Change::Cancel).await
}

async fn changed(
    app: &App,
    named: (&str, &AtLeast),
    raw: Option<&str>,
    wanted: Change,
) -> Result<Response, Problem> {
    Query::parse(raw, &[])?;
    let which = change(app, named, wanted).await?;
    Ok(shown(app, &which).await.into_response())
}

/// Begins a rebuild, or changes how fast it goes.
pub(crate) async fn begin<'a>(
    app: &'a App,
    (name, at_least): (&str, &AtLeast),
    max: Option<u32>,
) -> Result<Which<'a>, Problem> {
    let which = which(app, name, at_least).await?;
    match &which {
        Which::BuiltIn(model) => model.rebuild(max).await?,
        Which::Defined(definition) => definitions::rebuild::begin(app, definition, max)?,
    }
    Ok(which)
}

/// Changes a rebuild that is under way.
pub(crate) async fn change<'a>(
    app: &'a App,
    (name, at_least): (&str, &AtLeast),
    wanted: Change,
) -> Result<Which<'a>, Problem> {
    let which = which(app, name, at_least).await?;
    match &which {
        Which::BuiltIn(model) => match wanted {
            Change::Pause => model.pause().await,
            Change::Resume => model.resume().await,
            Change::Cancel => model.cancel().await,
        }?,
        Which::Defined(definition) => definitions::rebuild::change(app, definition, wanted)?,
    }
    Ok(which)
}

impl From<RebuildError> for Problem {
    fn from(error: RebuildError) -> Self {
        match &error {
            RebuildError::NotUnderWay { .. } => {
                ProblemKind::NotFound.because(error.to_string()).coded("not-rebuilding")
            }
            RebuildError::Unwritten { source, .. } => {
                tracing::warn!(error = &error as &dyn std::error::Error, "{error}: {source}");
                ProblemKind::ProjectionUnavailable.because(format!("{error}: {source}"))
            }
        }
    }
}

impl Rebuild {
    /// Whether it is still to come to an end.
    pub(crate) fn is_under_way(&self) -> bool {
        match self.status {
            RebuildWord::Building
            | RebuildWord::Paused
            | RebuildWord::Waiting
            | RebuildWord::Comparing => true,
            RebuildWord::Done | RebuildWord::Cancelled | RebuildWord::Failed => false,
        }
    }
}

impl From<models::Rebuild> for Rebuild {
    fn from(rebuild: models::Rebuild) -> Self {
        let models::Rebuild {
            status,
            position,
            events_done,
            events_total,
            events_per_second,
            left,
            max_events_per_second,
            verdict,
        } = rebuild;
        let (status, why) = match status {
            RebuildStatus::Building => (RebuildWord::Building, None),
            RebuildStatus::Paused => (RebuildWord::Paused, None),
            RebuildStatus::Waiting { why } => (RebuildWord::Waiting, Some(why)),
            RebuildStatus::Comparing => (RebuildWord::Comparing, None),
            RebuildStatus::Done => (RebuildWord::Done, None),
            RebuildStatus::Cancelled => (RebuildWord::Cancelled, None),
            RebuildStatus::Failed { why } => (RebuildWord::Failed, Some(why)),
        };
        Self {
            status,
            position: position.map(|position| position.0),
            events_done,
            events_total,
            events_per_second,
            seconds_left: left.map(|left| left.as_secs()),
            max_events_per_second,
            why,
            verdict: verdict.map(Verdict::from),
        }
    }
}

impl From<Compared> for Verdict {
    fn from(compared: Compared) -> Self {
        let word = match compared.is_same() {
            Some(true) => VerdictWord::Same,
            Some(false) => VerdictWord::Different,
            None => VerdictWord::Unknown,
        };
        let Compared { position, rebuilt, served } = compared;
        Self { word, position, rebuilt, served }
    }
}
