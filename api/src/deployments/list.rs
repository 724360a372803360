//! The history of deployments, filtered and paged.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::lane::{Classification, Status};
use shiplog_projections::{
    history::{self, Entry, Filter},
    page::{Cursor, Listed},
};
use utoipa::ToSchema;

use super::{PATH, csv, intent::KINDS};
use crate::{
    app::App,
    csv_text::{Format, format},
    problem::Problem,
    query::Query,
    shapes::Deployment,
    views::AtLeast,
};

/// A page of deployments.
#[derive(Serialize, ToSchema)]
pub(super) struct DeploymentList {
    items: Vec<Deployment>,
    /// Where the next page starts, for `cursor`.
    next: Option<String>,
}

/// What a question for deployments may hold.
pub(crate) const KNOWN: [&str; 17] = [
    "service",
    "environment",
    "actor",
    "version",
    "commit",
    "artifact",
    "status",
    "intent",
    "classification",
    "label",
    "since",
    "until",
    "q",
    "order",
    "limit",
    "cursor",
    "format",
];

/// List deployments, newest first.
///
/// `q` finds words and `"phrases"` in what was said of them; `-word` leaves out. `label` is
/// `name:value` or `name=value`, and can be repeated.
#[utoipa::path(get, path = "/v1/deployments", tag = "deployments",
    params(crate::openapi::HistoryParams, crate::openapi::PageParams, crate::openapi::FormatParam),
    responses((status = 200, description = "A page of deployments", content(
        (DeploymentList = "application/json"), (String = "text/csv")))))]
pub(super) async fn list_deployments(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &KNOWN)?;
    let (format, filter, page) =
        (format(&mut query, &headers)?, filter(&mut query)?, query.page()?);
    at_least.seen_by(&app.models.history).await?;
    let answer = app.models.history.query(move |view| history::list(view, &filter, &page)).await?;
    let Listed { items, next } = answer.value;
    let link = next_link(&query, PATH, next.as_ref());
    let receipt = app.receipt(answer.position);
    let body = match format {
        Format::Csv => csv::deployments(&items)?,
        Format::Json => {
            let items = items.iter().map(|entry: &Entry| entry.into()).collect();
            Json(DeploymentList { items, next: next.map(|next| next.to_string()) }).into_response()
        }
    };
    Ok((receipt, link, body).into_response())
}

/// The `Link` header that leads to the next page, if there is one.
pub(crate) fn next_link(
    query: &Query,
    path: &str,
    next: Option<&Cursor>,
) -> Option<[(header::HeaderName, String); 1]> {
    let next = query.next(path, ("cursor", &next?.to_string()));
    Some([(header::LINK, format!("<{next}>; rel=\"next\""))])
}

/// Takes everything that narrows a list of deployments.
pub(crate) fn filter(query: &mut Query) -> Result<Filter, Problem> {
    let kinds = KINDS.map(|kind| (kind, kind));
    Ok(Filter {
        service: query.parsed("service")?,
        environment: query.parsed("environment")?,
        actor: query.sized("actor", 1..=200)?,
        version: query.parsed("version")?,
        commit: query.sized("commit", 4..=200)?,
        artifact: query.sized("artifact", 1..=500)?,
        status: query.word("status", &statuses())?,
        intent: query.word("intent", &kinds)?.map(Into::into),
        classification: query.word("classification", &classifications())?,
        labels: labels(query)?,
        since: query.instant("since")?,
        until: query.instant("until")?,
        q: query.search()?,
    })
}

/// Every status with its word.
pub(crate) fn statuses() -> [(&'static str, Status); 6] {
    Status::ALL.map(|status| (status.as_str(), status))
}

fn classifications() -> [(&'static str, Classification); 4] {
    [
        Classification::New,
        Classification::Rollback,
        Classification::Reapply,
        Classification::Restore,
    ]
    .map(|one| (one.as_str(), one))
}

/// Takes every `label`.
pub(crate) fn labels(query: &mut Query) -> Result<Vec<(String, String)>, Problem> {
    let pair = |text: String| {
        let (name, value) = text
            .split_once([':', '='])
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Problem::at("?label", "it is written `name:value`"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    query.all("label").into_iter().map(pair).collect()
}
