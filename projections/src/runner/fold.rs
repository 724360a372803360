//! Folding a batch into the tables, but for what does not fit; and what did not, once it does.

use rusqlite::Transaction;
use shiplog_domain::stream::StreamName;

use super::{
    Runner, RunnerError,
    batch::{Batch, News, Part},
    mending::StreamAgain,
};
use crate::{
    damage::{self, DamagedStream},
    projection::{ApplyError, Projection},
    tables::{self, Checkpoint},
};

impl<P: Projection> Runner<P> {
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
                let damaged = event.damaged(error.to_string()).into();
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

    /// Folds what is missing of a stream that was set aside, if all of it fits now.
    ///
    /// # Errors
    ///
    /// [`RunnerError::File`] if a machine failed.
    pub(crate) fn mend(&mut self, again: &StreamAgain) -> Result<(), RunnerError> {
        let StreamAgain { stream, batch, complete_to } = again;
        let Some(damaged) = self.damage.of(stream) else { return Ok(()) };
        // Else what came in the meantime would be missing.
        let done = self.checkpoint.position.filter(|done| Some(*done) <= *complete_to);
        let (Some(done), Some(news)) = (done, batch.whole()) else { return Ok(()) };
        let part = news.part.through(done);
        // A version tells what is missing. Without one, what came before the damage is folded.
        let part = match damaged.version {
            Some(version) => part.since(version),
            None => part.from(damaged.position),
        };
        match self.fold_again(stream, part) {
            Ok(()) => {}
            Err(error) if error.is_machine() => return Err(RunnerError::File(error)),
            Err(_) => return Ok(()),
        }
        let name = self.projection.name();
        tracing::info!(projection = name, %stream, "`{name}`: `{stream}` is whole again");
        self.damage.remove(stream);
        self.versions.forget(stream);
        Ok(())
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

fn warn(projection: &str, damaged: &DamagedStream) {
    tracing::error!(projection, "`{projection}` goes on without a stream: {damaged}");
}
