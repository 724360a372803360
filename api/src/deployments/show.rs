//! One deployment, and what happened to it.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt as _;
use serde::Serialize;
use shiplog_domain::{
    lane::{DeploymentNumber, Event, LaneId},
    metadata::RequestDigest,
    wire::{Decoded, EncodedEvent, decode},
};
use shiplog_projections::history::{self, Entry};
use shiplog_store::{
    log::{LogFault, Recorded, readable},
    position::GlobalPosition,
};
use utoipa::ToSchema;

use crate::{
    app::App,
    damage::LaneDamage,
    events::{EventItem, EventList},
    path::DeploymentPath,
    problem::{Problem, ProblemKind},
    query::Query,
    shapes::Deployment,
    views::AtLeast,
};

/// A deployment, and what is wrong with its lane.
#[derive(Serialize, ToSchema)]
#[schema(as = DeploymentShown)]
struct DeploymentAlone {
    #[serde(flatten)]
    deployment: Deployment,
    /// The event of its lane that does not fit: what came from there on is not told here. Not there if all
    /// fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<LaneDamage>,
}

/// Show a deployment, whole.
///
/// The `ETag` is of this answer alone; that of a lane, which writes go by, comes with the lane.
#[utoipa::path(get, path = "/v1/deployments/{service}/{environment}/{number}",
    tag = "deployments",
    params(crate::openapi::LaneParams, crate::openapi::NumberParam),
    responses((status = 200, description = "The deployment", body = DeploymentAlone),
        (status = 304, description = "It is the one that `If-None-Match` names")))]
pub(super) async fn get_deployment(
    State(app): State<App>,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    at_least.seen_by(&app.models.history).await?;
    let (entry, position) = one(&app, &lane, number).await?;
    let damaged = LaneDamage::of(&app.models.history, &lane);
    let body = DeploymentAlone { deployment: Deployment::from(&entry), damaged };
    // Our own structs have string keys and finite numbers, so nothing can fail.
    let written = serde_json::to_vec(&body).unwrap_or_default();
    let tag = format!("\"{}\"", RequestDigest::of(&[&written]));
    let receipt = app.receipt(position).tagged(tag);
    if receipt.is_known_to(&headers) {
        return Ok((StatusCode::NOT_MODIFIED, receipt, ()).into_response());
    }
    Ok((receipt, Json(body)).into_response())
}

/// A deployment as the history has it, and how far that has come.
pub(crate) async fn one(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
) -> Result<(Entry, Option<GlobalPosition>), Problem> {
    let id = lane.clone();
    let answer = app.models.history.query(move |view| history::one(view, &id, number)).await?;
    let entry = answer.value.ok_or_else(|| match LaneDamage::of(&app.models.history, lane) {
        Some(damage) => damage.problem(lane),
        None => unknown(lane, number),
    })?;
    Ok((entry, answer.position))
}

pub(super) fn unknown(lane: &LaneId, number: DeploymentNumber) -> Problem {
    ProblemKind::NotFound
        .because(format!("there is no deployment `{number}` in `{lane}`"))
        .coded("unknown-deployment")
}

/// List the events of a deployment, in the order of the log.
#[utoipa::path(get, path = "/v1/deployments/{service}/{environment}/{number}/events",
    tag = "deployments",
    params(crate::openapi::LaneParams, crate::openapi::NumberParam),
    responses((status = 200, description = "Its events", body = EventList)))]
pub(super) async fn get_deployment_events(
    State(app): State<App>,
    DeploymentPath { lane, number }: DeploymentPath,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let head = app.log.head().await?;
    let items: Vec<_> =
        records(&app, &lane, number).await?.into_iter().map(EventItem::from).collect();
    if items.is_empty() {
        return Err(unknown(&lane, number));
    }
    Ok((app.receipt(head), Json(EventList { items, next: None })).into_response())
}

/// What the log has of a deployment, in its order.
pub(crate) async fn records(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
) -> Result<Vec<Recorded<EncodedEvent>>, LogFault> {
    let stream = lane.stream();
    // What cannot be read is told of as damage of the lane.
    let mut records = readable(app.log.read_stream(&stream, None));
    let mut its = Vec::new();
    while let Some(record) = records.try_next().await? {
        let known = decode::<Event>(&record.event);
        if matches!(known, Ok(Decoded::Known(event)) if event.number() == Some(number)) {
            its.push(record);
        }
    }
    Ok(its)
}
