//! The contract: every path, parameter, body and answer, as OpenAPI.

mod params;
mod refine;

use serde_json::{Map, Value, json};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, tag::TagBuilder};

pub(crate) use self::params::{
    AgainstParam, AsOfParams, DiffParams, EnvironmentParam, EventParams, FormatParam,
    HistoryParams, LaneParams, LiveParams, NamePageParams, NumberParam, PageParams, PartitionParam,
    PartitionsParams, ProjectionParam, ReleaseParams, RemovalParams, ReportParam, RollbackParams,
    RowsParams, ScriptParam, ServiceParam,
};
use crate::{
    app,
    definitions::preview,
    problem::{MEDIA_TYPE, ProblemKind},
    sql, what_if,
};

const TAGS: [(&str, &str); 9] = [
    ("deployments", "Asked for, reported, followed, listed."),
    ("lanes", "One service in one environment."),
    ("environments", "What runs where, now and at any instant."),
    ("rollbacks", "What was taken back, by whom, and why."),
    ("releases", "What they are made of, and where each one runs and ran."),
    ("events", "The log itself."),
    ("projections", "The read models, and how far each has come."),
    ("questions", "Whatever else there is to ask: in SQL, and what would have been."),
    ("operations", "Is it alive, is it ready, what does it measure."),
];

const DESCRIPTION: &str = "The flight recorder of deployments.\n\n\
    Every write takes an `Idempotency-Key`: the same request under the same key is recorded once \
    and answered alike. A write that sends `If-Match` with the `ETag` of what it is about is taken \
    only if nothing has changed since. Every answer carries `Shiplog-Position`; a read that sends it back as \
    `Shiplog-At-Least` tells at least of that. An answer that is behind what was recorded before it was asked \
    for says so, in `behind` and in `Shiplog-Behind`. Errors are `application/problem+json` (RFC 9457), \
    explained where their `type` points. Lists page by an opaque cursor; the next page is in \
    `next`, and in `Link`. An unknown field or parameter is an error that names it.";

/// The problems that a read and a write can come to.
const READ_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::Malformed,
    ProblemKind::TooLong,
    ProblemKind::OtherOrigin,
    ProblemKind::Misdirected,
    ProblemKind::NotFound,
    ProblemKind::OtherLog,
    ProblemKind::QueryStopped,
    ProblemKind::Internal,
    ProblemKind::LogUnavailable,
];
const WRITE_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::Malformed,
    ProblemKind::OtherOrigin,
    ProblemKind::Misdirected,
    ProblemKind::NotFound,
    ProblemKind::Refused,
    ProblemKind::StaleVersion,
    ProblemKind::TooSlow,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::Internal,
    ProblemKind::LogUnavailable,
];

const QUESTION_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::Malformed,
    ProblemKind::OtherOrigin,
    ProblemKind::Misdirected,
    ProblemKind::OtherLog,
    ProblemKind::TooSlow,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::QueryStopped,
    ProblemKind::Internal,
    ProblemKind::ProjectionBehind,
];

/// What is asked by `POST`, because a question can be long: it records nothing.
pub(crate) const QUESTIONS: [&str; 3] = [sql::PATH, what_if::PATH, preview::PATH];

/// What stands before the paths.
pub(crate) fn preamble() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Shiplog")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")));
    let tags =
        TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// The whole contract, as it is served at `/openapi.json`.
pub fn document() -> Value {
    let (_, contract) = app::routes().split_for_parts();
    complete(&contract)
}

/// Adds what every path has, and what derived schemas cannot say.
pub(crate) fn complete(contract: &OpenApi) -> Value {
    // What was built in memory has string keys and finite numbers, so nothing can fail.
    let mut document = serde_json::to_value(contract).unwrap_or_default();
    if let Some(paths) = document.pointer_mut("/paths").and_then(Value::as_object_mut) {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                complete_operation(path, method, operation);
            }
        }
    }
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        let problems = ProblemKind::ALL.iter().map(|kind| (kind.status().to_string(), kind));
        let responses: Map<_, _> =
            problems.rev().map(|(_, kind)| (component(*kind), problem_response(*kind))).collect();
        components.insert("responses".into(), Value::Object(responses));
    }
    refine::schemas(&mut document);
    document
}

fn component(kind: ProblemKind) -> String {
    format!("{kind:?}")
}

fn problem_response(kind: ProblemKind) -> Value {
    json!({
        "description": kind.title(),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let asks = QUESTIONS.contains(&path);
    let reads = method == "get" || asks;
    // What records nothing needs no key, nor anybody who does it.
    let records = !reads && !path.contains("/rebuild");
    let problems = match (asks, reads) {
        (true, _) => QUESTION_PROBLEMS,
        (false, true) => READ_PROBLEMS,
        (false, false) => WRITE_PROBLEMS,
    };
    if let Some(responses) = operation.pointer_mut("/responses").and_then(Value::as_object_mut) {
        for (status, response) in responses.iter_mut() {
            if status.starts_with('2') && path.starts_with("/v1/") {
                response["headers"] = params::headers_of(status, !records);
            }
        }
        for kind in problems {
            let problem = json!({"$ref": format!("#/components/responses/{}", component(*kind))});
            responses.entry(kind.status().as_u16().to_string()).or_insert(problem);
        }
    }
    if !path.starts_with("/v1/") {
        return;
    }
    let more = params::headers_for(path, !records);
    let parameters = operation
        .as_object_mut()
        .map(|fields| fields.entry("parameters").or_insert_with(|| json!([])));
    if let Some(parameters) = parameters.and_then(Value::as_array_mut) {
        parameters.extend(more);
    }
    let optional =
        ["/start", "/succeed", "/fail", "/cancel", "/approve", "/reject", "/unfreeze", "/rebuild"];
    let optional = method == "delete" || optional.iter().any(|step| path.ends_with(step));
    if let Some(required) = operation.pointer_mut("/requestBody/required").filter(|_| optional) {
        *required = false.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut unseen = vec![&document];
        while let Some(value) = unseen.pop() {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            match value {
                Value::Object(fields) => unseen.extend(fields.values()),
                Value::Array(items) => unseen.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }

    #[test]
    fn every_operation_can_say_no() {
        let document = document();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("500"), "{method} {path}");
                assert!(operation["operationId"].is_string(), "{method} {path}");
            }
        }
    }
}
