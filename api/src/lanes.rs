//! Lanes: one service in one environment.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shiplog_domain::lane::{Command, LaneId};
use shiplog_projections::{
    current::{self, AsOf},
    view::View,
};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::OptionalBody,
    caller::Caller,
    damage::LaneDamage,
    deployments::when,
    path::LanePath,
    problem::{Problem, ProblemKind},
    query::{Query, encode},
    shapes::{Lane, Moment, Text},
    views::{AtLeast, PATIENCE},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_lane, remove_service))
}

/// Show a lane: what runs, what is in progress, what failed last.
///
/// The `ETag` is the version that `If-Match` of a write takes. `at` and `known_at` show it as it
/// was, and as it was known.
#[utoipa::path(get, path = "/v1/lanes/{service}/{environment}", tag = "lanes",
    params(crate::openapi::LaneParams, crate::openapi::AsOfParams),
    responses((status = 200, description = "The lane", body = Lane),
        (status = 304, description = "It is at the version that `If-None-Match` names")))]
async fn get_lane(
    State(app): State<App>,
    LanePath(lane): LanePath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["at", "known_at"])?;
    at_least.seen_by(&app.models.current).await?;
    // Now is when that was seen: what was waited for happened until then.
    let (as_of, _) = query.as_of(app.clock.now())?;
    let id = lane.clone();
    let answer = app.models.current.query(move |view| current::lane(view, &id, as_of)).await?;
    let now = answer.value.ok_or_else(|| unheard(&app, &lane))?;
    let receipt = app.receipt(answer.position);
    if let Some(damage) = LaneDamage::of(&app.models.current, &lane) {
        // Its version is not the stream's: nothing can be written by it, and it comes back with the rest.
        return Ok((receipt, Json(Lane::new(now, Some(damage)))).into_response());
    }
    let receipt = receipt.of_version(Some(now.version));
    if receipt.is_known_to(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, receipt, ()).into_response());
    }
    Ok((receipt, Json(Lane::new(now, None))).into_response())
}

/// Says that there is no such lane, or that none of its events can be told of.
pub(crate) fn unheard(app: &App, lane: &LaneId) -> Problem {
    match LaneDamage::of(&app.models.current, lane) {
        Some(damage) => damage.problem(lane),
        None => ProblemKind::NotFound.because(format!("nothing was ever deployed to `{lane}`")),
    }
}

/// When, and why.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Removal {
    /// When it happened; now unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Moment>,
    /// In the words of who removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    reason: Option<Text<0, 10_000>>,
}

/// Report that the service was taken out of the environment.
///
/// What was deployed stays recorded. `at` and `reason` can be given in the body or in the query.
#[utoipa::path(delete, path = "/v1/lanes/{service}/{environment}", tag = "lanes",
    request_body = Removal,
    params(crate::openapi::LaneParams, crate::openapi::RemovalParams),
    responses((status = 200, description = "The lane, which runs nothing now", body = Lane)))]
async fn remove_service(
    State(app): State<App>,
    LanePath(lane): LanePath,
    caller: Caller,
    RawQuery(raw): RawQuery,
    OptionalBody(given): OptionalBody<Removal>,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["at", "reason"])?;
    let removal = Removal {
        at: query.parsed("at")?.or(given.at),
        reason: query.parsed("reason")?.or(given.reason),
    };
    let stream = lane.stream();
    if app.lanes.read(&stream, |_, version| version.is_none()).await? {
        return Err(unheard(&app, &lane));
    }
    let (service, environment) = (encode(lane.service.as_str()), encode(lane.environment.as_str()));
    let metadata = caller.metadata(&format!("/v1/lanes/{service}/{environment}"), &removal);
    let Removal { at, reason } = removal;
    let when = when(at, app.clock.now());
    let command = Command::Remove { when, reason: reason.map(Into::into) };
    app.telemetry.asked(&command);
    let (outcome, ()) =
        app.lanes.execute(&stream, caller.claimed, command, metadata, |_, _| ()).await?;
    let now = shown(&app, &lane, outcome.position()).await?;
    Ok((app.receipt_of(&outcome), Json(now)).into_response())
}

/// The lane as the read model has it, as soon as that knows of this position.
async fn shown(
    app: &App,
    lane: &LaneId,
    position: Option<GlobalPosition>,
) -> Result<Lane, Problem> {
    if let Some(position) = position {
        app.models.current.at_least(position, PATIENCE).await?;
    }
    let id = lane.clone();
    let as_of = AsOf::at(app.clock.now());
    let ask = move |view: &View<'_>| current::lane(view, &id, as_of);
    let answer = app.models.current.query(ask).await?;
    let damage = LaneDamage::of(&app.models.current, lane);
    answer.value.map(|now| Lane::new(now, damage)).ok_or_else(|| unheard(app, lane))
}
