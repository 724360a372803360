//! The ways out of a deployment: all that is known, and the exact call for each way.
//!
//! Nothing is recommended here and nothing is done: facts, and where each comes from.

mod calls;
mod shape;
mod ways;

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use shiplog_domain::{
    environment,
    lane::{self, DeploymentNumber, LaneId},
    names::Version,
    release::ReleaseId,
};
use shiplog_projections::{
    history::{self, Entry, Fact, Filter, TakenBack},
    page::Page,
    releases::{self, ReleaseRow},
    view::View,
};
use shiplog_store::position::{GlobalPosition, StreamVersion};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::ways::Ways;
pub(crate) use self::{
    shape::{BackCandidate, Elsewhere, ForwardCandidate, Recovery, RollBack},
    ways::Attempt,
};
use super::{
    changes::{self, Changes},
    show::{one, unknown},
};
use crate::{
    app::App, damage::LaneDamage, path::DeploymentPath, problem::Problem, query::Query,
    shapes::Frozen, views::AtLeast,
};

/// How many releases to roll forward to are told of.
const NEWER: usize = 20;

/// How many deployments of the same release elsewhere are told of.
const ELSEWHERE: usize = 50;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_recovery))
}

/// Show the ways out of a deployment: roll back, roll forward, roll over.
///
/// Everything that is known, and for each way what speaks for and against it, with the exact call
/// that takes it. Nothing is recommended, and nothing is done. The `ETag` is the lane's version:
/// sent with a call as `If-Match`, the call is refused if somebody was faster.
#[utoipa::path(get, path = "/v1/deployments/{service}/{environment}/{number}/recovery",
    tag = "deployments",
    params(crate::openapi::LaneParams, crate::openapi::NumberParam),
    responses((status = 200, description = "The ways out", body = Recovery)))]
async fn get_recovery(
    State(app): State<App>,
    DeploymentPath { lane, number }: DeploymentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(raw.as_deref(), &[])?;
    let Looked { recovery, position, version, .. } =
        recovery(&app, &lane, number, &at_least).await?;
    let receipt = app.receipt(position).of_version(version);
    Ok((receipt, Json(recovery)).into_response())
}

/// What is known beside what the lane knows itself.
struct Known {
    /// Deployments of the same release in other environments, newest first.
    elsewhere: Vec<Entry>,
    /// What it changed against what ran before.
    changes: Changes,
    /// The freeze of the environment that is in force.
    frozen: Option<Frozen>,
    /// The releases that were first heard of after this one, the oldest first.
    newer: Vec<ReleaseRow>,
    /// The releases that could be put back.
    candidates: Vec<ReleaseRow>,
    /// The rollbacks that took some of those back.
    taken_back: Vec<TakenBack>,
    /// What is wrong with the lane in the read model.
    damaged: Option<LaneDamage>,
}

/// The ways out of a deployment, and where that was read.
pub(crate) struct Looked {
    pub(crate) recovery: Recovery,
    /// The deployment.
    pub(crate) entry: Entry,
    /// How far the history had come.
    pub(crate) position: Option<GlobalPosition>,
    /// The lane's version.
    pub(crate) version: Option<StreamVersion>,
}

/// All that is known of the ways out of a deployment.
pub(crate) async fn recovery(
    app: &App,
    lane: &LaneId,
    number: DeploymentNumber,
    at_least: &AtLeast,
) -> Result<Looked, Problem> {
    at_least.seen_by(&app.models.history).await?;
    let (entry, position) = one(app, lane, number).await?;
    let now = app.clock.now();
    let blocked = app.admission.blocked(lane).await?;
    let look = |state: &lane::State, version: Option<StreamVersion>| {
        let state = &*state.as_of(now);
        let deployment = state.deployment(number)?;
        let recovery = lane::recovery(state, deployment, &blocked);
        Some((Ways::new(lane, state, &recovery, now), version))
    };
    let seen = app.lanes.read(&lane.stream(), look).await?;
    let (ways, version) = seen.ok_or_else(|| unknown(lane, number))?;
    at_least.seen_by(&app.models.releases).await?;
    let before = match ways.before {
        Some(before) => Some(changes::known(app, lane, before).await?),
        None => None,
    };
    let known = Known {
        elsewhere: elsewhere(app, &entry).await?,
        changes: changes::against(app, &entry, before.as_ref()).await?,
        frozen: frozen(app, lane).await?,
        newer: newer(app, &entry).await?,
        candidates: candidates(app, lane, ways.versions()).await?,
        taken_back: taken_back(app, lane, ways.taken_back_by()).await?,
        damaged: LaneDamage::of(&app.models.history, lane),
    };
    Ok(Looked { recovery: Recovery::new(&entry, ways, known), entry, position, version })
}

async fn elsewhere(app: &App, entry: &Entry) -> Result<Vec<Entry>, Problem> {
    let Entry { lane, deployment, .. } = entry;
    let version = deployment.release().version.clone();
    let filter: Filter =
        [Fact::Service(lane.service.clone()), Fact::Version(version)].into_iter().collect();
    let page = Page::first(ELSEWHERE);
    let listed = app.models.history.query(move |view| history::list(view, &filter, &page)).await?;
    let mut entries = listed.value.items;
    entries.retain(|other| other.lane != entry.lane);
    Ok(entries)
}

async fn frozen(app: &App, lane: &LaneId) -> Result<Option<Frozen>, Problem> {
    let now = app.clock.now();
    let look = |state: &environment::State, _: Option<_>| Frozen::at(&state.freezes, now);
    Ok(app.environments.read(&environment::stream(&lane.environment), look).await?)
}

async fn newer(app: &App, entry: &Entry) -> Result<Vec<ReleaseRow>, Problem> {
    let id = ReleaseId {
        service: entry.lane.service.clone(),
        version: entry.deployment.release().version.clone(),
    };
    let ask = move |view: &View<'_>| releases::after(view, &id, NEWER);
    Ok(app.models.releases.query(ask).await?.value)
}

async fn taken_back(
    app: &App,
    lane: &LaneId,
    rollbacks: BTreeSet<DeploymentNumber>,
) -> Result<Vec<TakenBack>, Problem> {
    let mut taken_back = Vec::new();
    for rollback in rollbacks {
        let Entry { deployment, actor, .. } = changes::known(app, lane, rollback).await?;
        taken_back.push(TakenBack::of(&deployment, actor));
    }
    Ok(taken_back)
}

async fn candidates(
    app: &App,
    lane: &LaneId,
    versions: Vec<Version>,
) -> Result<Vec<ReleaseRow>, Problem> {
    let service = lane.service.clone();
    let ask = move |view: &View<'_>| releases::of(view, &service, &versions);
    Ok(app.models.releases.query(ask).await?.value)
}
