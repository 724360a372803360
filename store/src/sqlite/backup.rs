//! A copy of the log that is whole, taken while it grows.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process,
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
    ffi,
};

use super::{beside::beside, checksum, rows::head};
use crate::{log::LogFault, position::GlobalPosition, private};

/// Every page in one step: the copy is of one instant, and writing goes on.
const EVERY_PAGE: i32 = -1;

/// How the name of a copy ends that is not whole yet.
const PARTIAL: &str = ".partial";

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something has that name; it was left as it is.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// Where the backup was to go.
        path: PathBuf,
    },
    /// The operating system could not.
    #[error("`{}` cannot be written", path.display())]
    Io {
        /// Where the backup was to go.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite could not copy.
    #[error("the log cannot be copied to `{}`", path.display())]
    Copy {
        /// Where the backup was to go.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogFault),
}

/// Copies the log that `source` reads to a new file; says how far the copy goes.
///
/// The file has its name only when it is whole and on the disk, and its checksum, where one is wanted, is
/// there before.
pub(super) fn copy(
    source: &Connection,
    to: &Path,
    has_checksum: bool,
) -> Result<Option<GlobalPosition>, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.into() });
    }
    let io = |source| BackupError::Io { path: to.into(), source };
    sweep(to).map_err(io)?;
    let partial = beside(to, &format!(".{}{PARTIAL}", process::id()));
    // Held to the end: a copy that is not locked was left by a process that was killed.
    let made = private::create_new(&partial).and_then(|file| file.lock().map(|()| file));
    let _lock = made.map_err(io)?;
    let copied = copy_pages(source, &partial)
        .map_err(|source| BackupError::Copy { path: to.into(), source })
        .and_then(|head| {
            if has_checksum {
                checksum::write(&partial, to).map_err(io)?;
            }
            publish(&partial, to).map(|()| head)
        });
    // What is left of a failed copy, or its second name; there may be neither.
    let _ = fs::remove_file(&partial);
    if copied.is_err() && has_checksum && !to.exists() {
        let _ = fs::remove_file(checksum::path_of(to));
    }
    copied
}

/// Deletes what killed backups to `to` have left: `<to>.<process>.partial`.
fn sweep(to: &Path) -> io::Result<()> {
    let Some(name) = to.file_name() else { return Ok(()) };
    for entry in fs::read_dir(directory_of(to))? {
        let path = entry?.path();
        let middle = path.file_name().and_then(|found| {
            let rest = found.as_bytes().strip_prefix(name.as_bytes())?;
            rest.strip_prefix(b".")?.strip_suffix(PARTIAL.as_bytes())
        });
        let is_partial =
            middle.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit));
        if is_partial && File::open(&path)?.try_lock().is_ok() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

fn copy_pages(source: &Connection, to: &Path) -> rusqlite::Result<Option<GlobalPosition>> {
    let mut copy = Connection::open(to)?;
    // Nobody reads it before it is whole, and then it is synced once.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    if Backup::new(source, &mut copy)?.step(EVERY_PAGE)? != StepResult::Done {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None));
    }
    head(&copy).map(|head| head.map(|(position, _)| position))
}

/// Syncs the file and gives it its name, unless something has that name by now.
fn publish(partial: &Path, to: &Path) -> Result<(), BackupError> {
    let named = File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::hard_link(partial, to));
    let io = |source| BackupError::Io { path: to.into(), source };
    match named {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists { path: to.into() });
        }
        // Some file systems know one name a file.
        Err(_) if !to.exists() => fs::rename(partial, to).map_err(io)?,
        Err(error) => return Err(io(error)),
    }
    File::open(directory_of(to)).and_then(|it| it.sync_all()).map_err(io)
}
