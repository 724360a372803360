//! Reading one page of the log.

use rusqlite::{Connection, Rows};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use super::{
    fault,
    rows::{Names, head, integer, record, stream_id},
};
use crate::log::{LogFault, Recorded};

/// The most rows of one page.
const PAGE_ROWS: u32 = 1_024;

/// In the order in which [`record`] takes them.
pub(super) const COLUMNS: &str = "position, stream, version, type, schema, readable_from, ignorable, \
                       recorded_at, id, data, metadata";

/// What is to be read.
#[derive(Clone, Debug)]
pub(super) enum Query {
    /// A stream, from this version on.
    Stream {
        /// Which stream.
        name: StreamName,
        /// Its first version to be read.
        from: u64,
    },
    /// The whole log.
    All {
        /// The last position not to be read.
        after: u64,
        /// The last position to be read; `None` stands for the head at the first page.
        until: Option<u64>,
    },
}

/// A piece of the log that is read at once, in one short transaction.
#[derive(Debug)]
pub(super) struct Page {
    /// What is on it.
    pub(super) events: Vec<Recorded<EncodedEvent>>,
    /// What is to be read next, if there may be more.
    pub(super) next: Option<Query>,
}

/// Reads one page, of so many bytes of data and metadata but for its last row.
pub(super) fn page(
    tables: &Connection,
    names: &mut Names,
    query: Query,
    bytes: usize,
) -> Result<Page, LogFault> {
    match query {
        Query::Stream { name, from } => page_of_stream(tables, names, (name, from), bytes),
        Query::All { after, until } => page_of_all(tables, names, (after, until), bytes),
    }
}

fn page_of_stream(
    tables: &Connection,
    names: &mut Names,
    (name, from): (StreamName, u64),
    bytes: usize,
) -> Result<Page, LogFault> {
    let Some(stream) = stream_id(tables, &name).map_err(fault::reading)? else {
        return Ok(Page { events: Vec::new(), next: None });
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?"
    );
    let mut statement = tables.prepare_cached(&sql).map_err(fault::reading)?;
    let parameters = (stream, integer(from), PAGE_ROWS);
    let rows = statement.query(parameters).map_err(fault::reading)?;
    let (events, more) = collect(tables, names, rows, bytes)?;
    let next = events.last().filter(|_| more);
    let next = next.map(|last| Query::Stream { name, from: last.version.0 + 1 });
    Ok(Page { events, next })
}

fn page_of_all(
    tables: &Connection,
    names: &mut Names,
    (after, until): (u64, Option<u64>),
    bytes: usize,
) -> Result<Page, LogFault> {
    let until = match until {
        Some(until) => until,
        None => head(tables).map_err(fault::reading)?.map_or(0, |(head, _)| head.0),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
    );
    let mut statement = tables.prepare_cached(&sql).map_err(fault::reading)?;
    let parameters = (integer(after), integer(until), PAGE_ROWS);
    let rows = statement.query(parameters).map_err(fault::reading)?;
    let (events, more) = collect(tables, names, rows, bytes)?;
    let next = events.last().filter(|_| more);
    let next = next.map(|last| Query::All { after: last.position.0, until: Some(until) });
    Ok(Page { events, next })
}

/// Reads rows until there are none or enough; says whether there may be more.
fn collect(
    tables: &Connection,
    names: &mut Names,
    mut rows: Rows<'_>,
    most: usize,
) -> Result<(Vec<Recorded<EncodedEvent>>, bool), LogFault> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(fault::reading)? {
        let position = row.get(0).map_err(fault::reading)?;
        let (event, size) = record(tables, names, row, position)
            .map_err(|problem| problem.at(&format!("position `{position}`")))?;
        events.push(event);
        bytes += size;
        if bytes >= most {
            return Ok((events, true));
        }
    }
    let full = events.len() >= PAGE_ROWS as usize;
    Ok((events, full))
}
