//! Which events of `$all` a reader wants.

use fancy_regex::Regex;

use super::{log::Log, record::Record};

/// A pattern for stream names or for event types.
#[derive(Debug)]
pub(crate) struct Filter {
    on: On,
    pattern: Pattern,
}

#[derive(Debug)]
enum On {
    Stream,
    Kind,
}

#[derive(Debug)]
enum Pattern {
    /// Anywhere in the text, with look-around, as clients write it for .NET.
    Regex(Regex),
    Prefixes(Vec<String>),
}

impl Filter {
    /// Streams whose name matches; the regex counts if there is one.
    pub(crate) fn streams(regex: &str, prefixes: &[String]) -> Result<Self, String> {
        Ok(Self { on: On::Stream, pattern: Pattern::parse(regex, prefixes)? })
    }

    /// Events whose type matches; the regex counts if there is one.
    pub(crate) fn kinds(regex: &str, prefixes: &[String]) -> Result<Self, String> {
        Ok(Self { on: On::Kind, pattern: Pattern::parse(regex, prefixes)? })
    }

    fn allows(&self, stream: &str, kind: &str) -> bool {
        let text = match self.on {
            On::Stream => stream,
            On::Kind => kind,
        };
        match &self.pattern {
            // A pattern that goes astray matches nothing.
            Pattern::Regex(regex) => regex.is_match(text).unwrap_or(false),
            Pattern::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix)),
        }
    }
}

impl Pattern {
    fn parse(regex: &str, prefixes: &[String]) -> Result<Self, String> {
        if regex.is_empty() {
            return Ok(Self::Prefixes(prefixes.to_vec()));
        }
        Regex::new(regex).map(Self::Regex).map_err(|error| error.to_string())
    }
}

impl Log {
    /// Whether a reader of `$all` is shown a record.
    pub(super) fn shows(&self, record: &Record, filter: Option<&Filter>) -> bool {
        self.stream(record.stream).is_some_and(|stream| {
            !stream.hidden
                && !record.gone
                && filter.is_none_or(|filter| filter.allows(&stream.name, &record.kind))
        })
    }
}
