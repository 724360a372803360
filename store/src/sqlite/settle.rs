//! Was that recorded before? What a retry is told.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use shiplog_domain::metadata::{EventId, Metadata};

use super::{
    rows::natural,
    stream::Stream,
    writer::{Append, NewRow},
};
use crate::{
    log::{AppendError, Appended},
    position::{GlobalPosition, StreamVersion},
};

/// Answers an append whose ids the log knows; `None` if it knows none of them.
pub(super) fn settle(
    tables: &Connection,
    append: &Append,
    stream: Option<Stream>,
) -> rusqlite::Result<Option<Result<Appended, AppendError>>> {
    let (mut known, mut last) = (None, None);
    let mut unknown = false;
    for row in &append.rows {
        match find(tables, row.id)? {
            Some(found) if found.is_of(row, stream) => {
                known = known.or(Some(row.id));
                last = Some(found.appended);
            }
            Some(_) => return Ok(Some(Err(AppendError::IdReused { id: row.id }))),
            None => unknown = true,
        }
    }
    Ok(match known {
        // A request is recorded whole; what is known in part is another one.
        Some(id) if unknown => Some(Err(AppendError::IdReused { id })),
        Some(_) | None => last.map(Ok),
    })
}

/// An event that has the id in question.
struct Found {
    stream: i64,
    appended: Appended,
    metadata: Vec<u8>,
}

impl Found {
    /// Whether it is the very event, not another one under its id.
    fn is_of(&self, row: &NewRow, stream: Option<Stream>) -> bool {
        let digest = serde_json::from_slice::<Metadata>(&self.metadata)
            .map(|metadata| metadata.request_digest);
        stream.is_some_and(|stream| stream.id == self.stream)
            && digest.is_ok_and(|digest| digest == row.digest)
    }
}

fn find(tables: &Connection, id: EventId) -> rusqlite::Result<Option<Found>> {
    tables
        .prepare_cached(
            "SELECT stream, position, version, recorded_at, metadata FROM events WHERE id = ?",
        )?
        .query_row([id.0.as_bytes().as_slice()], |row| {
            let appended = Appended {
                position: GlobalPosition(natural(row.get(1)?)),
                version: StreamVersion(natural(row.get(2)?)),
                recorded_at: Timestamp::from_microsecond(row.get(3)?).unwrap_or_default(),
            };
            Ok(Found { stream: row.get(0)?, appended, metadata: row.get(4)? })
        })
        .optional()
}
