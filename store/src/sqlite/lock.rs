//! One process writes a log: the lock that says so.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use super::open_error::OpenError;
use crate::private;

/// Held for as long as a process writes the log, or keeps its directory for itself.
///
/// The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    directory: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock called `name` in a directory, or says at once that somebody else has it.
    pub(super) fn take(directory: &Path, name: &str) -> Result<Self, OpenError> {
        let path = directory.join(name);
        let io = |source| OpenError::Io { path: path.clone(), source };
        // Apart from the log itself: closing any handle of that file would drop SQLite's own locks.
        let file = private::open_or_create(&path)
            // On a disk that takes nothing any more, a lock that is there can be taken all the same.
            .or_else(|error| private::open(&path).map_err(|_| error))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { directory: directory.into(), _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// The directory that is kept for this process.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}
