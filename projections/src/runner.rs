//! Keeps a read model level with the log.
//!
//! Reading and decoding run ahead of folding, in batches, so that catching up uses two cores, and
//! are done once for all read models that keep up; live, a batch is whatever has arrived within some
//! milliseconds, or until somebody waits for it.

mod batch;
mod follow;
mod read;
mod supply;

use std::{path::Path, sync::Arc};

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream::TryChunksError};
use jiff::Timestamp;
use rusqlite::Connection;
use shiplog_domain::wire::EncodedEvent;
use shiplog_store::{
    log::{Log, LogFault, Recorded},
    position::{GlobalPosition, LogId},
};
use tokio::task::JoinError;

use self::batch::{News, Part};
pub(crate) use self::{
    batch::{Batch, ENOUGH},
    follow::{Following, Indexing, follow},
    read::Hurry,
    supply::{Supply, Taker},
};
use crate::{
    files::Files,
    models::{Phase, Progress},
    projection::{ApplyError, Projection},
    tables::{self, Checkpoint},
    view::View,
};

/// Why a read model is not level with the log.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// An event cannot be read or folded; the read model stays at the one before.
    #[error("stalled at event {position} of `{stream}`: {why}")]
    Stalled {
        /// The event.
        position: GlobalPosition,
        /// Its stream.
        stream: String,
        /// What is wrong with it.
        why: String,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The read model's file failed, which is not the events' fault.
    #[error("the read model's file failed: {0}")]
    File(#[source] ApplyError),
}

type Chunk = Result<Vec<Recorded<EncodedEvent>>, TryChunksError<Recorded<EncodedEvent>, LogFault>>;

/// A batch of what was read, and what ended the reading, if something did.
fn decode(chunk: Chunk) -> (Batch, Option<LogFault>) {
    match chunk {
        Ok(records) => (Batch::decode(records), None),
        Err(TryChunksError(records, fault)) => (Batch::decode(records), Some(fault)),
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
        let Self { projection, tables, checkpoint: _ } = self;
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
        let checkpoint = tables::checkpoint(&tables)?;
        Ok(Self { projection, tables, checkpoint })
    }

    /// Up to where the log is folded; none before the first event.
    pub fn checkpoint(&self) -> Option<GlobalPosition> {
        self.checkpoint.position
    }

    /// How many events are folded or passed over.
    pub fn events(&self) -> u64 {
        self.checkpoint.events
    }

    /// How far it is, while it does this.
    pub(crate) fn progress(&self, phase: Phase) -> Progress {
        let Checkpoint { position, recorded_at, skipped, events } = self.checkpoint;
        Progress { checkpoint: position, recorded_at, phase, skipped, events }
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
        let mut wanted = |one: &Recorded<_>| {
            let is_wanted = left > 0
                && match until {
                    Until::Head | Until::Events(_) => true,
                    Until::Position(position) => one.position <= position,
                    Until::Time(time) => one.recorded_at <= time,
                };
            left = left.saturating_sub(1);
            is_wanted
        };
        let mut batches = log
            .read_all(self.checkpoint.position)
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

    /// Folds what is new of a batch: all of it or, up to where it cannot be folded, what came before.
    ///
    /// After a machine's fault the same batch can be given again.
    pub(crate) fn fold(&mut self, batch: &Batch) -> Result<(), RunnerError> {
        let done = self.checkpoint.position;
        if let Some(News { part, through, recorded_at }) = batch.after(done) {
            match self.commit(part, through, recorded_at) {
                Ok(()) => {}
                Err(error) if error.is_machine() => return Err(RunnerError::File(error)),
                Err(_) => self.find_culprit(part, through, recorded_at)?,
            }
        }
        batch.stall(done)
    }

    /// Rows and checkpoint, together or not at all.
    fn commit(
        &mut self,
        part: Part<'_>,
        through: GlobalPosition,
        recorded_at: Timestamp,
    ) -> Result<(), ApplyError> {
        let skipped = part.skipped.len() as u64;
        let to = Checkpoint {
            position: Some(through),
            recorded_at: Some(recorded_at),
            skipped: self.checkpoint.skipped + skipped,
            events: self.checkpoint.events + part.events.len() as u64 + skipped,
        };
        let transaction = self.tables.transaction()?;
        self.projection.keep(&transaction, part.written())?;
        self.projection.fold(&transaction, part.events)?;
        tables::advance(&transaction, to)?;
        transaction.commit()?;
        self.checkpoint = to;
        Ok(())
    }

    /// Folds one event at a time, up to the one that does not go.
    fn find_culprit(
        &mut self,
        part: Part<'_>,
        through: GlobalPosition,
        recorded_at: Timestamp,
    ) -> Result<(), RunnerError> {
        let (steps, rest) = part.steps();
        for step in steps {
            let Some(event) = step.events.first() else { continue };
            let position = event.position;
            self.commit(step, position, event.recorded_at).map_err(|error| {
                if error.is_machine() {
                    return RunnerError::File(error);
                }
                RunnerError::Stalled {
                    position,
                    stream: event.stream.to_string(),
                    why: error.to_string(),
                }
            })?;
        }
        self.commit(rest, through, recorded_at).map_err(RunnerError::File)
    }
}
