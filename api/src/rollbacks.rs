//! The audit of rollbacks: what was taken back, by whom, and why.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::{
    lane::Status,
    names::{EnvironmentName, ServiceName},
};
use shiplog_projections::{
    history,
    page::Listed,
    rollbacks::{self, Afterwards, Filter, Rollback},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    csv_text::{self, Format, format},
    deployments::{next_link, shown, statuses, word},
    problem::Problem,
    query::Query,
    shapes::{Actor, Moment, Name, Number, Place, StatusWord, moment},
    views::AtLeast,
};

/// Where rollbacks are listed.
pub(crate) const PATH: &str = "/v1/rollbacks";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_rollbacks))
}

/// A page of rollbacks.
#[derive(Serialize, ToSchema)]
struct RollbackList {
    items: Vec<RollbackShape>,
    /// Where the next page starts, for `cursor`.
    next: Option<String>,
}

/// A deployment that went back to an earlier release.
#[derive(Serialize, ToSchema)]
#[schema(as = Rollback)]
struct RollbackShape {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = Number)]
    number: u32,
    /// Whether somebody asked for one; else it is one by what it put there.
    declared: bool,
    /// What it left: what ran before or, where that had been shaken by a failure, what failed.
    from: Option<Place>,
    /// What it brought back.
    to: Option<Place>,
    /// What it took back, newest first.
    reverts: Vec<Place>,
    reason: Option<String>,
    actor: Actor,
    requested_at: Moment,
    finished_at: Option<Moment>,
    #[schema(value_type = StatusWord)]
    status: Status,
    /// How long what it took back had run.
    ran_for_ms: Option<i64>,
    /// What became of the release that was taken back.
    afterwards: Option<AfterwardsShape>,
}

/// What became of a release that was taken back.
#[derive(Serialize, ToSchema)]
#[schema(as = Afterwards)]
struct AfterwardsShape {
    /// It was deployed again.
    deployed_again: Option<Later>,
    /// Another one took its place.
    superseded_by: Option<Later>,
}

/// A later deployment.
#[derive(Serialize, ToSchema)]
struct Later {
    deployment: Place,
    at: Moment,
}

impl From<&Rollback> for RollbackShape {
    fn from(rollback: &Rollback) -> Self {
        let afterwards = rollback.afterwards.as_ref().map(|after| {
            let Afterwards { deployed_again, superseded_by } = after;
            AfterwardsShape {
                deployed_again: deployed_again.as_ref().map(Into::into),
                superseded_by: superseded_by.as_ref().map(Into::into),
            }
        });
        Self {
            service: rollback.lane.service.clone(),
            environment: rollback.lane.environment.clone(),
            number: rollback.number.0,
            declared: rollback.declared,
            from: rollback.from.as_ref().map(Into::into),
            to: rollback.to.as_ref().map(Into::into),
            reverts: rollback.reverts.iter().map(Into::into).collect(),
            reason: rollback.reason.clone(),
            actor: (&rollback.actor).into(),
            requested_at: Moment(rollback.requested_at),
            finished_at: moment(rollback.finished_at),
            status: rollback.status,
            ran_for_ms: rollback.ran_for_ms,
            afterwards,
        }
    }
}

impl From<&(history::Place, jiff::Timestamp)> for Later {
    fn from((place, at): &(history::Place, jiff::Timestamp)) -> Self {
        Self { deployment: place.into(), at: Moment(*at) }
    }
}

/// What a question for rollbacks may hold.
pub(crate) const KNOWN: [&str; 12] = [
    "service",
    "environment",
    "actor",
    "declared",
    "status",
    "since",
    "until",
    "q",
    "order",
    "limit",
    "cursor",
    "format",
];

/// List rollbacks, newest first: those that were asked for, and those that took place unsaid.
///
/// `q` is a part of the reason.
#[utoipa::path(get, path = "/v1/rollbacks", tag = "rollbacks",
    params(crate::openapi::RollbackParams, crate::openapi::PageParams, crate::openapi::FormatParam),
    responses((status = 200, description = "A page of rollbacks", content(
        (RollbackList = "application/json"), (String = "text/csv")))))]
async fn list_rollbacks(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &KNOWN)?;
    let (format, filter, page) =
        (format(&mut query, &headers)?, filter(&mut query)?, query.page()?);
    at_least.seen_by(&app.models.rollbacks).await?;
    let answer =
        app.models.rollbacks.query(move |view| rollbacks::list(view, &filter, &page)).await?;
    let Listed { items, next } = answer.value;
    let link = next_link(&query, PATH, next.as_ref());
    let body = match format {
        Format::Csv => csv_text::table(COLUMNS, items.iter().map(row))?,
        Format::Json => {
            let items = items.iter().map(RollbackShape::from).collect();
            Json(RollbackList { items, next: next.map(|next| next.to_string()) }).into_response()
        }
    };
    Ok((app.receipt(answer.position), link, body).into_response())
}

/// Takes everything that narrows a list of rollbacks.
pub(crate) fn filter(query: &mut Query) -> Result<Filter, Problem> {
    Ok(Filter {
        service: query.parsed("service")?,
        environment: query.parsed("environment")?,
        actor: query.sized("actor", 1..=200)?,
        declared: query.word("declared", &[("true", true), ("false", false)])?,
        status: query.word("status", &statuses())?,
        since: query.instant("since")?,
        until: query.instant("until")?,
        q: query.search()?,
    })
}

const COLUMNS: [&str; 16] = [
    "service",
    "environment",
    "number",
    "declared",
    "status",
    "from_number",
    "from_version",
    "to_number",
    "to_version",
    "reverts",
    "reason",
    "actor_kind",
    "actor_id",
    "requested_at",
    "finished_at",
    "ran_for_ms",
];

fn row(rollback: &Rollback) -> [String; COLUMNS.len()] {
    let number = |place: &Option<history::Place>| shown(place.as_ref().map(|one| one.number.0));
    let version = |place: &Option<history::Place>| shown(place.as_ref().map(|one| &one.version));
    let reverts: Vec<_> = rollback.reverts.iter().map(|one| one.number.0.to_string()).collect();
    [
        rollback.lane.service.to_string(),
        rollback.lane.environment.to_string(),
        rollback.number.0.to_string(),
        rollback.declared.to_string(),
        rollback.status.as_str().into(),
        number(&rollback.from),
        version(&rollback.from),
        number(&rollback.to),
        version(&rollback.to),
        reverts.join(" "),
        rollback.reason.clone().unwrap_or_default(),
        word(&rollback.actor.kind),
        rollback.actor.id.clone(),
        rollback.requested_at.to_string(),
        shown(rollback.finished_at),
        shown(rollback.ran_for_ms),
    ]
}
