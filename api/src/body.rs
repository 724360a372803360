//! Bodies: JSON, parsed once, with the place of whatever is wrong.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::{
    problem::{Problem, ProblemKind},
    shapes::Object,
    uploads::Account,
    utf8,
};

/// A body that has to be there.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// A body that may be missing, which is the empty object.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if !json {
            return Err(not_json());
        }
        parse(&bytes).map(|Object(given)| Self(given))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if utf8::unmarked(&bytes).is_ok_and(<[u8]>::is_empty) {
            return parse(b"{}").map(|Object(given)| Self(given));
        }
        if !json {
            return Err(not_json());
        }
        parse(&bytes).map(|Object(given)| Self(given))
    }
}

/// Reads the whole body, as far as the route's limit goes.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let account = request.extensions().get::<Arc<Account>>().cloned();
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if let Some(problem) = account.as_ref().and_then(|account| account.problem()) {
            problem
        } else if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ProblemKind::TooLarge.because("the body is larger than this path takes")
        } else {
            ProblemKind::Malformed.because("the body ended before it was whole")
        }
    })
}

/// The media type, without parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).as_deref() == Some("application/json")
}

fn not_json() -> Problem {
    ProblemKind::UnsupportedMediaType.because("the body has to be `application/json`")
}

/// Parses JSON, and says where it is wrong if it is.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = utf8::text(bytes).map_err(|error| Problem::at("", format!("the body: {error}")))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| Problem::at(pointer(&error), error.inner().to_string()))?;
    reader.end().map_err(|error| Problem::at("", error.to_string()))?;
    Ok(parsed)
}

/// Where an error is, as a JSON pointer (RFC 6901).
fn pointer(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let mut pointer = segments(error.path());
    // These two are found out at the object that has, or has not, the field.
    let said = error.inner().to_string();
    let field = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| said.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    if let Some(field) = field {
        let step = format!("/{}", escaped(field));
        if !(said.starts_with("duplicate") && pointer.ends_with(&step)) {
            pointer.push_str(&step);
        }
    }
    pointer
}

fn segments(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its parsing counts")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its parsing counts")]
        name: String,
    }

    #[track_caller]
    fn check(json: &[u8], pointer: &str) {
        let problem = parse::<Outer>(json).unwrap_err();
        assert_eq!(problem.errors[0].pointer, pointer, "{problem:?}");
    }

    #[test]
    fn errors_say_where_they_are() {
        check(br#"{"inner": [{"name": 7}]}"#, "/inner/0/name");
        check(br#"{"inner": [{"name": "a"}, {"nam/e": "b"}]}"#, "/inner/1/nam~1e");
        check(br#"{"inner": [{}]}"#, "/inner/0/name");
        check(br#"{"inner": [{"name": "a", "name": "b"}]}"#, "/inner/0/name");
        check(b"{}", "/inner");
        check(b"not json", "");
        check(b"{\"inner\": []} x", "");
        check(b"\"\xff\"", "");
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_utf_16_is_called_so() {
        assert!(parse::<Outer>(b"\xef\xbb\xbf{\"inner\": []}").is_ok());
        let wide: Vec<_> = "{\"inner\": []}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let problem = parse::<Outer>(&wide).unwrap_err();
        assert!(problem.detail.contains("UTF-16"), "{problem:?}");
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(100_000);
        assert!(parse::<Outer>(deep.as_bytes()).is_err());
    }
}
