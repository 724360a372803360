//! Keeps a read model level with the log.
//!
//! Reading and decoding run ahead of folding, in batches, so that catching up uses two cores, and
//! are done once for all read models that keep up; live, a batch is whatever has arrived within some
//! milliseconds, or until somebody waits for it.

mod batch;
mod follow;
mod mending;
mod read;
mod supply;
mod versions;

use std::{path::Path, sync::Arc};

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream::TryChunksError};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use shiplog_domain::{stream::StreamName, wire::DomainEvent};
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault, Recorded},
    position::{GlobalPosition, LogId},
};
use tokio::task::JoinError;

pub(crate) use self::{
    batch::{Batch, ENOUGH},
    follow::{Following, Indexing, follow},
    read::Hurry,
    supply::{Supply, Taker},
};
use self::{
    batch::{News, Part},
    mending::StreamAgain,
    versions::Versions,
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

    /// Folds what is new of a batch, but for what does not fit: the streams of that are set aside.
    ///
    /// # Errors
    ///
    /// [`RunnerError::File`] if a machine failed; then the same batch can be given again.
    pub(crate) fn fold(&mut self, batch: &Batch) -> Result<(), RunnerError> {
        let Some(news) = batch.after(self.checkpoint.position) else { return Ok(()) };
        for damaged in news.unreadable {
            self.set_aside(damaged);
        }
        for hole in self.versions.meet(&news, &self.damage) {
            self.set_aside(&hole);
        }
        let folded = self.fold_at_once(&news).or_else(|error| match error {
            error if error.is_machine() => Err(error),
            _ => self.fold_one_by_one(&news),
        });
        folded.map_err(RunnerError::File)
    }

    /// Rows and checkpoint, together or not at all.
    fn fold_at_once(&mut self, news: &News<'_>) -> Result<(), ApplyError> {
        let to = after(self.checkpoint, news);
        let transaction = self.tables.transaction()?;
        for part in news.part.without(&self.damage) {
            apply(&self.projection, &transaction, part)?;
        }
        damage::save(&transaction, &self.damage)?;
        tables::advance(&transaction, to)?;
        transaction.commit()?;
        self.checkpoint = to;
        Ok(())
    }

    /// Folds one event at a time, and sets aside the streams of those that do not go.
    fn fold_one_by_one(&mut self, news: &News<'_>) -> Result<(), ApplyError> {
        let to = after(self.checkpoint, news);
        let transaction = self.tables.transaction()?;
        let (steps, rest) = news.part.steps();
        for step in steps.into_iter().chain([rest]) {
            for step in step.without(&self.damage) {
                transaction.execute_batch("SAVEPOINT step")?;
                let Err(error) = apply(&self.projection, &transaction, step) else {
                    transaction.execute_batch("RELEASE step")?;
                    continue;
                };
                let Some(event) = step.events.first().filter(|_| !error.is_machine()) else {
                    return Err(error);
                };
                transaction.execute_batch("ROLLBACK TO step; RELEASE step")?;
                // What was passed over before it goes without it.
                let passed = Part { events: &[], written: &[], skipped: step.skipped };
                apply(&self.projection, &transaction, passed)?;
                let damaged = unfit(event, &error);
                warn(self.projection.name(), &damaged);
                self.damage.add(damaged);
            }
        }
        damage::save(&transaction, &self.damage)?;
        tables::advance(&transaction, to)?;
        transaction.commit()?;
        self.checkpoint = to;
        Ok(())
    }

    /// Folds what is missing of a stream that was set aside, if all of it fits now; tells whether it does.
    ///
    /// # Errors
    ///
    /// [`RunnerError::File`] if a machine failed.
    pub(crate) fn mend(&mut self, again: &StreamAgain) -> Result<bool, RunnerError> {
        let StreamAgain { stream, batch, complete_to } = again;
        let Some(damaged) = self.damage.of(stream) else { return Ok(true) };
        // Else what came in the meantime would be missing.
        let done = self.checkpoint.position.filter(|done| Some(*done) <= *complete_to);
        let (Some(done), Some(news)) = (done, batch.whole()) else { return Ok(false) };
        let part = news.part.through(done);
        // A version tells what is missing. Without one, what came before the damage is folded.
        let part = match damaged.version {
            Some(version) => part.since(version),
            None => part.from(damaged.position),
        };
        match self.fold_again(stream, part) {
            Ok(()) => {}
            Err(error) if error.is_machine() => return Err(RunnerError::File(error)),
            Err(_) => return Ok(false),
        }
        let name = self.projection.name();
        tracing::info!(projection = name, %stream, "`{name}`: `{stream}` is whole again");
        self.damage.remove(stream);
        self.versions.forget(stream);
        Ok(true)
    }

    fn fold_again(&mut self, stream: &StreamName, part: Part<'_>) -> Result<(), ApplyError> {
        let transaction = self.tables.transaction()?;
        apply(&self.projection, &transaction, part)?;
        damage::forget(&transaction, stream)?;
        transaction.commit()?;
        Ok(())
    }

    fn set_aside(&mut self, damaged: &DamagedStream) {
        if self.damage.add(damaged.clone()) {
            warn(self.projection.name(), damaged);
        }
    }
}

/// How far a read model is that has all of this behind it.
fn after(base: Checkpoint, news: &News<'_>) -> Checkpoint {
    Checkpoint {
        position: Some(news.through),
        recorded_at: news.recorded_at,
        skipped: base.skipped + news.part.skipped.len() as u64,
        events: base.events + news.len() as u64,
    }
}

/// Applies a part of the log to the tables.
fn apply<P: Projection>(
    projection: &P,
    tables: &Transaction<'_>,
    part: Part<'_>,
) -> Result<(), ApplyError> {
    projection.keep(tables, part.written())?;
    projection.fold(tables, part.events)
}

/// What is said of an event that the tables do not take.
fn unfit(event: &Recorded<DomainEvent>, error: &ApplyError) -> DamagedStream {
    DamagedStream {
        stream: Some(event.stream.clone()),
        position: event.position,
        version: Some(event.version),
        problem: error.to_string(),
    }
}

fn warn(projection: &str, damaged: &DamagedStream) {
    tracing::error!(projection, "`{projection}` goes on without a stream: {damaged}");
}
