//! A read model's file: its tables, and how far it has come.

use std::{fs, path::Path, time::Duration};

use jiff::Timestamp;
use rusqlite::{
    Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension,
    config::DbConfig,
    ffi,
    hooks::{AuthAction, AuthContext, Authorization},
};
use shiplog_store::{
    position::{GlobalPosition, LogId},
    sqlite,
};

use crate::{columns, damage::DAMAGED, files};

const META: &str = "CREATE TABLE checkpoint (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    log TEXT NOT NULL,          -- which log was folded
    position INTEGER,           -- up to where; NULL is nothing yet
    recorded_at INTEGER,        -- when the event there was, in microseconds since 1970, UTC
    skipped INTEGER NOT NULL,   -- events of a future Shiplog that were passed over
    events INTEGER NOT NULL     -- how many were folded or passed over
) STRICT;";

/// Asks which log a file is of; a file without one of these columns is of an earlier Shiplog.
const WHOSE: &str = "SELECT log, recorded_at, events FROM checkpoint";

/// How much memory a file's pages take while a history is folded, and afterwards; negative is KiB.
const CATCHING_UP_KIB: i64 = -65_536;
const LEVEL_KIB: i64 = -16_384;

/// What would make the same events give other tables.
const IMPURE: [&str; 12] = [
    "random",
    "randomblob",
    "date",
    "time",
    "datetime",
    "julianday",
    "unixepoch",
    "strftime",
    "timediff",
    "current_date",
    "current_time",
    "current_timestamp",
];

/// How far a read model has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) position: Option<GlobalPosition>,
    /// When the event there was recorded.
    pub(crate) recorded_at: Option<Timestamp>,
    pub(crate) skipped: u64,
    /// How many events were folded or passed over.
    pub(crate) events: u64,
}

/// Opens the file to fold into, or makes it anew where it is not of this log.
pub(crate) fn open(path: &Path, schema: &str, log: LogId) -> rusqlite::Result<Connection> {
    if let Some(tables) = reopen(path, log)? {
        return Ok(tables);
    }
    anew(path, schema, log)
}

/// Makes the file anew, whatever is there.
pub(crate) fn anew(path: &Path, schema: &str, log: LogId) -> rusqlite::Result<Connection> {
    files::remove(path);
    // What fails is found out when the file is made.
    let _ = path.parent().map(fs::create_dir_all);
    create(Connection::open(path)?, schema, log)
}

/// A read model that lives as long as its connection.
pub(crate) fn in_memory(schema: &str, log: LogId) -> rusqlite::Result<Connection> {
    create(Connection::open_in_memory()?, schema, log)
}

/// Which log a file is of; `None` if it cannot be told.
pub(crate) fn log(path: &Path) -> Option<LogId> {
    let tables = open_to_digest(path).ok()?;
    let log = tables.query_row(WHOSE, [], |row| row.get::<_, String>(0));
    log.ok()?.parse().ok()
}

/// Up to where a file has folded this log, and when the event there was recorded; `None` if that is nothing,
/// or cannot be told.
pub(crate) fn position(path: &Path, log: LogId) -> Option<(GlobalPosition, Option<Timestamp>)> {
    let tables = open_to_digest(path).ok()?;
    let asked = "SELECT position, recorded_at FROM checkpoint WHERE log = ?";
    let place = tables.query_row(asked, [log.to_string()], |row| {
        Ok((row.get::<_, Option<u64>>(0)?, row.get::<_, Option<i64>>(1)?))
    });
    let (position, recorded_at) = place.ok()?;
    let recorded_at = recorded_at.and_then(|at| Timestamp::from_microsecond(at).ok());
    position.map(|position| (GlobalPosition(position), recorded_at))
}

/// Whether it was begun to make a file, and a full disk or a kill came first.
pub(crate) fn is_half_made(path: &Path) -> bool {
    let asked = open_to_digest(path)
        .and_then(|tables| tables.query_row(WHOSE, [], |row| row.get::<_, String>(0)).optional());
    match asked {
        Ok(log) => log.is_none(),
        // There is no such table.
        Err(error) => error.sqlite_error_code() == Some(ErrorCode::Unknown),
    }
}

/// Opens the file to ask, never to change.
pub(crate) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    to_read(open_to_ask(path)?)
}

/// As [`open_read_only`], a file that nothing changes meanwhile: its disk may be full or read-only.
pub(crate) fn open_frozen(path: &Path) -> rusqlite::Result<Connection> {
    let shared = open_read_only(path).and_then(|tables| checkpoint(&tables).map(|_| tables));
    shared.or_else(|_| to_read(sqlite::open_frozen(path)?))
}

fn to_read(tables: Connection) -> rusqlite::Result<Connection> {
    tables.pragma_update(None, "query_only", true)?;
    // As for who folds: nearly half of the time that a board takes.
    tables.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    tables.set_prepared_statement_cache_capacity(64);
    Ok(tables)
}

/// Opens the file for questions that somebody else makes up; whoever does makes sure that they change
/// nothing.
pub(crate) fn open_to_ask(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// Opens the file to digest, which takes temporary tables and changes nothing that is kept.
pub(crate) fn open_to_digest(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// The tables as they were left; `None` if they are not there, damaged, or of another log.
fn reopen(path: &Path, log: LogId) -> rusqlite::Result<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut tables = Connection::open(path)?;
    if tables.is_readonly(MAIN_DB)? {
        // It was opened to be read: it would stay so when its disk takes something again.
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None));
    }
    let of = prepare(&mut tables)
        .and_then(|()| tables.query_row(WHOSE, [], |row| row.get::<_, String>(0)).optional());
    match of {
        Ok(Some(of)) if of == log.to_string() => {
            tables.execute_batch(DAMAGED)?;
            Ok(Some(tables))
        }
        Ok(_) => Ok(None),
        Err(error) => match error.sqlite_error_code() {
            // Not a database, or not ours: a read model is a cache, so it is made anew.
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => {
                Ok(None)
            }
            Some(_) | None => Err(error),
        },
    }
}

fn create(mut tables: Connection, schema: &str, log: LogId) -> rusqlite::Result<Connection> {
    tables.pragma_update(None, "page_size", 8192)?;
    prepare(&mut tables)?;
    let whole = tables.transaction()?;
    whole.execute_batch(META)?;
    whole.execute_batch(DAMAGED)?;
    whole.execute_batch(schema)?;
    whole.execute("INSERT INTO checkpoint VALUES (1, ?, NULL, NULL, 0, 0)", [log.to_string()])?;
    whole.commit()?;
    Ok(tables)
}

fn prepare(tables: &mut Connection) -> rusqlite::Result<()> {
    tables.pragma_update(None, "journal_mode", "WAL")?;
    // A read model is a cache: after a power cut it may be behind, never damaged.
    tables.pragma_update(None, "synchronous", "NORMAL")?;
    tables.pragma_update(None, "wal_autocheckpoint", 4000)?;
    tables.pragma_update(None, "journal_size_limit", 64 << 20)?;
    tables.pragma_update(None, "cache_size", CATCHING_UP_KIB)?;
    // Else a statement whose plan might depend on a value is prepared anew for each one: a tenth of
    // the time that an import takes.
    tables.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    tables.set_prepared_statement_cache_capacity(64);
    // Who folds tries again by itself, and says meanwhile that it waits.
    tables.busy_timeout(Duration::from_secs(1))?;
    tables.authorizer(Some(deny_impure))
}

/// Takes less memory, once there is no history to fold any more.
pub(crate) fn settle_down(tables: &Connection) -> rusqlite::Result<()> {
    tables.pragma_update(None, "cache_size", LEVEL_KIB)
}

/// Has all of a file on the disk, so that it can be relied upon after a power cut.
pub(crate) fn flush(tables: &Connection) -> rusqlite::Result<()> {
    tables.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Whether the machine failed, or somebody else has the file: the same can go well later.
pub(crate) fn is_machine(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_some_and(|code| {
        matches!(
            code,
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
        )
    })
}

/// What SQLite says, in the words of whoever has to mend it.
pub(crate) fn in_words(error: &rusqlite::Error) -> String {
    let code = error.sqlite_error().map(|failure| failure.extended_code);
    let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
    // Of no room for the file that connections share as memory, SQLite says less.
    if is_full || code == Some(ffi::SQLITE_IOERR_SHMSIZE) {
        return "the disk is full".into();
    }
    if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) {
        return "the disk is read-only".into();
    }
    error.to_string()
}

fn deny_impure(context: AuthContext<'_>) -> Authorization {
    let AuthAction::Function { function_name } = context.action else {
        return Authorization::Allow;
    };
    let impure = IMPURE.iter().any(|impure| function_name.eq_ignore_ascii_case(impure));
    if impure { Authorization::Deny } else { Authorization::Allow }
}

/// Reads how far the tables have come.
pub(crate) fn checkpoint(tables: &Connection) -> rusqlite::Result<Checkpoint> {
    let asked = "SELECT position, recorded_at, skipped, events FROM checkpoint";
    tables.prepare_cached(asked)?.query_row([], |row| {
        Ok(Checkpoint {
            position: row.get::<_, Option<u64>>(0)?.map(GlobalPosition),
            recorded_at: row
                .get::<_, Option<i64>>(1)?
                .map(|microseconds| columns::timestamp(1, microseconds))
                .transpose()?,
            skipped: row.get(2)?,
            events: row.get(3)?,
        })
    })
}

/// Notes how far the tables have come, in the transaction that brought them there.
pub(crate) fn advance(tables: &Connection, to: Checkpoint) -> rusqlite::Result<()> {
    tables
        .prepare_cached(
            "UPDATE checkpoint SET position = ?, recorded_at = ?, skipped = ?, events = ?",
        )?
        .execute((
            to.position.map(|position| position.0),
            to.recorded_at.map(Timestamp::as_microsecond),
            to.skipped,
            to.events,
        ))
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{current::Current, projection::Projection as _};

    #[test]
    fn what_depends_on_the_clock_or_on_chance_does_not_even_prepare() {
        let tables = in_memory(&Current.schema(), LogId(1)).unwrap();
        for impure in ["random()", "datetime('now')", "CURRENT_TIMESTAMP", "unixepoch()"] {
            assert!(tables.prepare(&format!("SELECT {impure}")).is_err(), "{impure}");
        }
        assert!(tables.prepare("SELECT abs(-1)").is_ok());
    }

    #[test]
    fn a_file_of_another_log_or_of_nothing_at_all_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tables.sqlite");
        for spoil in [None, Some("no database at all, but long enough to be looked at as one")] {
            let tables = open(&path, &Current.schema(), LogId(1)).unwrap();
            let (position, recorded_at) = (Some(GlobalPosition(7)), Some(Timestamp::UNIX_EPOCH));
            let there = Checkpoint { position, recorded_at, skipped: 0, events: 7 };
            advance(&tables, there).unwrap();
            drop(tables);
            let kept = open(&path, &Current.schema(), LogId(1)).unwrap();
            assert_eq!(checkpoint(&kept).unwrap(), there);
            drop(kept);
            if let Some(spoil) = spoil {
                fs::write(&path, spoil).unwrap();
            }
            let anew = open(&path, &Current.schema(), LogId(2)).unwrap();
            assert_eq!(checkpoint(&anew).unwrap(), Checkpoint::default());
            drop(anew);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_was_begun_and_not_finished_is_known_and_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tables.sqlite");
        Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
        assert!(is_half_made(&path));
        drop(open(&path, &Current.schema(), LogId(1)).unwrap());
        assert!(!is_half_made(&path));
        assert_eq!(log(&path), Some(LogId(1)));
    }
}
