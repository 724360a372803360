//! A data directory: the log, and the read models beside it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{fs::Mode, process::umask};
use shiplog_store::{
    clock::{Clock, SystemClock},
    sqlite::{self, FILE_NAME, Lock, OpenError, SqliteLog, Survey, WalDamage},
};

use crate::exit::{Exit, Failure};

/// Which data directory.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// The directory that holds the log and the read models.
    #[arg(long, value_name = "DIR", env = "SHIPLOG_DATA", default_value = "shiplog-data")]
    pub(crate) data: PathBuf,
}

/// Where the read models of a data directory are; all of it can be deleted while no server runs.
pub(crate) fn read_models(directory: &Path) -> PathBuf {
    directory.join("read-models")
}

/// Keeps what this process makes from others, whatever the umask was.
pub(crate) fn keep_private() {
    umask(Mode::from_raw_mode(0o077));
}

/// Opens the log to write, as one process at a time can; makes it where there is none. `settle` looks at
/// what is there first, and says whether a loss is accepted.
pub(crate) fn open(
    directory: &Path,
    clock: Arc<dyn Clock>,
    settle: impl FnOnce(&Survey) -> Result<bool, Failure>,
) -> Result<SqliteLog, Failure> {
    keep_private();
    let open = || {
        let lock = sqlite::claim(directory)?;
        let survey = sqlite::survey(&lock, &*clock)?;
        Ok((lock, survey))
    };
    let (lock, survey) = open().map_err(|error| tell(&error))?;
    let is_loss_accepted = survey.as_ref().map(settle).transpose()?.unwrap_or_default();
    let log = SqliteLog::open_claimed(lock, clock, is_loss_accepted);
    log.map_err(|error| tell(&error))
}

/// Keeps other processes from a data directory that is to hold the read models of another log.
pub(crate) fn claim(directory: &Path) -> Result<Lock, Failure> {
    if directory.join(FILE_NAME).exists() {
        let message = format!("`{}` holds a log of its own", directory.display());
        return Err(Failure::new(Exit::Refused, message).note(
            "name another directory with --data; `shiplog transfer` copies a log to a cluster",
        ));
    }
    keep_private();
    sqlite::claim(directory).map_err(|error| tell(&error))
}

/// Opens the log to read, whoever writes it.
pub(crate) fn open_read_only(directory: &Path) -> Result<SqliteLog, Failure> {
    keep_private();
    SqliteLog::open_read_only(directory).map_err(|error| tell(&error))
}

/// As [`open_read_only`], also where a part of it is lost: that is told beside it.
pub(crate) fn open_to_verify(directory: &Path) -> Result<(SqliteLog, Option<WalDamage>), Failure> {
    keep_private();
    SqliteLog::open_to_verify(directory, &SystemClock).map_err(|error| tell(&error))
}

pub(crate) fn tell(error: &OpenError) -> Failure {
    let message = causes(error);
    match error {
        OpenError::Locked { .. } => Failure::new(Exit::Unavailable, message)
            .note("stop the other one first, or give this one a directory of its own with --data"),
        OpenError::Missing { .. } => Failure::new(Exit::Refused, message)
            .note("name the directory that `shiplog serve` writes to with --data"),
        OpenError::WalDamaged(_) => Failure::new(Exit::Different, message)
            .note("a part of what was recorded is lost: `shiplog verify` says what is left"),
        OpenError::NotALog { .. }
        | OpenError::TooNew { .. }
        | OpenError::Damaged { .. }
        | OpenError::Foreign { .. }
        | OpenError::Io { .. }
        | OpenError::Sqlite { .. } => Failure::new(Exit::Failure, message),
    }
}

/// An error and what caused it, as one sentence.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A runtime for a command that asks the log itself.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
