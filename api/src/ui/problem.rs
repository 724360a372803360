//! A no as a page, for who reads pages.

use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    http::{Method, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    frame::{Frame, HEADERS, Section, Shell},
    visible::visible,
};
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

    /// What was said, as a sentence of its own, in parts of which the quoted ones are marked.
    fn sentence(said: &(impl AsRef<str> + ?Sized)) -> Vec<(bool, String)> {
        let mut parts: Vec<_> = said.as_ref().split('`').map(ToOwned::to_owned).collect();
        if parts.len() % 2 == 0 {
            // One mark alone quotes nothing.
            parts = vec![said.as_ref().to_owned()];
        }
        if let Some(first) = parts.first_mut() {
            let mut rest = first.chars();
            let capital = rest.next().into_iter().flat_map(char::to_uppercase);
            *first = capital.chain(rest).collect();
        }
        if let Some(last) = parts.last_mut()
            && !last.ends_with(['.', '?', '!'])
        {
            last.push('.');
        }
        parts.into_iter().enumerate().map(|(place, part)| (place % 2 == 1, part)).collect()
    }

    /// The same page with nothing asked of it.
    fn plain(&self) -> Option<&str> {
        self.frame.shell.here.split_once('?').map(|(path, _)| path)
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
    Response::from_parts(parts, Body::from(visible(html)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_becomes_a_sentence_with_its_quotations() {
        let told = |said: &str| {
            let parts = ProblemPage::sentence(said).into_iter();
            parts.map(|(quoted, part)| if quoted { format!("[{part}]") } else { part }).collect()
        };
        let cases: [(&str, &str); 5] = [
            ("nothing runs in `a/b`", "Nothing runs in [a/b]."),
            ("`?q`: did you mean `s`?", "[?q]: did you mean [s]?"),
            ("it is `", "It is `."),
            ("the end.", "The end."),
            ("", "."),
        ];
        for (said, sentence) in cases {
            let told: String = told(said);
            assert_eq!(told, sentence);
        }
    }
}
