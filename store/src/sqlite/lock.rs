//! One process writes a log: the lock that says so.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use super::open::OpenError;

/// Held for as long as a process writes the log, or keeps its directory for itself.
///
/// The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path`, or says at once that somebody else has it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.into(), source };
        // Apart from the log itself: closing any handle of that file would drop SQLite's own locks.
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            // On a disk that takes nothing any more, a lock that is there can be taken all the same.
            .or_else(|error| File::open(path).map_err(|_| error))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.into() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}
