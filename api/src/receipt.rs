//! What goes beside an answer: where it is in the log, and which version it is of.

use std::convert::Infallible;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponseParts, ResponseParts},
};
use shiplog_store::position::{ConsistencyToken, StreamVersion};

/// How far the log was when the answer was made.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("shiplog-position");

/// How many streams are told of only in part.
const DAMAGED: HeaderName = HeaderName::from_static("shiplog-damaged");

/// Whether it is the answer to an earlier try of the same request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The headers that every answer from the log has, or a read model's.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    token: ConsistencyToken,
    tag: Option<String>,
    location: Option<String>,
    replayed: bool,
    damaged: usize,
}

impl Receipt {
    /// An answer that was made at this place.
    pub(crate) fn new(token: ConsistencyToken) -> Self {
        Self { token, tag: None, location: None, replayed: false, damaged: 0 }
    }

    /// The version of the stream that the answer speaks of: its `ETag`.
    pub(crate) fn of_version(self, version: Option<StreamVersion>) -> Self {
        Self { tag: version.map(tag), ..self }
    }

    /// What the answer is known by.
    pub(crate) fn tagged(self, tag: String) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// Where what was made can be found.
    pub(crate) fn located(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// How many streams are told of up to an event that does not fit.
    pub(crate) fn without(self, damaged: usize) -> Self {
        Self { damaged, ..self }
    }

    /// Whether the request was answered before.
    pub(crate) fn replayed(self, replayed: bool) -> Self {
        Self { replayed, ..self }
    }

    /// Whether the caller has this very answer, by its `If-None-Match`.
    pub(crate) fn is_known_to(&self, headers: &HeaderMap) -> bool {
        let Some(tag) = &self.tag else { return false };
        headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == "*" || known == tag)
    }
}

/// A stream's version as a strong entity tag.
pub(crate) fn tag(version: StreamVersion) -> String {
    format!("\"{version}\"")
}

impl IntoResponseParts for Receipt {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        let Self { token, tag, location, replayed, damaged } = self;
        let headers = [
            (POSITION, Some(token.to_string())),
            (header::ETAG, tag),
            (header::LOCATION, location),
            (REPLAYED, replayed.then(|| "true".into())),
            (DAMAGED, (damaged > 0).then(|| damaged.to_string())),
        ];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                parts.headers_mut().insert(name, value);
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use shiplog_store::position::LogId;

    use super::*;

    #[test]
    fn a_known_tag_is_found_in_a_list() {
        let token = ConsistencyToken { log: LogId(1), position: None };
        let receipt = Receipt::new(token).of_version(Some(StreamVersion(17)));
        let asked =
            |text| HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(text))]);
        for (text, known) in
            [("\"17\"", true), ("\"1\", W/\"17\"", true), ("*", true), ("\"1\"", false)]
        {
            assert_eq!(receipt.is_known_to(&asked(text)), known, "{text}");
        }
    }
}
