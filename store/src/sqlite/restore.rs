//! A log made from a backup, once the backup has been looked at.

use std::path::{Path, PathBuf};

use super::{BackupError, FILE_NAME, OpenError, SqliteLog, open};
use crate::{log::LogFault, position::GlobalPosition};

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

impl SqliteLog {
    /// Has SQLite look at every page and index of the file; says what is wrong, line by line.
    ///
    /// It finds torn and misplaced pages, not every flipped bit.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub async fn check_file(&self) -> Result<Vec<String>, LogFault> {
        self.readers
            .clone()
            .run(|tables, _| {
                let check = || {
                    tables
                        .prepare("PRAGMA integrity_check(20)")?
                        .query_map([], |row| row.get(0))?
                        .collect::<rusqlite::Result<Vec<String>>>()
                };
                // A page that cannot be read at all is a finding, too.
                let said = check().unwrap_or_else(|error| vec![error.to_string()]);
                Ok(said.into_iter().filter(|line| line != "ok").collect())
            })
            .await
    }
}

/// Makes a log in `directory` from the backup at `from`; says up to where it goes.
///
/// # Errors
///
/// [`RestoreError`]; there is no log in the directory then.
pub async fn restore(
    from: &Path,
    directory: &Path,
) -> Result<Option<GlobalPosition>, RestoreError> {
    let to = directory.join(FILE_NAME);
    // What a crash left beside another log would be taken for this one's.
    for suffix in ["", "-wal", "-shm"] {
        let path = directory.join(format!("{FILE_NAME}{suffix}"));
        if path.exists() {
            return Err(RestoreError::Occupied { path });
        }
    }
    let backup = SqliteLog::open_read_only(from)?;
    if let Some(problem) = backup.check_file().await.map_err(BackupError::Log)?.into_iter().next() {
        return Err(RestoreError::Damaged { path: from.into(), problem });
    }
    open::make_directory(directory)?;
    Ok(backup.backup_to(&to).await?)
}
