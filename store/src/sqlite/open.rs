//! Opening the file: is it a log, is it ours to read, how SQLite is to treat it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig, params};
use uuid::Uuid;

use super::{fault, frozen::open_frozen, ledger::Ledger, rows, schema, wal::WalDamage};
use crate::{
    position::{GlobalPosition, LogId},
    private,
};

/// The newest format that is known here, and the one that is written.
const FORMAT: i64 = 1;

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
    PRAGMA cache_size = -65536;";

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

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("another shiplog process has it open: `{}` is locked", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// There is nothing there, and it was to be read only.
    #[error("there is no log at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is something else there; it was left as it is.
    #[error("`{}` is not a shiplog log: {problem}", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// How that is known.
        problem: String,
    },
    /// A newer Shiplog made it.
    #[error(
        "`{}` has format `{found}`; this binary knows up to `{FORMAT}`: a newer Shiplog is needed",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// It contradicts itself.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        problem: String,
    },
    /// It holds what Shiplog did not make, or not what Shiplog makes.
    #[error("`{}` is not as Shiplog made it: {problem}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Which table, index, trigger or view.
        problem: String,
    },
    /// A part of what was recorded is lost.
    #[error(transparent)]
    WalDamaged(#[from] WalDamage),
    /// The operating system could not.
    #[error("`{}` cannot be opened", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite could not.
    #[error("`{}` cannot be opened", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// Whether a machine failed, so that the same can go well later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Sqlite { .. } => true,
            Self::Locked { .. }
            | Self::Missing { .. }
            | Self::NotALog { .. }
            | Self::TooNew { .. }
            | Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::WalDamaged(_) => false,
        }
    }

    /// What an error of SQLite means, other than on identifying the file.
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        if fault::is_damage(&source) {
            return Self::Damaged { path: path.into(), problem: source.to_string() };
        }
        if fault::is_for_want_of_room(&source) {
            let source = io::Error::new(io::ErrorKind::StorageFull, "the disk is full");
            return Self::Io { path: path.into(), source };
        }
        Self::Sqlite { path: path.into(), source }
    }
}

/// Makes the directory and has it survive a power failure.
pub(super) fn make_directory(directory: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Io { path: directory.into(), source };
    let was_there = directory.is_dir();
    private::make_directory(directory).map_err(io)?;
    let synced = match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|parent| parent.sync_all()).map_err(io),
        None => Ok(()),
    };
    // A disk that takes nothing any more still has what it had.
    if was_there { Ok(()) } else { synced }
}

/// Takes from others what they may do with the directory of a log, and with what Shiplog keeps there:
/// earlier releases left that to the umask.
pub(super) fn tighten(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let own = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ["log.", "lost-", "read-models"].iter().any(|own| name.starts_with(own))
    });
    let tightened: io::Result<u64> =
        own.map(|path| private::tighten(&path)).chain([private::tighten_alone(directory)]).sum();
    let path = directory.display();
    match tightened {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "`{path}` and its files are their owner's alone now"),
        Err(error) => tracing::warn!(%error, "others may read `{path}`: {error}"),
    }
}

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
