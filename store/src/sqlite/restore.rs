//! A log made from a backup, once the backup has been looked at.

use std::path::{Path, PathBuf};

use super::{
    BackupError, FILE_NAME, OpenError, SqliteLog, backup,
    beside::{INDEX, WAL, beside},
    checksum::{self, Checked},
    lifecycle::claim,
};
use crate::position::{GlobalPosition, LogId};

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which log it is.
    pub id: LogId,
    /// Up to where it goes; `None` if it is empty.
    pub head: Option<GlobalPosition>,
    /// Whether there was a checksum that the backup was compared with.
    pub has_checksum: bool,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a log already; it was left as it is.
    #[error("`{}` exists already", path.display())]
    Occupied {
        /// Where it is.
        path: PathBuf,
    },
    /// The backup, or the directory, cannot be opened.
    #[error(transparent)]
    Backup(#[from] OpenError),
    /// The backup is not the file that its checksum was made of.
    #[error("`{}` does not match the SHA-256 in `{}`", path.display(), checksum.display())]
    Different {
        /// The backup.
        path: PathBuf,
        /// Its checksum.
        checksum: PathBuf,
    },
    /// The backup is not sound.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// The first thing that is wrong.
        problem: String,
    },
    /// It could not be copied.
    #[error(transparent)]
    Copy(#[from] BackupError),
}

/// Makes a log in `directory` from the backup at `from`, which `walk` looks at before: it says the first
/// thing that is wrong with the events.
///
/// # Errors
///
/// [`RestoreError`]; there is no log in the directory then.
pub async fn restore(
    from: &Path,
    directory: &Path,
    walk: impl AsyncFnOnce(&SqliteLog) -> Result<Option<String>, BackupError>,
) -> Result<Restored, RestoreError> {
    let to = directory.join(FILE_NAME);
    // What a crash left beside another log would be taken for this one's.
    for path in ["", WAL, INDEX].map(|suffix| beside(&to, suffix)) {
        if path.exists() {
            return Err(RestoreError::Occupied { path });
        }
    }
    let unread = |source| OpenError::Io { path: from.into(), source };
    let checked = checksum::check(from).map_err(unread)?;
    let backup = SqliteLog::open_read_only(from)?;
    if checked == Checked::Different {
        let checksum = checksum::path_of(from);
        return Err(RestoreError::Different { path: from.into(), checksum });
    }
    let in_file = backup.check_file().await.map_err(BackupError::Log)?.into_iter().next();
    let problem = match in_file {
        Some(problem) => Some(problem),
        None => walk(&backup).await?,
    };
    if let Some(problem) = problem {
        return Err(RestoreError::Damaged { path: from.into(), problem });
    }
    let _lock = claim(directory)?;
    let read = move |tables: &_, _: &mut _| Ok(backup::copy(tables, &to, false));
    let head = backup.readers.clone().run(read).await.map_err(BackupError::Log)??;
    Ok(Restored { id: backup.id, head, has_checksum: checked == Checked::Same })
}
