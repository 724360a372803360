//! Whether the question that runs is to end: what looks at it are functions that SQLite cannot
//! interrupt.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Error, Result, ffi};

use crate::turn::Until;

/// Until when the question goes on that a connection is asked; its clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<Option<Until>>>);

impl Running {
    pub(super) fn set(&self, until: Option<Until>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Fails, as SQLite does when it is interrupted, if the question is to end.
    pub(super) fn check(&self) -> Result<()> {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if until.as_ref().is_some_and(Until::is_over) {
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        Ok(())
    }
}
