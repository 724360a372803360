//! No other site asks or changes anything in the name of who visits it.
//!
//! A browser sends what any page tells it to, to wherever it leads, also to a server that only this
//! machine can reach. It says where the request comes from (`Sec-Fetch-Site`, `Origin`), under which
//! name (`Host`), and asks before it sends what a form could not (`Content-Type`). All of it is
//! looked at here, in front of everything.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    body::media_type,
    hosts::Hosts,
    problem::{Problem, ProblemKind},
};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What a browser sends to another site without asking that first.
const UNASKED: [&str; 3] =
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];

/// Turns away what another site has a browser send, and what is meant for another host.
pub(crate) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    match judge(&hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn judge(hosts: &Hosts, request: &Request) -> Result<(), Problem> {
    let host = host(request).filter(|host| hosts.answers_to(host)).ok_or_else(misdirected)?;
    let headers = request.headers();
    let from = Asker::of(headers, |origin| hosts.is_ours(origin, &host));
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        let is_let_in = from != Asker::Elsewhere || is_visit(headers);
        return if is_let_in { Ok(()) } else { Err(embedded()) };
    }
    let is_page = !request.uri().path().starts_with("/v1/");
    let is_unasked = media_type(headers).is_some_and(|kind| UNASKED.contains(&kind.as_str()));
    match from {
        Asker::Elsewhere => Err(elsewhere(is_page)),
        // A program says nothing, and has the API.
        Asker::Unsaid if is_page && is_unasked => Err(elsewhere(is_page)),
        Asker::Here | Asker::Unsaid if is_unasked && !is_page => {
            Err(ProblemKind::UnsupportedMediaType.because(
                "the body has to be `application/json`, that of a batch `application/jsonl`",
            ))
        }
        Asker::Here | Asker::Unsaid => Ok(()),
    }
}

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// One of our own pages, or somebody who typed the address.
    Here,
    Elsewhere,
    /// It is not a browser, or an old one.
    Unsaid,
}

impl Asker {
    fn of(headers: &HeaderMap, is_ours: impl Fn(&str) -> bool) -> Self {
        let site = said(headers, &SITE, |site| matches!(site, "same-origin" | "none"));
        let origin = said(headers, &header::ORIGIN, is_ours);
        match (site, origin) {
            (Some(false), _) | (_, Some(false)) => Self::Elsewhere,
            (None, None) => Self::Unsaid,
            (Some(true), _) | (_, Some(true)) => Self::Here,
        }
    }
}

/// Whether a header has a good value, each time that it is there; nothing if it is not there.
fn said(headers: &HeaderMap, name: &HeaderName, is_good: impl Fn(&str) -> bool) -> Option<bool> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    let good = values.iter().all(|value| value.to_str().is_ok_and(&is_good));
    (!values.is_empty()).then_some(good)
}

/// Whether somebody follows a link to here, so that what is answered is shown to them, and to no
/// page of another site.
fn is_visit(headers: &HeaderMap) -> bool {
    let is = |name, wanted| said(headers, &name, |value| value == wanted);
    is(MODE, "navigate") == Some(true) && is(DEST, "document") != Some(false)
}

/// The one host that a request names: as part of its address where it has one, else in `Host`.
fn host(request: &Request) -> Option<Authority> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return None;
    }
    let first = first.map(|value| Authority::try_from(value.as_bytes()));
    match (request.uri().authority(), first) {
        (Some(address), None) => Some(address.clone()),
        (Some(address), Some(Ok(host))) => (*address == host).then_some(host),
        (None, Some(Ok(host))) => Some(host),
        (_, Some(Err(_))) | (None, None) => None,
    }
}

fn misdirected() -> Problem {
    ProblemKind::Misdirected.because(
        "the request names no host, several, or one that this server does not answer to; it answers \
         to `localhost`, to the address that it listens at, and to what it was started with as \
         `--public-url`",
    )
}

fn elsewhere(is_page: bool) -> Problem {
    ProblemKind::OtherOrigin.because(if is_page {
        "a form of Shiplog is sent from a page of Shiplog, at the same address; behind a proxy, start \
         the server with `--public-url` and the address that the browser shows"
    } else {
        "a page of another site asks for it; behind a proxy, start the server with `--public-url` and \
         the address that the browser shows"
    })
}

fn embedded() -> Problem {
    ProblemKind::OtherOrigin.because(
        "a page of another site asks for it; follow a link to it, or open it by its address",
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// What a request is turned away with, as a status; 200 if it is not.
    fn status(method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let hosts = Hosts::new(([127, 0, 0, 1], 7420).into(), Vec::new());
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let judged = judge(&hosts, &request.body(Body::empty()).unwrap());
        judged.map_or_else(|problem| problem.kind.status().as_u16(), |()| 200)
    }

    const HOST: (&str, &str) = ("host", "localhost:7420");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const OURS: (&str, &str) = ("origin", "http://localhost:7420");

    #[test]
    fn one_host_is_named_and_it_is_ours() {
        for (path, headers, expected) in [
            ("/", vec![HOST], 200),
            ("/", vec![], 421),
            ("/", vec![HOST, HOST], 421),
            ("/", vec![("host", "evil.example:7420")], 421),
            ("/", vec![("host", "a b")], 421),
            ("http://localhost:7420/", vec![], 200),
            ("http://localhost:7420/", vec![HOST], 200),
            ("http://localhost:7420/", vec![("host", "evil.example")], 421),
            ("http://evil.example/", vec![HOST], 421),
        ] {
            assert_eq!(status("GET", path, &headers), expected, "{path} {headers:?}");
        }
    }

    #[test]
    fn what_changes_something_comes_from_our_pages_or_from_a_program() {
        for (path, headers, expected) in [
            ("/v1/x", vec![], 200),
            ("/v1/x", vec![OURS], 200),
            ("/v1/x", vec![("sec-fetch-site", "same-origin")], 200),
            ("/v1/x", vec![("sec-fetch-site", "none")], 200),
            ("/v1/x", vec![("sec-fetch-site", "cross-site")], 403),
            ("/v1/x", vec![("sec-fetch-site", "same-site"), OURS], 403),
            ("/v1/x", vec![("sec-fetch-site", "same-origin"), ("origin", "null")], 403),
            ("/v1/x", vec![("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], 403),
            ("/v1/x", vec![("origin", "https://localhost:7420")], 403),
            ("/v1/x", vec![OURS, ("origin", "https://evil.example")], 403),
            ("/v1/x", vec![("content-type", "Text/Plain; charset=utf-8")], 415),
            ("/v1/x", vec![("content-type", "application/x-www-form-urlencoded"), OURS], 415),
            ("/v1/x", vec![("content-type", "multipart/form-data; boundary=a")], 415),
            ("/v1/x", vec![("content-type", "application/json")], 200),
            ("/environments", vec![FORM], 403),
            ("/environments", vec![FORM, OURS], 200),
            ("/environments", vec![FORM, ("sec-fetch-site", "same-origin")], 200),
            ("/environments", vec![("origin", "http://evil.example")], 403),
        ] {
            let all: Vec<_> = [HOST].into_iter().chain(headers).collect();
            for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
                assert_eq!(status(method, path, &all), expected, "{method} {path} {all:?}");
            }
        }
    }

    #[test]
    fn another_site_leads_here_and_embeds_nothing() {
        let cross = ("sec-fetch-site", "cross-site");
        let visit = ("sec-fetch-mode", "navigate");
        for (headers, expected) in [
            (vec![], 200),
            (vec![("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")], 200),
            (vec![cross, visit], 200),
            (vec![cross, visit, ("sec-fetch-dest", "document")], 200),
            (vec![cross, visit, ("sec-fetch-dest", "iframe")], 403),
            (vec![cross, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], 403),
            (vec![cross], 403),
            (vec![("origin", "https://evil.example")], 403),
        ] {
            let all: Vec<_> = [HOST].into_iter().chain(headers).collect();
            assert_eq!(status("GET", "/v1/projections/x/rows", &all), expected, "{all:?}");
        }
    }
}
