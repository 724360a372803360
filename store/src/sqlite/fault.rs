//! What SQLite's errors mean to a caller.

use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::log::LogFault;

/// What a failed read means.
pub(super) fn reading(error: Error) -> LogFault {
    if is_damage(&error) {
        return LogFault::Corrupt {
            place: "an unknown position".into(),
            problem: error.to_string(),
        };
    }
    LogFault::Unavailable { reason: "it cannot be read".into(), source: Some(Arc::new(error)) }
}

/// What a failed transaction means to those whose events were in it.
///
/// A full disk shows while frames are written to the WAL, before the one that would commit is
/// whole, so that nothing was recorded. Whatever else fails, an `fsync` above all, may have left
/// a transaction behind that is found again after a crash.
pub(super) fn committing(error: Error, rolled_back: bool) -> LogFault {
    match in_words(&error).filter(|_| rolled_back) {
        Some(reason) => {
            LogFault::Unavailable { reason: reason.into(), source: Some(Arc::new(error)) }
        }
        None => LogFault::OutcomeUnknown { source: Arc::new(error) },
    }
}

/// What is wrong with the disk, if that is known not to have taken anything.
pub(super) fn in_words(error: &Error) -> Option<&'static str> {
    let code = error.sqlite_error_code()?;
    if code == ErrorCode::DiskFull {
        return Some("the disk is full");
    }
    // Said before anything is written.
    (code == ErrorCode::ReadOnly).then_some("the disk is read-only")
}

/// Whether the file is not what SQLite wrote, or a row in it not what Shiplog wrote.
pub(super) fn is_damage(error: &Error) -> bool {
    let file = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
    let row = matches!(
        error,
        Error::Utf8Error(..)
            | Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
    );
    row || error.sqlite_error_code().is_some_and(|code| file.contains(&code))
}

/// Whether there was no room: for the rows or, of which SQLite says less, for the file that those
/// who have the log open share as memory.
pub(super) fn is_for_want_of_room(error: &Error) -> bool {
    let code = error.sqlite_error().map(|failure| failure.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Whether a row was refused because one like it is there.
pub(super) fn is_repeated(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
