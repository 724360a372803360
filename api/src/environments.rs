//! Environments: what runs in them, and what is declared of them.

pub(crate) mod declare;
mod diff;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::{environment::Tier, names::EnvironmentName};
use shiplog_projections::{
    current::{self, AsOf, Board, LaneNow},
    page::ListedByName,
    view::View,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    damage::{self, DamagedLanes, DamagedShape},
    path::EnvironmentPath,
    problem::{Problem, ProblemKind},
    query::{BY_NAME, MAX_LIMIT, Query, encode},
    shapes::{EnvironmentNow, Frozen, Lane, Moment, Name, TierWord},
    views::AtLeast,
};

/// Where environments are listed.
const PATH: &str = "/v1/environments";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_environments))
        .routes(routes!(get_environment, declare::declare_environment, declare::retire_environment))
        .routes(routes!(diff::diff_environment))
        .routes(routes!(declare::freeze_environment))
        .routes(routes!(declare::unfreeze_environment))
}

/// A page of the environments.
#[derive(Serialize, ToSchema)]
struct EnvironmentList {
    items: Vec<EnvironmentNow>,
    /// Where the next page starts, for `cursor`.
    next: Option<String>,
}

/// What runs in an environment, at an instant.
#[derive(Serialize, ToSchema)]
struct EnvironmentBoard {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = TierWord)]
    tier: Tier,
    /// The instant that this is about.
    at: Moment,
    /// As known then.
    known_at: Moment,
    /// Whether anybody declared it.
    declared: bool,
    /// Whether it is no more.
    retired: bool,
    /// The freeze in force.
    frozen: Option<Frozen>,
    /// The freezes that are to come, the next one first.
    planned_freezes: Vec<Frozen>,
    /// The services that were ever deployed there, by name.
    lanes: Vec<Lane>,
    /// Where the next page of them starts, for `cursor`.
    next: Option<String>,
    /// The lanes that are told of up to an event that does not fit, also those that are told of not at
    /// all, the earliest event first; 100 at most.
    damaged: Vec<DamagedShape>,
    /// How many such lanes there are.
    #[schema(minimum = 0)]
    damaged_total: usize,
}

/// List the environments, by name, as they are now.
#[utoipa::path(get, path = "/v1/environments", tag = "environments",
    params(crate::openapi::NamePageParams),
    responses((status = 200, description = "A page of environments", body = EnvironmentList)))]
async fn list_environments(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &BY_NAME)?;
    let page = query.page_by_name("environments", MAX_LIMIT)?;
    at_least.seen_by(&app.models.current).await?;
    let now = app.clock.now();
    let ask = move |view: &View<'_>| current::environments(view, now, &page);
    let answer = app.models.current.query(ask).await?;
    let ListedByName { items, next } = answer.value;
    let items = items.into_iter().map(|(row, lanes)| EnvironmentNow::at(row, lanes, now));
    let list = EnvironmentList { items: items.collect(), next: next.map(|next| next.to_string()) };
    let link = query.next_link(PATH, list.next.as_ref());
    Ok((app.receipt(answer.position), link, Json(list)).into_response())
}

/// Show what runs in an environment: now, or as of any instant.
#[utoipa::path(get, path = "/v1/environments/{name}", tag = "environments",
    params(crate::openapi::EnvironmentParam, crate::openapi::AsOfParams,
        crate::openapi::NamePageParams),
    responses((status = 200, description = "What runs there", body = EnvironmentBoard)))]
async fn get_environment(
    State(app): State<App>,
    EnvironmentPath(name): EnvironmentPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["at", "known_at", "limit", "cursor"])?;
    let page = query.page_by_name(&format!("lanes of {name}"), MAX_LIMIT)?;
    at_least.seen_by(&app.models.current).await?;
    // Now is when that was seen: what was waited for happened until then.
    let now = app.clock.now();
    let (as_of, _) = query.as_of(now)?;
    let asked = name.clone();
    let ask = move |view: &View<'_>| current::board(view, &asked, as_of, &page);
    let answer = app.models.current.query(ask).await?;
    let Board { environment, lanes } = answer.value.ok_or_else(|| unheard(&name))?;
    let ListedByName { items, next } = lanes;
    let AsOf { at, known_at } = as_of;
    let (damaged, damaged_total) = damage::of_environment(&app.models.current, &name);
    let lanes = DamagedLanes::of(&app.models.current);
    let lane = |now: LaneNow| {
        let damage = lanes.get(&now.lane).cloned();
        Lane::new(now, damage)
    };
    let board = EnvironmentBoard {
        environment: environment.environment,
        tier: environment.tier,
        at: Moment(at),
        known_at: Moment(known_at.unwrap_or(now)),
        declared: environment.declared,
        retired: environment.retired,
        frozen: Frozen::at(&environment.freezes, at),
        planned_freezes: Frozen::planned(&environment.freezes, at),
        lanes: items.into_iter().map(lane).collect(),
        next: next.map(|next| next.to_string()),
        damaged,
        damaged_total,
    };
    let path = format!("{PATH}/{}", encode(name.as_str()));
    let link = query.next_link(&path, board.next.as_ref());
    Ok((app.receipt(answer.position), link, Json(board)).into_response())
}

/// Says that there is no such environment.
pub(crate) fn unheard(name: &EnvironmentName) -> Problem {
    ProblemKind::NotFound.because(format!("nobody has heard of environment `{name}`"))
}
