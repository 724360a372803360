//! What happens around every handler: ids, headers, problems, metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    app::App,
    caller::{KEY, REQUEST_ID, is_key, is_sane},
    docs,
    lag::{self, Lag},
    openapi::QUESTIONS,
    problem::{MEDIA_TYPE, Problem, ProblemKind},
    query::malformed_percent,
    ui::{self, Shell},
};

/// What an answer of the API may load when a browser shows it: nothing.
pub(crate) const NOTHING: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The most bytes of a path and a query; more than twice that, and the connection ends without a problem.
const MAX_ADDRESS: usize = 32 * 1024;

const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");
/// No other site embeds an answer, nor keeps a hand on a window that shows one.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Names the request, has it answered, and completes the answer.
pub(crate) async fn answer(
    State(app): State<App>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = method(request.method());
    let id = name(request.headers_mut());
    let key = promise(&mut request);
    let policy = docs::policy(request.uri().path()).unwrap_or(NOTHING);
    let reader = ui::reader(&request, app.clock.now());
    let lag = Lag::default();
    request.extensions_mut().insert(lag.clone());
    let length = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
    let response = match malformed_percent(request.uri().path()) {
        _ if length > MAX_ADDRESS => ProblemKind::TooLong
            .because(format!("it has {length} bytes; it takes up to {MAX_ADDRESS}"))
            .into_response(),
        Some(at) => Problem::at("{path}", format!("`{at}` is no percent-encoding")).into_response(),
        None => next.run(request).await,
    };
    let mut response = explained(lag::mark(&lag, response).await, &id, reader);
    complete(response.headers_mut(), policy, &id, key);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.telemetry.answered(method, route, response.status().as_u16(), began.elapsed());
    response
}

/// The id that the caller gave the request, if it can be kept, else a new one.
pub(crate) fn name(headers: &mut HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).map(HeaderValue::as_bytes).filter(|id| is_sane(id));
    let given = given.and_then(|id| std::str::from_utf8(id).ok());
    let id = given.map_or_else(|| fresh().to_string(), Into::into);
    put(headers, REQUEST_ID, &id);
    id
}

/// The key of a write, which is made up if the caller has not given one; what is no key is not
/// sent back.
fn promise(request: &mut Request) -> Option<HeaderValue> {
    let writes = [Method::POST, Method::PUT, Method::DELETE].contains(request.method());
    let path = request.uri().path();
    // Each line of a batch has a key of its own, and a question needs none.
    if !writes || path.ends_with(":batch") || QUESTIONS.contains(&path) {
        return None;
    }
    if !request.headers().contains_key(&KEY) {
        put(request.headers_mut(), KEY, &fresh().to_string());
    }
    request.headers().get(&KEY).filter(|key| is_key(key.as_bytes())).cloned()
}

/// A name that nothing else has.
#[expect(clippy::disallowed_methods, reason = "a request that nobody named needs a name")]
pub(crate) fn fresh() -> Uuid {
    Uuid::new_v4()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Writes out the problem, if the response is one, whoever it came from: as a page to who reads
/// pages.
pub(crate) fn explained(mut response: Response, id: &str, reader: Option<Shell>) -> Response {
    let written = |problem: Problem, response| match reader {
        Some(shell) => ui::explain(&problem, response, id, shell),
        None => problem.render(response, id),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return written(problem, response);
    }
    let status = response.status();
    let is_told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        [b"application/json".as_slice(), b"text/html", MEDIA_TYPE.as_bytes()]
            .iter()
            .any(|told| kind.starts_with(told))
    });
    if !status.is_client_error() && !status.is_server_error() || is_told {
        return response;
    }
    let kind = ProblemKind::of(status);
    let detail = if kind == ProblemKind::MethodNotAllowed {
        "the `Allow` header names the methods of this path"
    } else {
        kind.title()
    };
    written(kind.because(detail), response)
}

pub(crate) fn complete(
    headers: &mut HeaderMap,
    policy: &'static str,
    id: &str,
    key: Option<HeaderValue>,
) {
    put(headers, REQUEST_ID, id);
    if let Some(key) = key {
        headers.insert(KEY, key);
    }
    headers.insert(CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The method as a label: methods that nobody knows would be labels without bound.
fn method(method: &Method) -> &'static str {
    let known = [
        ("GET", Method::GET),
        ("HEAD", Method::HEAD),
        ("POST", Method::POST),
        ("PUT", Method::PUT),
        ("DELETE", Method::DELETE),
        ("OPTIONS", Method::OPTIONS),
        ("PATCH", Method::PATCH),
    ];
    known.iter().find(|(_, one)| one == method).map_or("other", |(name, _)| name)
}
