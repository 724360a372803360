//! A data directory: the log, and the read models beside it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use shiplog_store::{
    clock::{Clock, SystemClock},
    sqlite::{self, FILE_NAME, Lock, OpenError, SqliteLog},
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

/// Opens the log to write, as one process at a time can; makes it where there is none.
pub(crate) fn open(directory: &Path) -> Result<SqliteLog, Failure> {
    open_by(directory, Arc::new(SystemClock))
}

/// As [`open`], with a clock that somebody watches.
pub(crate) fn open_by(directory: &Path, clock: Arc<dyn Clock>) -> Result<SqliteLog, Failure> {
    SqliteLog::open(directory, clock).map_err(|error| tell(&error))
}

/// Keeps other processes from a data directory that is to hold the read models of another log.
pub(crate) fn claim(directory: &Path) -> Result<Lock, Failure> {
    if directory.join(FILE_NAME).exists() {
        let message = format!("`{}` holds a log of its own", directory.display());
        return Err(Failure::new(Exit::Refused, message).note(
            "name another directory with --data; `shiplog transfer` copies a log to a cluster",
        ));
    }
    sqlite::claim(directory).map_err(|error| tell(&error))
}

/// Opens the log to read, whoever writes it.
pub(crate) fn open_read_only(directory: &Path) -> Result<SqliteLog, Failure> {
    SqliteLog::open_read_only(directory).map_err(|error| tell(&error))
}

fn tell(error: &OpenError) -> Failure {
    let message = causes(error);
    match error {
        OpenError::Locked { .. } => Failure::new(Exit::Unavailable, message)
            .note("stop the other one first, or give this one a directory of its own with --data"),
        OpenError::Missing { .. } => Failure::new(Exit::Refused, message)
            .note("name the directory that `shiplog serve` writes to with --data"),
        OpenError::NotALog { .. }
        | OpenError::TooNew { .. }
        | OpenError::Damaged { .. }
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
