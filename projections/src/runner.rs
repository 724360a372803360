//! Keeps a read model level with the log.
//!
//! Reading and decoding run ahead of folding, in batches, so that catching up uses two cores, and
//! are done once for all read models that keep up; live, a batch is whatever has arrived within some
//! milliseconds, or until somebody waits for it.

mod batch;
mod fold;
mod follow;
mod mending;
mod read;
mod supply;
mod versions;

use std::{path::Path, sync::Arc};

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream::TryChunksError};
use jiff::Timestamp;
use rusqlite::Connection;
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault},
    position::{GlobalPosition, LogId},
};
use tokio::task::JoinError;

use self::versions::Versions;
pub(crate) use self::{
    batch::{Batch, ENOUGH},
    follow::{Following, Indexing, follow},
    read::Hurry,
    supply::{Supply, Taker},
};
use crate::{
    damage::{self, Damage, DamagedStream},
    files::Files,
    models::{Phase, Progress},
    projection::{ApplyError, Projection},
    tables::{self, Checkpoint},
    view::View,
};

/// Why a read model is not level with the log.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The read model's file failed, which is not the events' fault.
    #[error("the read model's file failed: {0}")]
    File(#[source] ApplyError),
}

type Chunk = Result<Vec<Entry>, TryChunksError<Entry, LogFault>>;

/// A batch of what was read, and what ended the reading, if something did.
fn decode(chunk: Chunk) -> (Batch, Option<LogFault>) {
    match chunk {
        Ok(entries) => (Batch::decode(entries), None),
        Err(TryChunksError(entries, fault)) => (Batch::decode(entries), Some(fault)),
    }
}

fn interrupted<T>(decoded: Result<T, JoinError>) -> Result<T, LogFault> {
    decoded.map_err(|error| LogFault::Unavailable {
        reason: "reading was interrupted".into(),
        source: Some(Arc::new(error)),
    })
}

/// How far to fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// As far as the log goes.
    Head,
    /// Up to this position.
    Position(GlobalPosition),
    /// What was recorded by then.
    Time(Timestamp),
    /// So many events.
    Events(u64),
}

/// Folds events into the tables of one projection.
pub struct Runner<P> {
    projection: P,
    tables: Connection,
    checkpoint: Checkpoint,
    damage: Damage,
    versions: Versions,
}

impl<P: Projection> Runner<P> {
    /// Opens the projection's file in `directory`, or makes it anew where it is not of this log.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn open(projection: P, directory: &Path, log: LogId) -> rusqlite::Result<Self> {
        let path = Files::of(directory, &projection).serving();
        Self::open_file(projection, &path, log)
    }

    /// Opens this file, or makes it anew where it is not of this log.
    pub(crate) fn open_file(projection: P, path: &Path, log: LogId) -> rusqlite::Result<Self> {
        let tables = tables::open(path, &projection.schema(), log)?;
        Self::of(projection, tables)
    }

    /// Makes the file anew: what it has folded is not what the log has.
    pub(crate) fn anew(self, path: &Path, log: LogId) -> rusqlite::Result<Self> {
        let Self { projection, tables, checkpoint: _, damage: _, versions: _ } = self;
        drop(tables);
        let tables = tables::anew(path, &projection.schema(), log)?;
        Self::of(projection, tables)
    }

    /// A read model that lives as long as its runner.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn in_memory(projection: P, log: LogId) -> rusqlite::Result<Self> {
        let tables = tables::in_memory(&projection.schema(), log)?;
        Self::of(projection, tables)
    }

    fn of(projection: P, tables: Connection) -> rusqlite::Result<Self> {
        let (checkpoint, damage) = (tables::checkpoint(&tables)?, damage::load(&tables)?);
        let versions = Versions::after(checkpoint.position);
        Ok(Self { projection, tables, checkpoint, damage, versions })
    }

    /// Up to where the log is folded; none before the first event.
    pub fn checkpoint(&self) -> Option<GlobalPosition> {
        self.checkpoint.position
    }

    /// Streams that are set aside, because one of their events does not fit; the earliest event first.
    pub fn damaged(&self) -> Vec<DamagedStream> {
        self.damage.to_list()
    }

    /// How many events are folded, passed over or set aside.
    pub fn events(&self) -> u64 {
        self.checkpoint.events
    }

    /// How far it is, while it does this.
    pub(crate) fn progress(&self, phase: Phase) -> Progress {
        let Checkpoint { position, recorded_at, skipped, events } = self.checkpoint;
        let damaged = self.damage.to_list().into();
        Progress { checkpoint: position, recorded_at, phase, skipped, events, damaged }
    }

    /// The read model, to look at.
    pub fn tables(&self) -> &Connection {
        &self.tables
    }

    /// Asks the read model as it is.
    pub fn look<T>(&self, ask: impl FnOnce(&View<'_>) -> T) -> T {
        ask(&View::alone(&self.tables))
    }

    /// Folds what is recorded, up to `target` or, if there is none, to the log's head.
    ///
    /// # Errors
    ///
    /// [`RunnerError`]; what came before the failure is kept.
    pub async fn catch_up_to(
        &mut self,
        log: &dyn Log,
        target: Option<GlobalPosition>,
    ) -> Result<(), RunnerError> {
        let target = target.map_or(Until::Head, Until::Position);
        self.catch_up_until(log, target).await
    }

    /// Folds what is recorded, as far as is wanted.
    pub(crate) async fn catch_up_until(
        &mut self,
        log: &dyn Log,
        until: Until,
    ) -> Result<(), RunnerError> {
        let mut left = match until {
            Until::Events(count) => count.saturating_sub(self.checkpoint.events),
            Until::Head | Until::Position(_) | Until::Time(_) => u64::MAX,
        };
        let mut wanted = |one: &Entry| {
            let is_wanted = left > 0
                && match until {
                    Until::Head | Until::Events(_) => true,
                    Until::Position(until) => entry::position(one) <= until,
                    Until::Time(time) => one.as_ref().map_or(true, |it| it.recorded_at <= time),
                };
            left = left.saturating_sub(1);
            is_wanted
        };
        let mut batches = log
            .read_all(self.checkpoint.position)
            .map(entry::of)
            .try_take_while(|one| future::ready(Ok(wanted(one))))
            .try_chunks(ENOUGH)
            // One is decoded while the one before it is folded.
            .map(|chunk| tokio::task::spawn_blocking(move || decode(chunk)).map(interrupted))
            .buffered(2);
        while let Some(decoded) = batches.next().await {
            let (batch, fault) = decoded?;
            self.fold(&batch)?;
            fault.map_or(Ok(()), Err)?;
        }
        drop(batches);
        self.index()
    }

    /// Makes what only questions need, unless it is there.
    pub(crate) fn index(&self) -> Result<(), RunnerError> {
        let made = self.tables.execute_batch(self.projection.indexes());
        let made = made.and_then(|()| tables::settle_down(&self.tables));
        made.map_err(|error| RunnerError::File(error.into()))
    }
}
