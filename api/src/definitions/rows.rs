//! What a query that was defined answers.

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use shiplog_domain::projection::Language;
use shiplog_projections::sql::{Parameters, parameter};

use super::{ScriptPath, find};
use crate::{
    app::App,
    csv_text::format,
    problem::{Problem, ProblemKind},
    query::Query,
    sql::{self, SqlAnswer},
    views::AtLeast,
};

/// Answer a query that was defined: its rows as they are now.
///
/// A parameter of the query, `:name`, is given as `param=name=value`, once for each.
#[utoipa::path(get, path = "/v1/projections/{name}/rows", tag = "projections",
    params(crate::openapi::ScriptParam, crate::openapi::RowsParams, crate::openapi::FormatParam),
    responses((status = 200, description = "The rows", content(
        (SqlAnswer = "application/json"), (String = "text/csv")))))]
pub(super) async fn list_rows(
    State(app): State<App>,
    ScriptPath(name): ScriptPath,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(raw.as_deref(), &["format", "limit", "param"])?;
    let (format, parameters) = (format(&mut query, &headers)?, parameters(&mut query)?);
    let limit = query.peek("limit").is_some().then(|| query.limit()).transpose()?;
    let definition = find(&app, &name, &at_least).await?;
    match definition.language {
        Language::Sql => {
            sql::answer(&app, &at_least, (definition.source, parameters), (limit, format)).await
        }
        Language::Javascript => {
            let why = format!("`{name}` is a script: ask for `/v1/projections/{name}/state`");
            Err(ProblemKind::Refused.because(why).coded("projection-is-a-script"))
        }
    }
}

fn parameters(query: &mut Query) -> Result<Parameters, Problem> {
    let given = query.all("param").into_iter().map(|text| {
        let wrong = || Problem::at("?param", format!("`{text}` is not written `name=value`"));
        parameter(&text).ok_or_else(wrong)
    });
    Ok(Parameters::Named(given.collect::<Result<_, _>>()?))
}
