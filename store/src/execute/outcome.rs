//! What becomes of a command.

use shiplog_domain::{metadata::IdempotencyKey, stream::StreamName, wire::DecodeError};

use super::ATTEMPTS;
use crate::{
    log::{AppendError, Appended, LogFault},
    position::{GlobalPosition, StreamVersion},
};

/// What became of a command that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded now.
    Recorded(Appended),
    /// The same request was recorded before; this is where.
    Replayed(Appended),
    /// There was nothing to record. This is where the stream is.
    AlreadySo {
        /// Its last event's version; `None` if it has none.
        version: Option<StreamVersion>,
        /// Its last event's position; `None` if it has none.
        position: Option<GlobalPosition>,
    },
}

impl Outcome {
    /// The version of the stream that this outcome speaks of.
    pub fn version(&self) -> Option<StreamVersion> {
        match self {
            Self::Recorded(last) | Self::Replayed(last) => Some(last.version),
            Self::AlreadySo { version, .. } => *version,
        }
    }

    /// The position from which on a reader knows of it.
    pub fn position(&self) -> Option<GlobalPosition> {
        match self {
            Self::Recorded(last) | Self::Replayed(last) => Some(last.position),
            Self::AlreadySo { position, .. } => *position,
        }
    }

    /// Whether it is the outcome of an earlier try of the same request.
    pub fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }
}

/// Why a stream could not be folded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadError {
    /// An event cannot be read by this binary.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The log could not be read.
    #[error(transparent)]
    Fault(#[from] LogFault),
}

/// Why a command came to nothing, or may have.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// The rules say no.
    #[error(transparent)]
    Refused(R),
    /// The log says no: the claimed version is not the stream's, or the events are too many.
    /// Never [`AppendError::Fault`]; that is [`Fault`](Self::Fault).
    #[error(transparent)]
    Append(AppendError),
    /// The key stands for another request.
    #[error("idempotency key `{}` was used for another request", key.as_str())]
    KeyReused {
        /// The key.
        key: IdempotencyKey,
    },
    /// Others were faster, time after time. Nothing was written.
    #[error("stream `{stream}` changed {ATTEMPTS} times while the command was decided")]
    Contended {
        /// Which stream.
        stream: StreamName,
    },
    /// The stream has an event that this binary cannot read.
    #[error(transparent)]
    Decode(DecodeError),
    /// A machine could not.
    #[error(transparent)]
    Fault(LogFault),
}

impl<R> From<LoadError> for ExecuteError<R> {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Decode(error) => Self::Decode(error),
            LoadError::Fault(fault) => Self::Fault(fault),
        }
    }
}
