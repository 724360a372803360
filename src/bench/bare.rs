//! The log's table without the log: rows into SQLite, and nothing else.

use std::{borrow::Cow, collections::HashMap, path::Path, sync::Arc};

use anyhow::Context as _;
use rusqlite::{Connection, Statement, params};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};
use shiplog_store::{
    clock::SystemClock,
    log::Recorded,
    sqlite::{FILE_NAME, SqliteLog},
};

/// As the log's writer has it.
const PRAGMAS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -65536;";

const INSERT: &str = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const NEW_STREAM: &str = "INSERT INTO streams (name) VALUES (?)";

const NEW_TYPE: &str = "INSERT INTO types (name) VALUES (?)";

/// One row of the table of events, without its position.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) stream: StreamName,
    pub(super) version: i64,
    pub(super) event_type: Cow<'static, str>,
    pub(super) schema: u16,
    pub(super) readable_from: u16,
    pub(super) ignorable: bool,
    /// Microseconds since 1970, UTC.
    pub(super) recorded_at: i64,
    pub(super) id: [u8; 16],
    pub(super) data: Arc<[u8]>,
    pub(super) metadata: Arc<[u8]>,
}

impl Row {
    /// The row that a record is kept in.
    pub(super) fn of(recorded: Recorded<EncodedEvent>) -> anyhow::Result<Self> {
        let Recorded { position: _, stream, version, recorded_at, id, metadata, event } = recorded;
        let EncodedEvent { event_type, schema, readable_from, ignorable, data } = event;
        Ok(Self {
            stream,
            version: version.0.try_into()?,
            event_type,
            schema,
            readable_from,
            ignorable,
            recorded_at: recorded_at.as_microsecond(),
            id: id.0.into_bytes(),
            data: data.into(),
            metadata: serde_json::to_vec(&metadata)?.into(),
        })
    }

    /// The bytes of its data and metadata.
    pub(super) fn bytes(&self) -> usize {
        self.data.len() + self.metadata.len()
    }
}

/// A file of the log's shape, with the log's settings, that rows are inserted into.
///
/// Nothing is decided, and nothing compared with what is expected.
pub(super) struct Bare {
    tables: Connection,
    position: i64,
    streams: HashMap<String, i64>,
    types: HashMap<String, i64>,
}

impl Bare {
    /// A new one in a directory.
    pub(super) fn make(directory: &Path) -> anyhow::Result<Self> {
        // The log itself makes the file, so that both have the same tables and page size.
        drop(SqliteLog::open(directory, Arc::new(SystemClock))?);
        let tables = Connection::open(directory.join(FILE_NAME))?;
        tables.execute_batch(PRAGMAS).context("SQLite does not take the log's settings")?;
        Ok(Self { tables, position: 0, streams: HashMap::new(), types: HashMap::new() })
    }

    /// Inserts rows, and commits them durably.
    pub(super) fn commit<'r>(
        &mut self,
        rows: impl IntoIterator<Item = &'r Row>,
    ) -> rusqlite::Result<()> {
        let Self { tables, position, streams, types } = self;
        let transaction = tables.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for row in rows {
                let stream = intern(&transaction, NEW_STREAM, streams, row.stream.as_str())?;
                let event_type = intern(&transaction, NEW_TYPE, types, &row.event_type)?;
                *position += 1;
                add(&mut insert, row, [*position, stream, event_type])?;
            }
        }
        transaction.commit()
    }

    /// Leaves no WAL behind, as the log does when it is closed.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        self.tables.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
    }
}

/// The id of a name; a new one is added to its table.
fn intern(
    tables: &Connection,
    insert: &str,
    known: &mut HashMap<String, i64>,
    name: &str,
) -> rusqlite::Result<i64> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let id = tables.prepare_cached(insert)?.insert([name])?;
    known.insert(name.to_owned(), id);
    Ok(id)
}

fn add(
    insert: &mut Statement<'_>,
    row: &Row,
    [position, stream, event_type]: [i64; 3],
) -> rusqlite::Result<()> {
    let Row { version, schema, readable_from, ignorable, recorded_at, id, data, metadata, .. } =
        row;
    insert.execute(params![
        position,
        stream,
        version,
        event_type,
        schema,
        readable_from,
        ignorable,
        recorded_at,
        id.as_slice(),
        &**data,
        &**metadata,
    ])?;
    Ok(())
}
