//! Whatever else there is to ask, in SQL.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shiplog_projections::{
    models::{Answer, Model, Phase},
    sql::{Limits, Parameters, Question, Rows},
};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    csv_text::{Format, any_table, format, harmless},
    problem::{Problem, ProblemKind},
    query::Query,
    shapes::{Text, Whole},
    views::AtLeast,
};

/// Where SQL is asked.
pub(crate) const PATH: &str = "/v1/sql";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask_sql))
}

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SqlAsked {
    /// One statement of SQLite's SQL, which reads.
    #[schema(value_type = String, min_length = 1, max_length = 100_000)]
    query: Text<1, 100_000>,
    /// The values of its parameters: an object for `:name`, a list for `?1`.
    #[serde(default)]
    parameters: Option<Given>,
    /// The most rows to answer; 1,000 unless something else is said.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    limit: Option<Whole<1, 10_000>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "an object for `:name`, or a list for `?1`")]
enum Given {
    Named(BTreeMap<String, Value>),
    Ordered(Vec<Value>),
}

/// What is answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct SqlAnswer {
    /// What the columns are called.
    columns: Vec<String>,
    /// Each as long as `columns`: texts, numbers and null.
    rows: Vec<Vec<Value>>,
    /// Up to which position of the log it tells; null before the first event.
    position: Option<u64>,
    /// Whether there are more rows than were asked for, or than fit into 16 MiB.
    truncated: bool,
}

/// Ask in SQL, of the tables `events`, `deployments`, `lanes` and `rollbacks`.
///
/// `:now` is when it is asked, unless it is given. The tables are made when somebody asks first;
/// until they have come to where the log is, the answer is `projection-behind`.
#[utoipa::path(post, path = "/v1/sql", tag = "questions",
    params(crate::openapi::FormatParam), request_body = SqlAsked,
    responses((status = 200, description = "The rows", content(
        (SqlAnswer = "application/json"), (String = "text/csv")))))]
async fn ask_sql(
    State(app): State<App>,
    at_least: AtLeast,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Body(SqlAsked { query, parameters, limit }): Body<SqlAsked>,
) -> Result<Response, Problem> {
    let mut asked = Query::parse(raw.as_deref(), &["format"])?;
    let format = format(&mut asked, &headers)?;
    let parameters = match parameters {
        None => Parameters::default(),
        Some(Given::Named(given)) => Parameters::Named(given.into_iter().collect()),
        Some(Given::Ordered(given)) => Parameters::Ordered(given),
    };
    let limit = limit.map(|Whole(rows)| rows as usize);
    answer(&app, &at_least, (query.into(), parameters), (limit, format)).await
}

/// Answers a question, once the tables tell of enough.
pub(crate) async fn answer(
    app: &App,
    at_least: &AtLeast,
    (source, parameters): (String, Parameters),
    (limit, format): (Option<usize>, Format),
) -> Result<Response, Problem> {
    let model = level(app, at_least).await?;
    at_least.seen_by(model).await?;
    let limits = Limits::default();
    let rows = limit.unwrap_or(limits.rows);
    let question = Question { source, parameters, now: Some(app.clock.now()) };
    let answer = app.models.sql.ask(question, Limits { rows, ..limits }).await?;
    let Answer { value: Rows { columns, rows, truncated }, position } = answer;
    let body = match format {
        Format::Csv => any_table(columns, rows.into_iter().map(|row| row.into_iter().map(cell)))?,
        Format::Json => {
            let position = position.map(|position| position.0);
            Json(SqlAnswer { columns, rows, position, truncated }).into_response()
        }
    };
    Ok((app.receipt(position), body).into_response())
}

/// The read model, once it tells of all that was recorded before it was begun.
async fn level<'a>(app: &'a App, at_least: &AtLeast) -> Result<&'a Model, Problem> {
    let model = app.models.sql.model().await?;
    if model.progress().phase != Phase::CatchingUp {
        return Ok(model);
    }
    let head = app.log.head().await?;
    if let Some(position) = head
        && let Err(behind) = model.at_least(position, at_least.left()).await
    {
        if behind.stalled {
            return Err(behind.into());
        }
        let at = behind.checkpoint.map_or(0, |GlobalPosition(at)| at);
        let detail = format!(
            "the tables are being made from the log and are at position {at} of {}: ask again \
             shortly",
            position.0
        );
        return Err(ProblemKind::ProjectionBehind.because(detail));
    }
    Ok(model)
}

/// A value as a cell; only a text could be taken for a formula.
fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
