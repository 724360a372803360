//! What a stream is called, and what that name says.

use std::{fmt, sync::Arc};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Encoded where they stand in a part of a name, so that `@` divides and nothing else does.
const RESERVED: &AsciiSet = &CONTROLS.add(b'@').add(b'%');

/// The name of one stream: `lane-checkout@production`, `environment-staging`.
///
/// What stands before the first `-` is its family (EventStoreDB's category).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// Joins a family and the parts of a name, encoding what would be ambiguous.
    pub(crate) fn join(family: &str, parts: &[&str]) -> Self {
        let parts: Vec<_> =
            parts.iter().map(|part| utf8_percent_encode(part, RESERVED).to_string()).collect();
        Self(format!("{family}-{}", parts.join("@")).into())
    }

    /// Takes a name as a log gave it.
    pub fn recorded(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family and what follows it, still encoded.
    pub fn family(&self) -> Option<(&str, &str)> {
        self.0.split_once('-')
    }
}

/// Undoes the encoding of one part; `None` if it is not UTF-8.
pub(crate) fn decode_part(part: &str) -> Option<std::borrow::Cow<'_, str>> {
    percent_decode_str(part).decode_utf8().ok()
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
