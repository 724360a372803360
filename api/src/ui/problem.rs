//! A no as a page, for who reads pages.

use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    http::{Method, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::frame::{Frame, HEADERS, Section, Shell};
use crate::problem::{FieldError, Problem, ProblemKind};

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    frame: Frame,
    problem: &'p Problem,
    status: u16,
    id: &'p str,
}

impl ProblemPage<'_> {
    fn headline(&self) -> &'static str {
        self.problem.kind.title()
    }

    fn meaning(&self) -> &'static str {
        self.problem.kind.meaning()
    }

    fn errors(&self) -> &[FieldError] {
        &self.problem.errors
    }

    fn is_lost(&self) -> bool {
        self.problem.kind == ProblemKind::NotFound
    }
}

/// What only programs ask.
const PROGRAMS: [&str; 8] =
    ["/v1", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems", "/assets"];

/// Who asks for a page; none if a program asks.
pub(crate) fn reader(request: &Request, now: Timestamp) -> Option<Shell> {
    let path = request.uri().path();
    let program = PROGRAMS.iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let page = accept.is_some_and(|accept| accept.contains("text/html"));
    let here = match *request.method() {
        Method::GET => request.uri().path_and_query().map_or("/", |here| here.as_str()),
        _ => "/",
    };
    (page && !program).then(|| Shell::of(request.headers(), here, now))
}

/// Puts the problem in the place of a response, keeping its other headers.
pub(crate) fn explain(problem: &Problem, response: Response, id: &str, shell: Shell) -> Response {
    let (status, frame) =
        (problem.kind.status(), Frame::new(shell, Section::Elsewhere, problem.kind.title()));
    let page = ProblemPage { frame, problem, status: status.as_u16(), id };
    let Ok(html) = page.render() else { return problem.render(response, id) };
    let mut rendered = problem.render(response, id);
    rendered.headers_mut().remove(header::CONTENT_TYPE);
    let (mut parts, _) = rendered.into_parts();
    let (page, _) = (HEADERS, ()).into_response().into_parts();
    parts.headers.extend(page.headers);
    Response::from_parts(parts, Body::from(html))
}
