//! Opening the file: is it a log, is it ours to read, how SQLite is to treat it.

use std::{io, path::Path};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig, params};
use uuid::Uuid;

use super::{
    fault,
    frozen::open_frozen,
    ledger::Ledger,
    open_error::OpenError,
    rows,
    schema::{self, FORMAT},
};
use crate::{
    position::{GlobalPosition, LogId},
    private,
};

/// Says in the file's header that it is Shiplog's: `Shlg`.
const APPLICATION_ID: i64 = 0x5368_6c67;

/// Set before the first page is written, and for good.
///
/// Each commit writes whole pages, one at least for each of a stream's two indexes: with smaller ones
/// a small append costs less, and with still smaller ones an event no longer fits.
const NEW_FILE: &str = "PRAGMA page_size = 4096;";

/// What an acknowledged event rests on is `synchronous`: one `fsync` of the WAL each commit.
const WRITER: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cell_size_check = 1;
    PRAGMA cache_size = -16384;";

const READER: &str = "
    PRAGMA query_only = 1;
    PRAGMA cell_size_check = 1;
    PRAGMA cache_size = -4096;";

/// What a connection to a log does without: nothing that somebody put into the file is ever run, and
/// the file's structure is changed by no statement.
const HARDENING: [(DbConfig, bool); 4] = [
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
];

/// Opens a log for writing; makes it where there is none.
pub(super) fn make_or_open(path: &Path) -> Result<(Ledger, LogId), OpenError> {
    // What SQLite keeps beside the file has the file's mode.
    if !path.exists() {
        private::create_new(path).map_err(|source| OpenError::Io { path: path.into(), source })?;
    }
    let (connection, id) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sqlite = |source| OpenError::from_sqlite(path, source);
    if id.is_none() {
        connection.execute_batch(NEW_FILE).map_err(sqlite)?;
    }
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sqlite)?;
    if mode != "wal" {
        let source = io::Error::other("its file system does not take a write-ahead log");
        return Err(OpenError::Io { path: path.into(), source });
    }
    connection.execute_batch(WRITER).map_err(sqlite)?;
    let id = id.map_or_else(|| create(&connection), Ok).map_err(sqlite)?;
    Ok((load(connection, path)?, id))
}

/// Opens a log for writing again, after a fault.
pub(super) fn reopen(path: &Path) -> Result<Ledger, OpenError> {
    let (connection, id) = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if id.is_none() {
        return Err(OpenError::Missing { path: path.into() });
    }
    connection.execute_batch(WRITER).map_err(|source| OpenError::from_sqlite(path, source))?;
    load(connection, path)
}

/// Makes a log that is gone when it is closed.
pub(super) fn in_memory() -> rusqlite::Result<(Ledger, LogId)> {
    let connection = Connection::open_in_memory()?;
    let id = create(&connection)?;
    Ok((Ledger::load(connection)?, id))
}

/// Reads where the log ends, if its end makes sense.
fn load(connection: Connection, path: &Path) -> Result<Ledger, OpenError> {
    let sqlite = |source| OpenError::from_sqlite(path, source);
    let sound = connection
        .query_row(include_str!("sound.sql"), [], |row| row.get(0))
        .optional()
        .map_err(sqlite)?;
    if sound == Some(false) {
        let problem = "its last event does not fit its stream".into();
        return Err(OpenError::Damaged { path: path.into(), problem });
    }
    Ledger::load(connection).map_err(sqlite)
}

/// Opens a log for reading.
pub(super) fn reader(path: &Path) -> Result<(Connection, LogId), OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.into() });
    }
    let (connection, id) = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    to_read(connection, id, path)
}

/// Opens a log for reading that nobody can write meanwhile: see [`open_frozen`].
pub(super) fn frozen_reader(path: &Path) -> Result<(Connection, LogId), OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.into() });
    }
    let connection = open_frozen(path).map_err(|source| OpenError::from_sqlite(path, source))?;
    harden(&connection, path)?;
    let id = identify(&connection, path)?;
    to_read(connection, id, path)
}

/// Which log it is, and where it ends, though it cannot be written.
pub(super) fn look(path: &Path) -> Result<(LogId, Option<GlobalPosition>), OpenError> {
    let (connection, id) = match reader(path) {
        Err(error) if error.may_pass() => frozen_reader(path)?,
        opened => opened?,
    };
    let head = rows::head(&connection).map_err(|source| OpenError::from_sqlite(path, source))?;
    Ok((id, head.map(|(position, _)| position)))
}

fn to_read(
    connection: Connection,
    id: Option<LogId>,
    path: &Path,
) -> Result<(Connection, LogId), OpenError> {
    let id = id.ok_or_else(|| OpenError::Missing { path: path.into() })?;
    let sqlite = |source| OpenError::from_sqlite(path, source);
    connection.execute_batch(READER).map_err(sqlite)?;
    // Else each page is prepared anew, because a plan might depend on its `LIMIT`.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
    Ok((connection, id))
}

/// Opens a file and says which log it is; `None` if there is nothing in it.
fn connect(path: &Path, flags: OpenFlags) -> Result<(Connection, Option<LogId>), OpenError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| OpenError::Sqlite { path: path.into(), source })?;
    harden(&connection, path)?;
    let id = identify(&connection, path)?;
    Ok((connection, id))
}

fn harden(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    for (setting, value) in HARDENING {
        connection
            .set_db_config(setting, value)
            .map_err(|source| OpenError::from_sqlite(path, source))?;
    }
    Ok(())
}

fn identify(connection: &Connection, path: &Path) -> Result<Option<LogId>, OpenError> {
    let not_a_log =
        |problem: &str| OpenError::NotALog { path: path.into(), problem: problem.into() };
    let header = connection.query_row(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    );
    match header {
        Ok((0, 0)) => return Ok(None),
        Ok((APPLICATION_ID, _)) => {}
        Ok(_) => return Err(not_a_log("it is a database of another application")),
        Err(error) if fault::is_damage(&error) => {
            return Err(not_a_log("it is not an SQLite database"));
        }
        Err(source) => return Err(OpenError::from_sqlite(path, source)),
    }
    let log = connection
        .query_row("SELECT id, format FROM log", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(|source| OpenError::from_sqlite(path, source))?;
    let (id, format): (u32, i64) =
        log.ok_or_else(|| not_a_log("it does not say which log it is"))?;
    if format > FORMAT {
        return Err(OpenError::TooNew { path: path.into(), found: format });
    }
    let foreign = schema::foreign_object(connection);
    match foreign.map_err(|source| OpenError::from_sqlite(path, source))? {
        Some(problem) => Err(OpenError::Foreign { path: path.into(), problem }),
        None => Ok(Some(LogId(id))),
    }
}

/// Makes the tables, all or none.
fn create(connection: &Connection) -> rusqlite::Result<LogId> {
    let id = LogId(random());
    let tables = connection.unchecked_transaction()?;
    tables.execute_batch(schema::SQL)?;
    tables.execute("INSERT INTO log (row, id, format) VALUES (1, ?, ?)", params![id.0, FORMAT])?;
    tables.pragma_update(None, "application_id", APPLICATION_ID)?;
    tables.commit()?;
    Ok(id)
}

#[expect(clippy::disallowed_methods, reason = "a log's id is drawn once, and derived from nothing")]
fn random() -> u32 {
    Uuid::new_v4().as_fields().0
}
