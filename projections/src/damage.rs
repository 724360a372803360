//! Streams that a read model has set aside, because one of their events does not fit.
//!
//! A stream that cannot be folded stops no other one. It stays as it was before the event that does not
//! fit, and is tried again until all of it fits.

use std::{collections::BTreeMap, fmt};

use rusqlite::Connection;
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    log::Unreadable,
    position::{GlobalPosition, StreamVersion},
};

/// The table of damaged streams; files of earlier Shiplogs are given it when they are opened.
pub(crate) const DAMAGED: &str = "CREATE TABLE IF NOT EXISTS damaged_streams (
    stream TEXT PRIMARY KEY,    -- empty where the event does not tell its stream
    position INTEGER NOT NULL,  -- the event that does not fit
    version INTEGER,            -- where in the stream that is, if it is known
    problem TEXT NOT NULL       -- what is wrong with it
) STRICT, WITHOUT ROWID;";

/// A stream that is folded up to an event that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedStream {
    /// Which stream; `None` where the event does not tell.
    pub stream: Option<StreamName>,
    /// The event that does not fit, in the log.
    pub position: GlobalPosition,
    /// The first event of the stream that is not folded; `None` if that is known by its position alone.
    pub version: Option<StreamVersion>,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for DamagedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, position, version: _, problem } = self;
        match stream {
            Some(stream) => write!(f, "`{stream}` is damaged since event {position}: {problem}"),
            None => write!(f, "event {position} is damaged: {problem}"),
        }
    }
}

impl From<Unreadable> for DamagedStream {
    fn from(unreadable: Unreadable) -> Self {
        let Unreadable { position, stream, version, problem } = unreadable;
        Self { stream, position, version, problem }
    }
}

/// All that a read model has set aside, by the names of the streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damage(BTreeMap<Option<StreamName>, DamagedStream>);

impl Damage {
    /// Whether the event at this position of the stream is not to be folded.
    pub(crate) fn holds_back(&self, stream: &StreamName, position: GlobalPosition) -> bool {
        // Asked of each event: mostly there is no damage at all.
        !self.0.is_empty() && self.of(stream).is_some_and(|damaged| damaged.position <= position)
    }

    /// What is known of a stream.
    pub(crate) fn of(&self, stream: &StreamName) -> Option<&DamagedStream> {
        self.0.get(&Some(stream.clone()))
    }

    /// Sets a stream aside, unless it is already; tells whether it was not.
    pub(crate) fn add(&mut self, damaged: DamagedStream) -> bool {
        if self.0.contains_key(&damaged.stream) {
            return false;
        }
        self.0.insert(damaged.stream.clone(), damaged);
        true
    }

    pub(crate) fn remove(&mut self, stream: &StreamName) {
        self.0.remove(&Some(stream.clone()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it, the earliest event first.
    pub(crate) fn to_list(&self) -> Vec<DamagedStream> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_key(|damaged| damaged.position);
        all
    }
}

/// Reads what was set aside.
pub(crate) fn load(tables: &Connection) -> rusqlite::Result<Damage> {
    let mut statement =
        tables.prepare("SELECT stream, position, version, problem FROM damaged_streams")?;
    let rows = statement.query_map([], |row| {
        let stream: String = row.get(0)?;
        let stream = Some(stream).filter(|stream| !stream.is_empty());
        Ok(DamagedStream {
            stream: stream.map(StreamName::recorded),
            position: GlobalPosition(row.get(1)?),
            version: row.get::<_, Option<u64>>(2)?.map(StreamVersion),
            problem: row.get(3)?,
        })
    })?;
    let mut damage = Damage::default();
    for damaged in rows {
        damage.add(damaged?);
    }
    Ok(damage)
}

/// Notes what is set aside, in the transaction that folds the rest.
pub(crate) fn save(tables: &Connection, damage: &Damage) -> rusqlite::Result<()> {
    for DamagedStream { stream, position, version, problem } in damage.0.values() {
        tables
            .prepare_cached("INSERT OR IGNORE INTO damaged_streams VALUES (?, ?, ?, ?)")?
            .execute((
                stream.as_ref().map_or("", StreamName::as_str),
                position.0,
                version.map(|version| version.0),
                problem,
            ))?;
    }
    Ok(())
}

/// Forgets that a stream was set aside, in the transaction that folds the rest of it.
pub(crate) fn forget(tables: &Connection, stream: &StreamName) -> rusqlite::Result<()> {
    tables.execute("DELETE FROM damaged_streams WHERE stream = ?", [stream.as_str()]).map(drop)
}
