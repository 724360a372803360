//! Many deployments at once, a line each: for importers.

mod lane;
mod line;
mod name;

use axum::{
    extract::{Request, State},
    http::header::CONTENT_TYPE,
    response::IntoResponse,
};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    lane::Command,
    metadata::{Actor, CorrelationId, Metadata, Source},
};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;

use crate::{
    admission::{Admission, warning::Warning},
    app::App,
    body, caller,
    problem::{Problem, ProblemKind, ProblemShape},
    shapes::Number,
    utf8,
};

/// The most lines that one batch has.
const MAX_LINES: usize = 10_000;

/// How many lanes are written at a time.
const LANES_AT_A_TIME: usize = 64;

const JSON_LINES: &str = "application/jsonl";

/// Who sends a batch, and for whom its lines speak unless they say so themselves.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Who is answerable for a line that names nobody.
    pub actor: Actor,
    /// What ties the lines together.
    pub correlation: CorrelationId,
    /// Where the lines come from.
    pub source: Option<Source>,
    /// When the lines came: what happened then if a line does not say.
    pub now: Timestamp,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// It is recorded now.
    Recorded,
    /// It was recorded before, or says nothing new.
    Known,
    /// It is not recorded.
    Refused,
}

/// The answer to one line of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAnswer {
    /// Which line, counted from 1.
    pub line: usize,
    /// The deployment that it is about; none for a removal.
    pub number: Option<u32>,
    /// Up to where the log has it.
    pub position: Option<GlobalPosition>,
    /// Whether it is recorded now, or was before; or why it is not.
    pub result: Result<LineStatus, Problem>,
    /// What somebody should look at, although it is recorded.
    pub warnings: Vec<Warning>,
}

/// A line's answer as it is written.
#[derive(Serialize, ToSchema)]
#[schema(as = LineAnswer)]
pub(crate) struct LineShape {
    /// Which line, counted from 1.
    #[schema(minimum = 1)]
    line: usize,
    /// Whether it is recorded now, was before, or is not.
    status: LineStatus,
    /// The deployment; null for a removal.
    #[schema(value_type = Option<Number>)]
    number: Option<u32>,
    /// Why it is not recorded.
    problem: Option<ProblemShape>,
    /// What somebody should look at, although it is recorded; absent if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
}

/// Report many deployments, one a line.
///
/// Each line is what `POST /v1/deployments` takes, and may hold an `idempotency_key`; without one
/// its content is its key, so that a file can be sent again. A line that asks for a deployment meets
/// the guard rails as that call does, and is `refused` where one stands in its way. `{"removed": true, "service",
/// "environment", "at", "actor", "reason"}` reports that a service was taken out. Lines of one
/// lane take effect in their order; one bad line never stops the others.
#[utoipa::path(post, path = "/v1/deployments:batch", tag = "deployments",
    request_body(content = String, content_type = "application/jsonl"),
    responses((status = 200, description = "One answer a line, in the order of the lines",
        body = LineShape, content_type = "application/jsonl")))]
pub(super) async fn report_batch(
    State(app): State<App>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let headers = request.headers();
    let kind = body::media_type(headers);
    if !matches!(kind.as_deref(), Some(JSON_LINES | "application/x-ndjson")) {
        return Err(
            ProblemKind::UnsupportedMediaType.because("the body has to be `application/jsonl`")
        );
    }
    let (actor, correlation) = (caller::actor(headers)?, caller::correlation(headers)?);
    let claims = Claims { actor, correlation, source: None, now: app.clock.now() };
    let bytes = body::read(request, &app).await?;
    let bytes =
        utf8::unmarked(&bytes).map_err(|error| Problem::at("", format!("the body: {error}")))?;
    if lines(bytes).count() > MAX_LINES {
        return Err(ProblemKind::TooLarge.because(format!("a batch takes {MAX_LINES} lines")));
    }
    let answers = record(&app.admission, &claims, bytes).await;
    let receipt = app.receipt(answers.iter().filter_map(|answer| answer.position).max());
    Ok((receipt, [(CONTENT_TYPE, JSON_LINES)], written(answers)))
}

/// Records every line that can be, and answers each in its place.
///
/// Blank lines are passed over. Lines of one lane are decided one after the other, lanes side by
/// side. The same lines again are known. A line that asks meets the guard rails, as a request does.
pub async fn record(admission: &Admission, claims: &Claims, lines_text: &[u8]) -> Vec<LineAnswer> {
    let (mut answers, mut parsed) = (Vec::new(), Vec::new());
    for (line, text) in lines(lines_text) {
        match line::parse(text, claims) {
            Ok(said) => parsed.push((line, said)),
            Err(problem) => answers.push(refused(line, problem)),
        }
    }
    let (by_lane, unnamed) = name::sort(admission, parsed).await;
    answers.extend(unnamed);
    let mut written = stream::iter(by_lane)
        .map(|(lane, lines)| lane::record(admission, lane, lines))
        .buffer_unordered(LANES_AT_A_TIME);
    while let Some(more) = written.next().await {
        answers.extend(more);
    }
    drop(written);
    answers.sort_by_key(|answer| answer.line);
    answers
}

/// A line whose lane is known.
struct Named {
    line: usize,
    command: Command,
    metadata: Metadata,
    warnings: Vec<Warning>,
}

fn refused(line: usize, problem: Problem) -> LineAnswer {
    LineAnswer { line, number: None, position: None, result: Err(problem), warnings: Vec::new() }
}

/// The lines that are not blank, each with its place, counted from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let numbered = bytes.split(|byte| *byte == b'\n').enumerate();
    numbered
        .map(|(index, line)| (index + 1, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
}

fn written(answers: Vec<LineAnswer>) -> Vec<u8> {
    let mut text = Vec::new();
    for LineAnswer { line, number, position: _, result, warnings } in answers {
        let (status, problem) = match result {
            Ok(status) => (status, None),
            Err(problem) => (LineStatus::Refused, Some(problem.shape(None))),
        };
        let shape = LineShape { line, status, number, problem, warnings };
        // Our own structs have string keys and finite numbers, so nothing can fail.
        text.extend(serde_json::to_vec(&shape).unwrap_or_default());
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_and_are_passed_over() {
        let found: Vec<_> = lines(b"a\r\n\n  \nb").collect();
        assert_eq!(found, [(1, b"a".as_slice()), (4, b"b".as_slice())]);
    }
}
