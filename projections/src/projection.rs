//! What a projection is: a name, a version, tables, and a fold.

use std::sync::Arc;

use rusqlite::Transaction;
use shiplog_domain::wire::{DomainEvent, EncodedEvent};
use shiplog_store::log::Recorded;

use crate::tables;

/// Why an event could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The tables would not take it.
    #[error("the read model's tables failed: {0}")]
    Tables(#[from] rusqlite::Error),
    /// A document in the tables is not what this code wrote.
    #[error("a document of the read model does not read: {0}")]
    Document(#[from] serde_json::Error),
    /// The event speaks of something that the log never told of.
    #[error(
        "event {position} of `{stream}` speaks of deployment {number}, which nothing requested"
    )]
    Unheard {
        /// Where the event is.
        position: u64,
        /// In which stream.
        stream: String,
        /// The deployment that it speaks of.
        number: u32,
    },
}

impl ApplyError {
    /// Whether the machine failed rather than the fold: worth another try when it is well again, or
    /// when whoever else has the file open lets go of it.
    pub fn is_machine(&self) -> bool {
        match self {
            Self::Tables(error) => tables::is_machine(error),
            Self::Document(_) | Self::Unheard { .. } => false,
        }
    }
}

/// A fold of the log into tables.
pub trait Projection: Send + Sync + 'static {
    /// What people call it; also the stem of its file's name.
    fn name(&self) -> &'static str;

    /// The version of its meaning: raised when the same log should give other tables.
    fn version(&self) -> u32;

    /// `CREATE TABLE …`, for an empty file.
    fn schema(&self) -> String;

    /// `CREATE INDEX IF NOT EXISTS …`, of what only questions need.
    ///
    /// Run when the model is level with the log for the first time: sorting what is there then takes
    /// a fraction of the time that keeping the indexes in order takes while a history is folded.
    fn indexes(&self) -> &'static str;

    /// Applies `events`, which follow each other in the log.
    ///
    /// - **Purity**: the tables afterwards depend on the tables before and on the
    ///   events alone: no clock, no chance, no other read model.
    /// - **Batches**: folding events one by one or in batches of any size gives
    ///   the same tables. The slice is there so that work can be done once for
    ///   many events.
    ///
    /// # Errors
    ///
    /// Nothing of the batch counts then: the runner rolls it back and finds
    /// the event by applying them one by one.
    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError>;

    /// Keeps what was written as it was, before [`fold`](Self::fold) is given what is understood of
    /// it; most projections keep nothing of that.
    ///
    /// # Errors
    ///
    /// As [`fold`](Self::fold).
    fn keep(&self, tables: &Transaction<'_>, written: Written<'_>) -> Result<(), ApplyError> {
        let _ = (tables, written);
        Ok(())
    }
}

/// Records as the log has them, in its order: those that are understood, and those of a future
/// Shiplog that may be passed over.
#[derive(Clone, Copy, Debug)]
pub struct Written<'b> {
    pub(crate) events: &'b [Recorded<DomainEvent>],
    /// What the log has of each of them.
    pub(crate) encoded: &'b [EncodedEvent],
    pub(crate) skipped: &'b [Recorded<EncodedEvent>],
}

impl Projection for Arc<dyn Projection> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn version(&self) -> u32 {
        (**self).version()
    }

    fn schema(&self) -> String {
        (**self).schema()
    }

    fn indexes(&self) -> &'static str {
        (**self).indexes()
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        (**self).fold(tables, events)
    }

    fn keep(&self, tables: &Transaction<'_>, written: Written<'_>) -> Result<(), ApplyError> {
        (**self).keep(tables, written)
    }
}
