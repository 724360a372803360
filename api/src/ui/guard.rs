//! Only our own pages change anything: no other site can press a button in somebody's name.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::problem::ProblemKind;

/// Turns away what writes and comes from another site.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    ProblemKind::OtherOrigin
        .because("a form of Shiplog is sent from a page of Shiplog, at the same address")
        .into_response()
}

/// Whether the browser says that the request comes from a page of this server. A program that
/// says neither is not a browser, and has the API.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| Some(host) == text(header::HOST.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_browser_says_where_a_form_comes_from() {
        let host = ("host", "shiplog.example:7420");
        for (pairs, ours) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "none")], false),
            (vec![host, ("origin", "http://shiplog.example:7420")], true),
            (vec![host, ("origin", "https://shiplog.example:7420")], true),
            (vec![host, ("origin", "http://shiplog.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host], false),
        ] {
            assert_eq!(is_from_here(&headers(&pairs)), ours, "{pairs:?}");
        }
    }
}
