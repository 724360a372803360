//! The file of a projection that a user wrote: its states, and how far it has come.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, Transaction, params};
use shiplog_domain::projection::ProjectionName;
use shiplog_store::position::{GlobalPosition, LogId};

use super::{batch::Place, limits, protocol::Kept};
use crate::{
    damage::{self, Damage},
    tables::{self, Checkpoint},
};

const SCHEMA: &str = "CREATE TABLE partitions (
    key TEXT PRIMARY KEY,           -- empty where there is one
    state TEXT NOT NULL,            -- JSON
    result TEXT,                    -- JSON: what the script makes of the state, if anything
    position INTEGER NOT NULL       -- the event that changed it last
) STRICT, WITHOUT ROWID;
CREATE TABLE size (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    bytes INTEGER NOT NULL          -- of all partitions
) STRICT;
INSERT INTO size VALUES (1, 0);";

/// What a projection's files are called: another revision has others, and each rebuild makes the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    directory: PathBuf,
    stem: String,
}

impl Files {
    pub(super) fn of(directory: &Path, name: &ProjectionName, revision: GlobalPosition) -> Self {
        Self { directory: directory.into(), stem: format!("{name}@{revision}") }
    }

    /// The one that answers: the latest that is there, or else the first.
    pub(super) fn latest(&self) -> PathBuf {
        self.path(self.generation())
    }

    /// The one that is to answer after the latest.
    pub(super) fn next(&self) -> PathBuf {
        self.path(self.generation() + 1)
    }

    /// The one that the next is made in.
    pub(super) fn building(&self) -> PathBuf {
        self.directory.join(format!("{}.building.sqlite", self.stem))
    }

    fn path(&self, generation: u32) -> PathBuf {
        self.directory.join(match generation {
            1 => format!("{}.sqlite", self.stem),
            later => format!("{}-g{later}.sqlite", self.stem),
        })
    }

    fn generation(&self) -> u32 {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let generations = files.filter_map(|entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(&self.stem)?.strip_suffix(".sqlite")?;
            rest.strip_prefix("-g")?.parse().ok()
        });
        generations.max().unwrap_or(1)
    }
}

/// Opens the file to fold into.
pub(super) fn open(path: &Path, log: LogId) -> Result<Connection> {
    let tables = tables::open(path, SCHEMA, log)?;
    // States are written and not looked at: there may be many such files.
    tables::settle_down(&tables)?;
    Ok(tables)
}

/// States that last as long as they are held.
pub(super) fn in_memory(log: LogId) -> Result<Connection> {
    tables::in_memory(SCHEMA, log)
}

/// How far that is after a batch, or a part of it, that begins there.
pub(super) fn after(base: Checkpoint, place: Place) -> Checkpoint {
    let Place { position, recorded_at, looked_at, skipped } = place;
    Checkpoint {
        position: Some(position),
        recorded_at,
        skipped: base.skipped + skipped,
        events: base.events + looked_at,
    }
}

/// How far the states in a file have come.
pub(super) fn peek(path: &Path) -> Result<Option<Checkpoint>> {
    if !path.exists() {
        return Ok(None);
    }
    let tables = tables::open_read_only(path)?;
    if tables.table_exists(None, "checkpoint")? {
        tables::checkpoint(&tables).map(Some)
    } else {
        Ok(None)
    }
}

/// Why a batch was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// The states are more than a script is given.
    #[error("all states together have {0} bytes; at most {most} are kept", most = limits::STATES)]
    TooMuch(i64),
    /// The file failed.
    #[error("the projection's file failed: {}", tables::in_words(.0))]
    Tables(#[from] rusqlite::Error),
}

/// Keeps what a batch changed, and how far that is, together or not at all.
pub(super) fn keep(
    tables: &mut Connection,
    changes: &[Kept],
    damage: &Damage,
    to: Checkpoint,
) -> std::result::Result<(), KeepError> {
    let transaction = tables.transaction()?;
    let mut bytes: i64 = transaction.query_row("SELECT bytes FROM size", [], |row| row.get(0))?;
    for change in changes {
        bytes -= size(&transaction, &change.key)?;
        transaction
            .prepare_cached(
                "INSERT INTO partitions VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET state = ?2, result = ?3, position = ?4",
            )?
            .execute(params![change.key, change.state, change.result, change.position])?;
        bytes += size(&transaction, &change.key)?;
    }
    if bytes > limits::STATES {
        return Err(KeepError::TooMuch(bytes));
    }
    damage::save(&transaction, damage)?;
    tables::advance(&transaction, to)?;
    transaction.prepare_cached("UPDATE size SET bytes = ?")?.execute([bytes])?;
    transaction.commit()?;
    Ok(())
}

/// How many bytes a partition has; none if there is no such one.
fn size(transaction: &Transaction<'_>, key: &str) -> Result<i64> {
    let size = transaction
        .prepare_cached(
            "SELECT octet_length(key) + octet_length(state) + ifnull(octet_length(result), 0)
             FROM partitions WHERE key = ?",
        )?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(size.unwrap_or_default())
}

/// Every partition's key and state.
pub(super) fn states(tables: &Connection) -> Result<Vec<(String, String)>> {
    tables
        .prepare("SELECT key, state FROM partitions")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// How many partitions there are.
pub(super) fn count(tables: &Connection) -> Result<usize> {
    tables.query_row("SELECT count(*) FROM partitions", [], |row| row.get(0))
}

/// A partition of a projection that a user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What it is called; empty where there is one.
    pub key: String,
    /// JSON.
    pub state: String,
    /// What the script makes of the state, as JSON; none where it makes nothing of it.
    pub result: Option<String>,
    /// The event that changed it last.
    pub position: GlobalPosition,
}

/// States, and up to where the log was folded for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct States {
    /// The partitions that were asked for.
    pub partitions: Vec<Partition>,
    /// The checkpoint then.
    pub position: Option<GlobalPosition>,
    /// When the event there was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// Which partitions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This one.
    One(String),
    /// At most so many, by key, after this one.
    After(Option<String>, usize),
}

const COLUMNS: &str = "SELECT key, state, result, position FROM partitions";

/// Reads partitions of a file that nothing changes meanwhile; none if it has yet to be made.
pub(super) fn read(path: &Path, wanted: &Wanted) -> Result<Option<States>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut tables = tables::open_read_only(path)?;
    // Whoever makes the file has it there before its tables, which come all at once.
    let is_made = tables.table_exists(None, "checkpoint")?;
    if is_made { look(&mut tables, wanted).map(Some) } else { Ok(None) }
}

pub(super) fn look(tables: &mut Connection, wanted: &Wanted) -> Result<States> {
    let snapshot = tables.transaction()?;
    let Checkpoint { position, recorded_at, .. } = tables::checkpoint(&snapshot)?;
    let partitions = match wanted {
        Wanted::One(key) => snapshot
            .query_row(&format!("{COLUMNS} WHERE key = ?"), [key], partition)
            .optional()?
            .into_iter()
            .collect(),
        Wanted::After(after, limit) => snapshot
            .prepare(&format!("{COLUMNS} WHERE ?1 IS NULL OR key > ?1 ORDER BY key LIMIT ?2"))?
            .query_map(params![after, limit], partition)?
            .collect::<Result<_>>()?,
    };
    Ok(States { partitions, position, recorded_at })
}

fn partition(row: &Row<'_>) -> Result<Partition> {
    Ok(Partition {
        key: row.get(0)?,
        state: row.get(1)?,
        result: row.get(2)?,
        position: GlobalPosition(row.get(3)?),
    })
}
