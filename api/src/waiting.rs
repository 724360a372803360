//! A server that does not know yet what it is to serve: its log has never been reached.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    answering, cross_site,
    hosts::Hosts,
    ops::{self, Ready},
    problem::{Problem, ProblemKind},
};

/// Why there is nothing to serve, for callers.
type Why = Arc<str>;

/// A service that is alive and not ready, and that answers everything else with `503`.
pub(crate) fn router(why: &str, hosts: &Arc<Hosts>) -> Router {
    Router::new()
        .route("/livez", get(ops::get_livez))
        .route("/readyz", get(not_ready))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(hosts), cross_site::guard))
        .layer(middleware::from_fn(answer))
        .with_state(Why::from(why))
}

async fn not_ready(State(why): State<Why>) -> Response {
    let ready = Ready::without_log(None, &why, Vec::new());
    let later = [(header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, later, Json(ready)).into_response()
}

async fn nothing(State(why): State<Why>) -> Problem {
    ProblemKind::LogUnavailable.because(why.as_ref())
}

/// Names the request and completes the answer, as for a server that has a log.
async fn answer(mut request: Request, next: Next) -> Response {
    let id = answering::name(request.headers_mut());
    let mut response = answering::explained(next.run(request).await, &id, None);
    answering::complete(response.headers_mut(), answering::NOTHING, &id, None);
    response
}
