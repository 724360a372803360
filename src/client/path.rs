//! Paths and queries, percent-encoded.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path with its query, ready to stand behind a server's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    has_query: bool,
}

/// Joins segments, of which each may hold any character.
pub(crate) fn path(segments: &[&str]) -> Path {
    let start = Path { text: String::new(), has_query: false };
    segments.iter().fold(start, |path, segment| path.join(segment))
}

/// The path of a lane.
pub(crate) fn lane_path(service: &str, environment: &str) -> Path {
    path(&["v1", "lanes", service, environment])
}

/// The path of a deployment.
pub(crate) fn deployment_path(service: &str, environment: &str, number: u64) -> Path {
    path(&["v1", "deployments", service, environment, &number.to_string()])
}

impl Path {
    /// A path whose text is already what it should be.
    pub(crate) fn literal(text: &'static str) -> Self {
        Self { text: text.into(), has_query: false }
    }

    /// Adds one more segment.
    pub(crate) fn join(mut self, segment: &str) -> Self {
        self.text.push('/');
        self.text.push_str(&encode(segment));
        self
    }

    /// Adds one parameter to the query.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(&encode(name));
        self.text.push('=');
        self.text.push_str(&encode(value));
        self
    }

    /// Adds a parameter if there is a value for it.
    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_may_hold_any_character() {
        let path = deployment_path("alphagov/frontend", "review/ü #1", 42);
        let expected = "/v1/deployments/alphagov%2Ffrontend/review%2F%C3%BC%20%231/42";
        assert_eq!(path.to_string(), expected);
    }

    #[test]
    fn a_query_begins_once() {
        let path = path(&["v1", "deployments"])
            .with("service", "a&b")
            .with_some("actor", None)
            .with_some("q", Some("x=y"));
        assert_eq!(path.to_string(), "/v1/deployments?service=a%26b&q=x%3Dy");
    }
}
