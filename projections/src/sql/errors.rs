//! Why a question got no answer, and what in it is to blame.

use std::{fmt, time::Duration};

use rusqlite::{Error, ErrorCode};
use tokio::task::JoinError;

use super::guard::Denied;
use crate::{models::StartError, tables};

/// A place in a question's text, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column } = self;
        write!(f, "line {line}, column {column}")
    }
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It is no question that can be asked here.
    #[error("{what}{}", .place.map(|place| format!(" ({place})")).unwrap_or_default())]
    Query {
        /// What is wrong with it.
        what: String,
        /// Where, if that is known.
        place: Option<Place>,
    },
    /// A parameter and its value do not go together.
    #[error("{what}")]
    Parameter {
        /// Which one, without its sign.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// It took longer than it may.
    #[error("the query was stopped after {} s; ask for less, or narrow what it reads", .0.as_secs_f64())]
    Stopped(Duration),
    /// The tables cannot be made.
    #[error(transparent)]
    Start(#[from] StartError),
    /// As many as may be asked at once are being answered.
    #[error("as many queries as run at once are running")]
    Busy,
    /// The file failed.
    #[error("the read model's file failed: {}", tables::in_words(.0))]
    Tables(Error),
    /// It panicked, or the server is going down.
    #[error("the query was not finished: {0}")]
    Unfinished(#[from] JoinError),
}

impl AskError {
    /// Whether the machine failed rather than the question: the same can go well later.
    pub fn is_machine(&self) -> bool {
        match self {
            Self::Tables(error) => tables::is_machine(error),
            Self::Query { .. }
            | Self::Parameter { .. }
            | Self::Stopped(_)
            | Self::Start(_)
            | Self::Busy
            | Self::Unfinished(_) => false,
        }
    }

    /// What SQLite says of a question, in the words of who asked it.
    pub(super) fn of(error: Error, query: &str, denied: Option<Denied>, time: Duration) -> Self {
        if let Some(Denied { word, why }) = denied {
            let place = word.and_then(|word| find(query, &word)).map(|offset| place(query, offset));
            return Self::Query { what: why, place };
        }
        // What SQLite says of a question that is made into too many instructions, and of no memory.
        if error.sqlite_error_code() == Some(ErrorCode::OutOfMemory) {
            let what =
                "the query takes more than it may: split it, or ask for fewer columns".into();
            return Self::Query { what, place: None };
        }
        if tables::is_machine(&error) {
            return Self::Tables(error);
        }
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            return Self::Stopped(time);
        }
        if error.sqlite_error_code() == Some(ErrorCode::TooBig) {
            let what = "a value, or the query, is larger than it can be".into();
            return Self::Query { what, place: None };
        }
        if let Error::SqlInputError { msg: what, offset, .. } = error {
            let place = usize::try_from(offset).ok().map(|offset| place(query, offset));
            return Self::Query { what, place };
        }
        if let Error::SqliteFailure(failure, said) = error {
            let what = said.unwrap_or_else(|| failure.to_string());
            return Self::Query { what, place: None };
        }
        Self::Tables(error)
    }
}

/// Where a byte of a text is.
pub(super) fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}

/// Where a word stands in a text for the first time, whatever its case.
fn find(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let is_part = |one: char| one.is_alphanumeric() || one == '_';
    text.match_indices(&word).map(|(at, _)| at).find(|at| {
        let (before, after) = (text.get(..*at), text.get(at + word.len()..));
        !before.unwrap_or_default().ends_with(is_part)
            && !after.unwrap_or_default().starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_editors_do() {
        assert_eq!(place("SELECT 1", 7), Place { line: 1, column: 8 });
        assert_eq!(place("SELECT\n'ü', x", 13), Place { line: 2, column: 6 });
    }

    #[test]
    fn a_word_is_found_whole() {
        assert_eq!(find("SELECT randomized, RANDOM()", "random"), Some(19));
        assert_eq!(find("SELECT 1", "random"), None);
    }
}
