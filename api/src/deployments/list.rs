//! The history of deployments, filtered and paged.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_domain::lane::{Classification, Status};
use shiplog_projections::{
    history::{
        self, Entry, Fact, Filter,
        search::{self, SearchError, Term, label},
    },
    page::Listed,
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
/// `q` is a search: terms with spaces between them, all of which hold. A term is a word, a
/// `"phrase"` or a beginning (`abc*`) of what was said of a deployment, or a key and its values:
/// `service:checkout env:production,staging status:failed is:rollback since:2d duration:>5m`; a `-`
/// before it leaves out. It and all other parameters hold together. `label` is `name:value` or
/// `name=value`, with the name in quotes where it holds one of these signs, and can be repeated.
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
        (format(&mut query, &headers)?, filter(&app, &mut query)?, query.page("deployments")?);
    at_least.seen_by(&app.models.history).await?;
    let answer = app.models.history.query(move |view| history::list(view, &filter, &page)).await?;
    let Listed { items, next } = answer.value;
    let link = query.next_link(PATH, next.as_ref());
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

/// Takes everything that narrows a list of deployments.
fn filter(app: &App, query: &mut Query) -> Result<Filter, Problem> {
    let terms = search(app, query)?;
    let terms = terms.map_err(|error| Problem::at("?q", error.to_string()))?;
    let mut filter = plain(query)?;
    filter.0.extend(terms.into_iter().map(|term| term.condition));
    Ok(filter)
}

/// Takes what is searched for; nothing, if nobody searches.
pub(crate) fn search(
    app: &App,
    query: &mut Query,
) -> Result<Result<Vec<Term>, SearchError>, Problem> {
    let text = query.search()?.unwrap_or_default();
    Ok(search::read(&text, app.clock.now()))
}

/// Takes everything else that narrows a list of deployments.
pub(crate) fn plain(query: &mut Query) -> Result<Filter, Problem> {
    let kinds = KINDS.map(|kind| (kind, kind));
    let facts = [
        query.parsed("service")?.map(Fact::Service),
        query.parsed("environment")?.map(Fact::Environment),
        query.sized("actor", 1..=200)?.map(Fact::Actor),
        query.parsed("version")?.map(Fact::Version),
        query.sized("commit", 4..=200)?.map(Fact::Commit),
        query.sized("artifact", 1..=500)?.map(Fact::Artifact),
        query.word("status", &statuses())?.map(Fact::Status),
        query.word("intent", &kinds)?.map(Fact::Intent),
        query.word("classification", &classifications())?.map(Fact::Classification),
        query.instant("since")?.map(Fact::Since),
        query.instant("until")?.map(Fact::Until),
    ];
    let labels = labels(query)?.into_iter().map(|(name, value)| Fact::Label(name, Some(value)));
    Ok(facts.into_iter().flatten().chain(labels).collect())
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
        let wrong =
            "it is written `name:value`, or `\"name\":value` where the name holds `:` or `=`";
        label::read(&text).ok_or_else(|| Problem::at("?label", wrong))
    };
    query.all("label").into_iter().map(pair).collect()
}
