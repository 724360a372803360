//! From rows to records.

use std::{borrow::Cow, collections::HashMap, num::NonZeroUsize};

use jiff::Timestamp;
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension as _, Row, types::FromSqlError};
use shiplog_domain::{
    metadata::EventId,
    stream::StreamName,
    wire::{DomainEvent, EncodedEvent},
};
use uuid::Uuid;

use super::fault;
use crate::{
    log::{LogFault, Recorded, Unreadable},
    position::{GlobalPosition, StreamVersion},
};

/// How many names of streams a reader keeps.
const KNOWN_STREAMS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

/// What ids of streams and types stand for, as far as a reader has met them.
pub(super) struct Names {
    streams: LruCache<i64, StreamName>,
    types: HashMap<i64, Cow<'static, str>>,
}

impl Default for Names {
    fn default() -> Self {
        Self { streams: LruCache::new(KNOWN_STREAMS), types: HashMap::new() }
    }
}

/// As SQLite keeps it. What is beyond its integers is beyond every log, too.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Back from how SQLite keeps it.
pub(super) fn natural(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or_default()
}

/// Why a row makes no record.
enum Problem {
    Sqlite(rusqlite::Error),
    Value(String),
}

/// A row of the log.
pub(super) struct LogRow {
    /// The event, or why there is none.
    pub(super) record: Result<Recorded<EncodedEvent>, Unreadable>,
    pub(super) position: GlobalPosition,
    pub(super) version: StreamVersion,
    /// How many bytes of data and metadata it has.
    pub(super) bytes: usize,
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<FromSqlError> for Problem {
    fn from(error: FromSqlError) -> Self {
        Self::Value(error.to_string())
    }
}

/// Reads a row of [`COLUMNS`](super::page::COLUMNS).
///
/// # Errors
///
/// What SQLite says. What is wrong with the row itself is told in the row's place.
pub(super) fn log_row(
    tables: &Connection,
    names: &mut Names,
    row: &Row<'_>,
) -> Result<LogRow, LogFault> {
    // The table is strict, so that these are numbers whatever was damaged.
    let number = |column: usize| row.get::<_, i64>(column).map_err(fault::reading);
    let position = GlobalPosition(natural(number(0)?));
    let version = StreamVersion(natural(number(2)?));
    match record(tables, names, row, position) {
        Ok((record, bytes)) => Ok(LogRow { record: Ok(record), position, version, bytes }),
        Err(Problem::Sqlite(error)) => Err(fault::reading(error)),
        Err(Problem::Value(problem)) => {
            let stream = match names.stream(tables, number(1)?) {
                Ok(stream) => Some(stream),
                Err(Problem::Value(_)) => None,
                Err(Problem::Sqlite(error)) => return Err(fault::reading(error)),
            };
            let unreadable = Unreadable { position, stream, version: Some(version), problem };
            Ok(LogRow { record: Err(unreadable), position, version, bytes: 0 })
        }
    }
}

/// The event of a row, and how many bytes it has.
fn record(
    tables: &Connection,
    names: &mut Names,
    row: &Row<'_>,
    position: GlobalPosition,
) -> Result<(Recorded<EncodedEvent>, usize), Problem> {
    let number = |column: usize| Ok::<_, Problem>(row.get_ref(column)?.as_i64()?);
    let small = |column: usize| {
        u16::try_from(number(column)?)
            .map_err(|_| Problem::Value("a schema number is out of range".into()))
    };
    let recorded_at = Timestamp::from_microsecond(number(7)?)
        .map_err(|_| Problem::Value("`recorded_at` is out of range".into()))?;
    let id = Uuid::from_slice(row.get_ref(8)?.as_blob()?)
        .map_err(|_| Problem::Value("the event id has not 16 bytes".into()))?;
    let (data, metadata) = (row.get_ref(9)?.as_blob()?, row.get_ref(10)?.as_blob()?);
    let size = data.len() + metadata.len();
    let event = EncodedEvent {
        event_type: names.event_type(tables, number(3)?)?,
        schema: small(4)?,
        readable_from: small(5)?,
        ignorable: number(6)? != 0,
        data: data.into(),
    };
    let record = Recorded {
        position,
        stream: names.stream(tables, number(1)?)?,
        version: StreamVersion(natural(number(2)?)),
        recorded_at,
        id: EventId(id),
        metadata: serde_json::from_slice(metadata)
            .map_err(|error| Problem::Value(format!("its metadata: {error}")))?,
        event,
    };
    Ok((record, size))
}

impl Names {
    fn stream(&mut self, tables: &Connection, id: i64) -> Result<StreamName, Problem> {
        if let Some(name) = self.streams.get(&id) {
            return Ok(name.clone());
        }
        let name = name_of(tables, "SELECT name FROM streams WHERE id = ?", id)?;
        let name = name.ok_or_else(|| Problem::Value(format!("stream `{id}` has no name")))?;
        let name = StreamName::recorded(name);
        self.streams.put(id, name.clone());
        Ok(name)
    }

    fn event_type(&mut self, tables: &Connection, id: i64) -> Result<Cow<'static, str>, Problem> {
        if let Some(name) = self.types.get(&id) {
            return Ok(name.clone());
        }
        let name = name_of(tables, "SELECT name FROM types WHERE id = ?", id)?;
        let name = name.ok_or_else(|| Problem::Value(format!("type `{id}` has no name")))?;
        let name = lasting(name);
        self.types.insert(id, name.clone());
        Ok(name)
    }
}

/// The name without an allocation for each event, where the domain knows it.
fn lasting(name: String) -> Cow<'static, str> {
    let known = DomainEvent::SCHEMAS.into_iter().flatten().map(|schema| schema.event_type);
    known.into_iter().find(|known| *known == name).map_or(Cow::Owned(name), Cow::Borrowed)
}

fn name_of(tables: &Connection, sql: &str, id: i64) -> rusqlite::Result<Option<String>> {
    tables.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()
}

/// The id that stands for a stream.
pub(super) fn stream_id(tables: &Connection, name: &StreamName) -> rusqlite::Result<Option<i64>> {
    tables
        .prepare_cached("SELECT id FROM streams WHERE name = ?")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
}

/// The last event's position, and when it was recorded in microseconds.
pub(super) fn head(tables: &Connection) -> rusqlite::Result<Option<(GlobalPosition, i64)>> {
    tables
        .prepare_cached("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| Ok((GlobalPosition(natural(row.get(0)?)), row.get(1)?)))
        .optional()
}
