//! A log that another one can be copied into.

use futures::future::BoxFuture;
use jiff::Timestamp;
use shiplog_domain::stream::StreamName;

use crate::{
    log::{AppendError, Appended, Log, NewEvent},
    position::ExpectedVersion,
};

/// When, and by whose clock, another log recorded events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// When.
    pub recorded_at: Timestamp,
    /// Whether this may be earlier than at the position before, because several nodes write the other log
    /// or wrote that part of it.
    pub may_go_back: bool,
}

/// A log that another one can be copied into.
pub trait Replica: Log {
    /// Appends events that another log recorded, and keeps their time.
    ///
    /// Otherwise as [`Log::append`]. A log that one node writes keeps for good up to where times may go
    /// back: see [`Log::clocks`].
    ///
    /// # Errors
    ///
    /// As [`Log::append`].
    fn replicate<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
        original: Original,
    ) -> BoxFuture<'a, Result<Appended, AppendError>>;

    /// Appends what another log recorded, in this order, and nothing after what cannot be appended.
    ///
    /// A log to which each append takes a way that is long has several of them under way.
    ///
    /// # Errors
    ///
    /// [`CopyError`], which says of which it is; what comes before that is recorded.
    fn replicate_all(&self, copies: Vec<Copied>) -> BoxFuture<'_, Result<(), CopyError>> {
        Box::pin(async move {
            for copied in copies {
                let what = copied.name();
                let Copied { stream, expected, events, original } = copied;
                let appended = self.replicate(&stream, expected, events, original).await;
                appended.map_err(|error| CopyError { what, error })?;
            }
            Ok(())
        })
    }
}

/// Events that another log recorded together.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Of which stream.
    pub stream: StreamName,
    /// After which version.
    pub expected: ExpectedVersion,
    /// The events.
    pub events: Vec<NewEvent>,
    /// When they were recorded.
    pub original: Original,
}

impl Copied {
    /// The first of them, in words: `version 3 of ‹stream›`.
    pub fn name(&self) -> String {
        let version = match self.expected {
            ExpectedVersion::NoStream => 0,
            ExpectedVersion::Exact(last) => last.0 + 1,
        };
        format!("version {version} of `{}`", self.stream)
    }
}

/// Why something could not be copied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct CopyError {
    /// The first of the events: `version 3 of ‹stream›`.
    pub what: String,
    /// Why.
    pub error: AppendError,
}
