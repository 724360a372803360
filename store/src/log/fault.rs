//! What can go wrong with a log: an event that cannot be read, a machine that fails, an append that is refused.

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use jiff::Timestamp;
use shiplog_domain::{metadata::EventId, stream::StreamName};

use super::MAX_EVENTS_PER_APPEND;
use crate::position::{ExpectedVersion, GlobalPosition, StreamVersion};

/// What lies beneath a fault; shared, because one fault may fail many appends.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// An event that is in the log and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where in the log.
    pub position: GlobalPosition,
    /// Of which stream, if that can be read.
    pub stream: Option<StreamName>,
    /// Where in that stream, if that can be read.
    pub version: Option<StreamVersion>,
    /// What is wrong with it: `its metadata: EOF while parsing an object`.
    pub problem: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, stream, version: _, problem } = self;
        match stream {
            Some(stream) => write!(f, "event {position} of `{stream}` is damaged: {problem}"),
            None => write!(f, "event {position} is damaged: {problem}"),
        }
    }
}

/// Why a machine could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogFault {
    /// Nothing was written. The same call may go well later.
    #[error("the log is unavailable: {reason}")]
    Unavailable {
        /// What is the matter, for the caller: `the disk is full`.
        reason: Cow<'static, str>,
        /// What said so, if something did.
        source: Option<Cause>,
    },
    /// The events may be recorded, or not; the same ids settle it.
    #[error("the outcome is unknown: retry with the same idempotency key")]
    OutcomeUnknown {
        /// What went wrong.
        source: Cause,
    },
    /// Nothing was written: what the clock says cannot be recorded for good before somebody has looked at
    /// it.
    #[error(
        "the clock jumped: it says `{now}` where `{expected}` is due; set it right, and writes go on by \
         themselves, or restart the server if it is right"
    )]
    ClockJumped {
        /// What the clock says.
        now: Timestamp,
        /// What it should say, by the time that has passed since the start.
        expected: Timestamp,
    },
    /// One event cannot be read. A stream of records goes on after it.
    #[error("{0}")]
    Unreadable(Unreadable),
    /// A stream is not what it was: somebody has deleted it, or cut it off.
    #[error("`{stream}` is damaged: {problem}")]
    StreamDamaged {
        /// Which stream.
        stream: StreamName,
        /// What has been done to it.
        problem: String,
    },
    /// What was read cannot have been written.
    #[error("the log is damaged at {place}: {problem}")]
    Corrupt {
        /// Where: `position 1834`.
        place: String,
        /// What is wrong there.
        problem: String,
    },
}

/// Why events were not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is elsewhere than expected. Nothing was written.
    #[error("stream `{stream}` is {}, not {expected}", ExpectedVersion::from(*.actual))]
    Conflict {
        /// Which stream.
        stream: StreamName,
        /// Where it was believed to be.
        expected: ExpectedVersion,
        /// Its last event; `None` if it has none.
        actual: Option<StreamVersion>,
    },
    /// There is nothing to append, or too much for one transaction. Nothing was written.
    #[error("an append takes 1 to {MAX_EVENTS_PER_APPEND} events, not `{found}`")]
    Size {
        /// How many there were.
        found: usize,
    },
    /// An id stands for another event already. Nothing was written.
    #[error("event id `{id}` is taken by another event")]
    IdReused {
        /// Which id: the first that is.
        id: EventId,
    },
    /// A machine could not.
    #[error(transparent)]
    Fault(#[from] LogFault),
}
