//! `shiplog backup` and `shiplog restore`: the log is all there is to keep.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use serde_json::json;
use shiplog_store::sqlite::{self, BackupError, OpenError, RestoreError};

use crate::{
    context::Context,
    data::{self, DataArgs},
    exit::{Exit, Failure},
    output::{self, Column, Kind},
};

const COLUMNS: [Column; 2] = [
    Column::new("file", "/file", Kind::Text),
    Column::new("up to position", "/position", Kind::Text),
];

/// Copy the log to a new file while the server goes on writing.
///
/// The copy is of one instant and is synced before it gets its name; what exists is not
/// overwritten. Read models need no backup: they are derived again.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// The new file.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

impl Backup {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { file, data } = self;
        let log = data::open_read_only(&data.data)?;
        let copied = data::runtime()?.block_on(log.backup_to(&file));
        let head = copied.map_err(|error| {
            let message = data::causes(&error);
            match error {
                BackupError::Exists { .. } => {
                    Failure::new(Exit::Refused, message).note("name a file that does not exist yet")
                }
                BackupError::Io { .. } | BackupError::Copy { .. } | BackupError::Log(_) => {
                    Failure::new(Exit::Failure, message)
                }
            }
        })?;
        let summary = json!({ "file": file, "position": head.map(|head| head.0) });
        output::one(context, &COLUMNS, &summary)?;
        Ok(Exit::Success)
    }
}

/// Make a data directory from a backup.
///
/// The directory must hold no log yet, nor what a crash left of one. The backup is opened and checked
/// before it is taken over. Read models that are there are deleted: they may know of more than the
/// backup does, and are derived from it when a server starts.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

impl Restore {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { file, data } = self;
        let restored = data::runtime()?
            .block_on(sqlite::restore(&file, &data.data))
            .map_err(|error| {
                let message = data::causes(&error);
                match error {
                    RestoreError::Occupied { .. } => Failure::new(Exit::Refused, message)
                        .note("name an empty directory with --data"),
                    RestoreError::Backup(OpenError::Missing { .. }) => {
                        Failure::new(Exit::Refused, message)
                            .note("name a file that `shiplog backup` made")
                    }
                    RestoreError::Backup(_)
                    | RestoreError::Damaged { .. }
                    | RestoreError::Copy(_) => Failure::new(Exit::Failure, message),
                }
            })
            .context("cannot restore")?;
        let stale = data::read_models(&data.data);
        if stale.exists() {
            fs::remove_dir_all(&stale).with_context(|| {
                format!(
                    "the log is restored, but delete {} before a server starts",
                    stale.display()
                )
            })?;
        }
        let summary = json!({ "file": data.data, "position": restored.map(|head| head.0) });
        output::one(context, &COLUMNS, &summary)?;
        Ok(Exit::Success)
    }
}
