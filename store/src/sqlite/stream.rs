//! What the writer knows of one stream.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use shiplog_domain::stream::StreamName;

use super::rows::natural;
use crate::position::StreamVersion;

/// A stream's id and its last version, and when that was recorded.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) version: Option<StreamVersion>,
    pub(super) recorded_at: Timestamp,
}

impl Stream {
    /// Looks a stream up; `None` if there is none of this name.
    pub(super) fn find(tables: &Connection, name: &StreamName) -> rusqlite::Result<Option<Self>> {
        tables
            .prepare_cached(
                "SELECT streams.id, version, recorded_at
                 FROM streams LEFT JOIN events ON stream = streams.id
                 WHERE name = ? ORDER BY version DESC LIMIT 1",
            )?
            .query_row([name.as_str()], |row| {
                let (version, recorded_at) = (row.get::<_, Option<i64>>(1)?, row.get(2)?);
                Ok(Self {
                    id: row.get(0)?,
                    version: version.map(|version| StreamVersion(natural(version))),
                    recorded_at: time(recorded_at),
                })
            })
            .optional()
    }

    /// Makes a stream without an event.
    pub(super) fn insert(tables: &Connection, name: &StreamName) -> rusqlite::Result<Self> {
        let id = tables
            .prepare_cached("INSERT INTO streams (name) VALUES (?)")?
            .insert([name.as_str()])?;
        Ok(Self { id, version: None, recorded_at: Timestamp::MIN })
    }
}

/// The time that is kept in microseconds, or the earliest where there is none.
pub(super) fn time(microseconds: Option<i64>) -> Timestamp {
    let time = microseconds.and_then(|kept| Timestamp::from_microsecond(kept).ok());
    time.unwrap_or(Timestamp::MIN)
}
