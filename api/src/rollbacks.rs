//! The audit of rollbacks: what was taken back, by whom, and why.

mod report;
mod shape;
mod table;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shiplog_projections::{
    page::Listed,
    rollbacks::{self, Account, Filter},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::shape::RollbackShape;
use crate::{
    app::App,
    csv_text::{self, Format},
    deployments::statuses,
    problem::Problem,
    query::Query,
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

/// What a question for rollbacks may hold.
pub(crate) const KNOWN: [&str; 13] = [
    "service",
    "environment",
    "actor",
    "declared",
    "status",
    "since",
    "until",
    "q",
    "account",
    "order",
    "limit",
    "cursor",
    "format",
];

/// List rollbacks, newest first: those that were asked for, and those that took place unsaid.
///
/// `q` is a part of the reason. `account=reported` tells of them as they were recorded first, whatever
/// was corrected since. `format=report` is a report to print, in Markdown.
#[utoipa::path(get, path = "/v1/rollbacks", tag = "rollbacks",
    params(crate::openapi::RollbackParams, crate::openapi::PageParams,
        crate::openapi::ReportParam),
    responses((status = 200, description = "A page of rollbacks", content(
        (RollbackList = "application/json"), (String = "text/csv"), (String = "text/markdown")))))]
async fn list_rollbacks(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &KNOWN)?;
    let (format, filter, page) =
        (format(&mut query, &headers)?, filter(&mut query)?, query.page("rollbacks")?);
    at_least.seen_by(&app.models.rollbacks).await?;
    let answer =
        app.models.rollbacks.query(move |view| rollbacks::list(view, &filter, &page)).await?;
    let Listed { items, next } = answer.value;
    let link = query.next_link(PATH, next.as_ref());
    let body = match format {
        As::List(Format::Csv) => csv_text::table(table::COLUMNS, items.iter().map(table::row))?,
        As::Report => match at_least.behind() {
            Some(behind) if items.is_empty() => return Err(behind.problem()),
            behind => report::report(&items, app.clock.now(), behind.as_ref()),
        },
        As::List(Format::Json) => {
            let items = items.iter().map(RollbackShape::from).collect();
            Json(RollbackList { items, next: next.map(|next| next.to_string()) }).into_response()
        }
    };
    Ok((app.receipt(answer.position), link, body).into_response())
}

/// What the audit is answered as.
#[derive(Clone, Copy, Debug)]
enum As {
    List(Format),
    /// In Markdown, to print.
    Report,
}

fn format(query: &mut Query, headers: &HeaderMap) -> Result<As, Problem> {
    let words =
        [("json", As::List(Format::Json)), ("csv", As::List(Format::Csv)), ("report", As::Report)];
    let asked = query.word("format", &words)?;
    Ok(asked.unwrap_or_else(|| As::List(csv_text::accepted(headers))))
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
        account: query
            .word("account", &[("corrected", Account::Corrected), ("reported", Account::Reported)])?
            .unwrap_or_default(),
    })
}
