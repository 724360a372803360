//! `shiplog backup` and `shiplog restore`: the log is all there is to keep.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;
use shiplog_projections::verify::verify;
use shiplog_store::{
    log::LogFault,
    sqlite::{self, BackupError, OpenError, RestoreError, Restored, SqliteLog},
};

use crate::{
    context::Context,
    data::{self, DataArgs},
    exit::{Exit, Failure},
    loss,
    output::{self, Column, Kind},
};

const COLUMNS: [Column; 2] = [
    Column::new("file", "/file", Kind::Text),
    Column::new("up to position", "/position", Kind::Text),
];

/// Copy the log to a new file while the server goes on writing.
///
/// The copy is of one instant and is synced before it gets its name; what exists is not
/// overwritten. Its SHA-256 is in FILE.sha256, for `sha256sum --check` and `shiplog restore`. Read models
/// need no backup: they are derived again.
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
/// The directory must hold no log yet, nor what a crash left of one. The backup is compared with the
/// SHA-256 beside it, if there is one, and walked as `shiplog verify` does before it is taken over. Read
/// models that are there are deleted and derived again when a server starts; where they know more than the
/// backup does, they are moved to `lost-…` in the directory.
///
/// Exits 3 if the backup does not match its SHA-256.
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
        data::keep_private();
        let restored = data::runtime()?.block_on(sqlite::restore(&file, &data.data, problem));
        let restored = restored.map_err(|error| tell(&error)).context("cannot restore")?;
        let Restored { id, head, has_checksum } = restored;
        if !has_checksum {
            let file = file.display();
            context
                .say(format!("`{file}.sha256` is missing: the backup was walked, not compared"))?;
        }
        let kept = loss::clear_read_models(&data.data, id, head);
        if let Some(kept) = kept.context("the log is restored; its read models are not cleared")? {
            context.say(kept)?;
        }
        let summary = json!({ "file": data.data, "position": head.map(|head| head.0) });
        output::one(context, &COLUMNS, &summary)?;
        Ok(Exit::Success)
    }
}

/// The first broken promise of a backup, if there is one.
async fn problem(backup: &SqliteLog) -> Result<Option<String>, BackupError> {
    match verify(backup).await {
        Ok(walk) => Ok(walk.findings.first().map(ToString::to_string)),
        Err(fault @ LogFault::Corrupt { .. }) => Ok(Some(fault.to_string())),
        Err(fault) => Err(fault.into()),
    }
}

fn tell(error: &RestoreError) -> Failure {
    let message = data::causes(error);
    match error {
        RestoreError::Occupied { .. } => {
            Failure::new(Exit::Refused, message).note("name an empty directory with --data")
        }
        RestoreError::Backup(OpenError::Missing { .. }) => {
            Failure::new(Exit::Refused, message).note("name a file that `shiplog backup` made")
        }
        RestoreError::Backup(error) => data::tell(error),
        RestoreError::Different { .. } => Failure::new(Exit::Different, message)
            .note("the backup was changed after it was made; restore another one"),
        RestoreError::Damaged { .. } | RestoreError::Copy(_) => {
            Failure::new(Exit::Failure, message)
        }
    }
}
