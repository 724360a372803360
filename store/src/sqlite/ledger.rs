//! The writer's knowledge of the file, and how an append is judged and written.

use std::{collections::HashMap, num::NonZeroUsize};

use jiff::Timestamp;
use lru::LruCache;
use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior::Immediate, params,
};
use shiplog_domain::{metadata::EventId, stream::StreamName, wire::EncodedEvent};

use super::{
    clocks, fault,
    rows::{head, integer},
    settle::settle,
    stream::{Stream, time},
    writer::{Append, NewRow},
};
use crate::{
    log::{AppendError, Appended},
    position::{GlobalPosition, StreamVersion},
    replica::Original,
};

/// How many streams the writer knows without looking.
const KNOWN_STREAMS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(16_383);

/// A connection, and what the writer knows of the rows behind it.
///
/// **Invariant:** what it knows is what was committed. Whoever fails to commit throws it away.
pub(super) struct Ledger {
    connection: Connection,
    known: Known,
    /// Whether nothing from before it was opened is in the WAL any more.
    is_settled: bool,
}

/// What need not be looked up.
struct Known {
    head: Option<GlobalPosition>,
    recorded_at: Timestamp,
    streams: LruCache<StreamName, Stream>,
    types: HashMap<String, i64>,
}

impl Ledger {
    /// Learns from the file where it ends.
    ///
    /// # Errors
    ///
    /// What is wrong with the file's end, or what SQLite says.
    pub(super) fn load(connection: Connection) -> rusqlite::Result<Self> {
        let last = head(&connection)?;
        let known = Known {
            head: last.map(|(position, _)| position),
            recorded_at: time(last.map(|(_, recorded_at)| recorded_at)),
            streams: LruCache::new(KNOWN_STREAMS),
            types: HashMap::new(),
        };
        Ok(Self { connection, known, is_settled: false })
    }

    /// Has what is in the WAL from before written to the file itself, and synced there.
    ///
    /// After an `fsync` that failed, the system goes on showing pages that the disk never got, and
    /// no later `fsync` writes them. A power cut takes them, and with them everything behind them in
    /// the WAL, so nothing may be recorded there.
    ///
    /// # Errors
    ///
    /// What SQLite says, or that a reader holds on to the WAL: then it is to be tried again.
    pub(super) fn settle(&mut self) -> rusqlite::Result<()> {
        if self.is_settled {
            return Ok(());
        }
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_held: bool = self.connection.query_row(checkpoint, [], |row| row.get(0))?;
        if is_held {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            let why = "somebody reads the log for long, from what a crash left of its WAL";
            return Err(rusqlite::Error::SqliteFailure(busy, Some(why.into())));
        }
        self.is_settled = true;
        Ok(())
    }

    /// Commits a page as it is, to see whether anything can be committed; records nothing.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub(super) fn probe(&self) -> rusqlite::Result<()> {
        let tables = Transaction::new_unchecked(&self.connection, Immediate)?;
        let unused: i64 = tables.pragma_query_value(None, "user_version", |row| row.get(0))?;
        tables.pragma_update(None, "user_version", unused)?;
        tables.commit()
    }

    pub(super) fn head(&self) -> Option<GlobalPosition> {
        self.known.head
    }

    /// When the last event was recorded.
    pub(super) fn recorded_at(&self) -> Timestamp {
        self.known.recorded_at
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Judges the appends one after the other and commits those that hold, all at once.
    ///
    /// # Errors
    ///
    /// If the transaction fails, and with it every append, whatever was thought of it.
    pub(super) fn record(
        &mut self,
        appends: &[Append],
        now: Timestamp,
    ) -> rusqlite::Result<Vec<Result<Appended, AppendError>>> {
        let Self { connection, known, is_settled: _ } = self;
        let tables = Transaction::new_unchecked(connection, Immediate)?;
        let answers = appends
            .iter()
            .map(|append| known.place(&tables, append, now))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        tables.commit()?;
        Ok(answers)
    }
}

impl Known {
    /// Writes the events of one append, or says why not and leaves no trace of them.
    fn place(
        &mut self,
        tables: &Connection,
        append: &Append,
        now: Timestamp,
    ) -> rusqlite::Result<Result<Appended, AppendError>> {
        let stream = self.stream(tables, &append.stream)?;
        let actual = stream.and_then(|stream| stream.version);
        let answer = if append.expected.is_met_by(actual) {
            match self.insert(tables, append, stream, now) {
                Ok(appended) => Ok(appended),
                // No id is looked up before: that would double the work of every append for the
                // sake of the rare one that is a retry.
                Err(error) if fault::is_repeated(&error) => {
                    self.undo(tables, append, stream)?;
                    settle(tables, append, stream)?.ok_or(error)?
                }
                Err(error) => return Err(error),
            }
        } else {
            let settled = settle(tables, append, stream)?;
            settled.unwrap_or_else(|| Err(append.conflict(actual)))
        };
        if let (Ok(appended), Some(Original { may_go_back: true, .. })) = (&answer, append.original)
        {
            clocks::extend(tables, appended.position)?;
        }
        Ok(answer)
    }

    fn insert(
        &mut self,
        tables: &Connection,
        append: &Append,
        stream: Option<Stream>,
        now: Timestamp,
    ) -> rusqlite::Result<Appended> {
        let stream = match stream {
            Some(stream) => stream,
            None => Stream::insert(tables, &append.stream)?,
        };
        // Of a copied log the last event of all may be earlier than the last of a stream.
        let floor = self.recorded_at.max(stream.recorded_at);
        let recorded_at = append.original.map_or(now.max(floor), |original| original.recorded_at);
        let (mut position, mut version) = (self.head, stream.version);
        for row in &append.rows {
            let (place, next) =
                (position.map_or(1, |last| last.0 + 1), version.map_or(0, |last| last.0 + 1));
            let event_type = self.event_type(tables, &row.event.event_type)?;
            let numbers = [integer(place), stream.id, integer(next), event_type];
            insert_row(tables, row, numbers, recorded_at)?;
            (position, version) = (Some(GlobalPosition(place)), Some(StreamVersion(next)));
        }
        let (Some(last), Some(at)) = (position, version) else {
            // No append is empty: `SqliteLog::append` sees to that.
            return Err(rusqlite::Error::QueryReturnedNoRows);
        };
        (self.head, self.recorded_at) = (position, self.recorded_at.max(recorded_at));
        self.streams.put(append.stream.clone(), Stream { version, recorded_at, ..stream });
        Ok(Appended { position: last, version: at, recorded_at })
    }

    /// Takes back what [`insert`](Self::insert) wrote before it failed.
    fn undo(
        &self,
        tables: &Connection,
        append: &Append,
        stream: Option<Stream>,
    ) -> rusqlite::Result<()> {
        let head = self.head.map_or(0, |head| head.0);
        tables.prepare_cached("DELETE FROM events WHERE position > ?")?.execute([integer(head)])?;
        if stream.is_none() {
            tables
                .prepare_cached("DELETE FROM streams WHERE name = ?")?
                .execute([append.stream.as_str()])?;
        }
        Ok(())
    }

    fn stream(
        &mut self,
        tables: &Connection,
        name: &StreamName,
    ) -> rusqlite::Result<Option<Stream>> {
        if let Some(known) = self.streams.get(name) {
            return Ok(Some(*known));
        }
        let stream = Stream::find(tables, name)?;
        if let Some(stream) = stream {
            self.streams.put(name.clone(), stream);
        }
        Ok(stream)
    }

    fn event_type(&mut self, tables: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.types.get(name) {
            return Ok(*id);
        }
        let id = tables
            .prepare_cached("SELECT id FROM types WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let id = match id {
            Some(id) => id,
            None => tables.prepare_cached("INSERT INTO types (name) VALUES (?)")?.insert([name])?,
        };
        self.types.insert(name.into(), id);
        Ok(id)
    }
}

fn insert_row(
    tables: &Connection,
    row: &NewRow,
    [position, stream, version, event_type]: [i64; 4],
    recorded_at: Timestamp,
) -> rusqlite::Result<()> {
    let NewRow { id: EventId(id), digest: _, event, metadata } = row;
    let EncodedEvent { event_type: _, schema, readable_from, ignorable, data } = event;
    tables.prepare_cached(include_str!("insert.sql"))?.execute(params![
        position,
        stream,
        version,
        event_type,
        schema,
        readable_from,
        ignorable,
        recorded_at.as_microsecond(),
        id.as_bytes().as_slice(),
        data,
        metadata,
    ])?;
    Ok(())
}
