//! Places: in the log, in a stream, and in which log.

use std::{fmt, str::FromStr};

/// A place in the log, from 1 on.
///
/// Ordered, never dense: SQLite counts rows, EventStoreDB counts bytes. So there
/// is no arithmetic on it; one reads *after* a position, never at `+ 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalPosition(pub u64);

impl fmt::Display for GlobalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in one stream: 0 for its first event, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamVersion(pub u64);

impl fmt::Display for StreamVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StreamVersion {
    /// What is wrong if this version comes where another one is due.
    pub fn misplaced(self, due: u64) -> Option<String> {
        (self.0 != due).then(|| format!("it has version `{self}` where `{due}` is due"))
    }
}

/// Where a writer believes that a stream is.
///
/// There is no "any": an append that does not know what it follows was not decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpectedVersion {
    /// It has no events yet.
    NoStream,
    /// This is its last event.
    Exact(StreamVersion),
}

impl ExpectedVersion {
    /// Whether a stream whose last event is `actual` is where the writer believes it to be.
    pub fn is_met_by(self, actual: Option<StreamVersion>) -> bool {
        self == Self::from(actual)
    }
}

impl From<Option<StreamVersion>> for ExpectedVersion {
    fn from(last: Option<StreamVersion>) -> Self {
        last.map_or(Self::NoStream, Self::Exact)
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("new"),
            Self::Exact(version) => write!(f, "at version `{version}`"),
        }
    }
}

/// Which log it is, so that no position is taken for one of another log.
///
/// Drawn at random when the log is made; written as eight lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogId(pub u32);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for LogId {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = plain.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        id.map(Self).ok_or_else(|| TokenError::LogId { found: text.into() })
    }
}

/// "At least this far": what a reader must have seen, and of which log.
///
/// Written `9f2c01aa:1834`; `9f2c01aa:0` is the empty log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsistencyToken {
    /// Which log.
    pub log: LogId,
    /// The last position to have seen; `None` before the first event.
    pub position: Option<GlobalPosition>,
}

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, position } = self;
        write!(f, "{log}:{}", position.map_or(0, |position| position.0))
    }
}

impl FromStr for ConsistencyToken {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (log, position) =
            text.split_once(':').ok_or_else(|| TokenError::Shape { found: text.into() })?;
        let log = log.parse()?;
        let digits = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let position = digits.then(|| position.parse::<u64>().ok()).flatten();
        let position = position.ok_or_else(|| TokenError::Position { found: text.into() })?;
        Ok(Self { log, position: (position > 0).then_some(GlobalPosition(position)) })
    }
}

/// Why a text is no consistency token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no colon in it.
    #[error("`{found}` is not a log id and a position with a colon between them")]
    Shape {
        /// The whole text.
        found: String,
    },
    /// What should name the log does not.
    #[error("`{found}` is not a log id of eight hexadecimal digits")]
    LogId {
        /// What stands in its place.
        found: String,
    },
    /// What follows the colon is no position.
    #[error("`{found}` does not end with a position")]
    Position {
        /// The whole text.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_as_it_was_written() {
        for text in ["9f2c01aa:1834", "00000001:0", "ffffffff:18446744073709551615"] {
            assert_eq!(text.parse::<ConsistencyToken>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_empty_log_has_no_position() {
        assert_eq!("9f2c01aa:0".parse::<ConsistencyToken>().unwrap().position, None);
    }

    #[test]
    fn what_is_no_token_says_why() {
        for (text, problem) in [
            ("1834", "`1834` is not a log id and a position with a colon between them"),
            ("9f2c01a:1", "`9f2c01a` is not a log id of eight hexadecimal digits"),
            ("+f2c01aa:1", "`+f2c01aa` is not a log id of eight hexadecimal digits"),
            ("9f2c01aa:+1", "`9f2c01aa:+1` does not end with a position"),
            ("9f2c01aa:", "`9f2c01aa:` does not end with a position"),
            (
                "9f2c01aa:18446744073709551616",
                "`9f2c01aa:18446744073709551616` does not end with a position",
            ),
        ] {
            assert_eq!(text.parse::<ConsistencyToken>().unwrap_err().to_string(), problem);
        }
    }
}
