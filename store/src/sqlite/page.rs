//! Reading one page of the log.

use rusqlite::{Connection, Rows};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use super::{
    fault,
    rows::{LogRow, Names, head, integer, log_row, stream_id},
};
use crate::{
    log::{LogFault, Recorded, Unreadable},
    position::{GlobalPosition, StreamVersion},
};

/// The most rows of one page.
const PAGE_ROWS: u32 = 1_024;

/// In the order in which [`log_row`] takes them.
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
    pub(super) events: Vec<Result<Recorded<EncodedEvent>, Unreadable>>,
    /// The position of its last row.
    pub(super) last: Option<GlobalPosition>,
    /// What is to be read next, if there may be more.
    pub(super) next: Option<Query>,
}

/// The rows of one page.
#[derive(Default)]
struct PageRows {
    events: Vec<Result<Recorded<EncodedEvent>, Unreadable>>,
    last: Option<(GlobalPosition, StreamVersion)>,
    /// Whether there may be more.
    more: bool,
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
        return Ok(Page { events: Vec::new(), last: None, next: None });
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?"
    );
    let mut statement = tables.prepare_cached(&sql).map_err(fault::reading)?;
    let parameters = (stream, integer(from), PAGE_ROWS);
    let rows = statement.query(parameters).map_err(fault::reading)?;
    let PageRows { events, last, more } = collect(tables, names, rows, bytes)?;
    let next = last.filter(|_| more);
    let next = next.map(|(_, version)| Query::Stream { name, from: version.0 + 1 });
    Ok(Page { events, last: last.map(|(position, _)| position), next })
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
    let PageRows { events, last, more } = collect(tables, names, rows, bytes)?;
    let last = last.map(|(position, _)| position);
    let next = last.filter(|_| more);
    let next = next.map(|last| Query::All { after: last.0, until: Some(until) });
    Ok(Page { events, last, next })
}

/// Reads rows until there are none or enough.
fn collect(
    tables: &Connection,
    names: &mut Names,
    mut rows: Rows<'_>,
    most: usize,
) -> Result<PageRows, LogFault> {
    let (mut page, mut size) = (PageRows::default(), 0);
    while let Some(row) = rows.next().map_err(fault::reading)? {
        let LogRow { record, position, version, bytes } = log_row(tables, names, row)?;
        page.events.push(record);
        page.last = Some((position, version));
        size += bytes;
        if size >= most {
            page.more = true;
            return Ok(page);
        }
    }
    page.more = page.events.len() >= PAGE_ROWS as usize;
    Ok(page)
}
