//! What a log promises, and what is said where it does not keep it.

use jiff::Timestamp;
use shiplog_store::position::GlobalPosition;

/// What the log promises, and does not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Positions only ever rise.
    #[error("its position is not above the one before, `{before}`")]
    Position {
        /// The one before.
        before: GlobalPosition,
    },
    /// Where one writer gives the positions, they have no gaps.
    #[error("right before it `{missing}` events are missing")]
    Gap {
        /// How many.
        missing: u64,
    },
    /// A stream's versions have no gaps.
    #[error("its version is `{found}`, the stream's next is `{next}`")]
    Version {
        /// What is there.
        found: u64,
        /// What should be.
        next: u64,
    },
    /// Times of recording never go back along a stream, nor along a log or a part of one that one node
    /// writes.
    #[error("it was recorded at `{found}`, before the event before it at `{before}`")]
    RecordedAt {
        /// When it says.
        found: Timestamp,
        /// When the one before was.
        before: Timestamp,
    },
    /// Ids derive from the stream, the idempotency key and the index.
    #[error("its id is not the one that its stream and idempotency key give")]
    Id,
    /// The events of one request have the same metadata.
    #[error("its metadata is not that of the first event of its request")]
    Request,
    /// Every event can be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// A lane numbers its deployments without gaps.
    #[error("it requests deployment `#{found}`, the lane's next is `#{next}`")]
    Number {
        /// What is there.
        found: u32,
        /// What should be.
        next: u32,
    },
    /// A lane's events are about its deployments.
    #[error("it is about deployment `#{found}`, the lane's last is `#{last}`")]
    Deployment {
        /// Which one it is about.
        found: u32,
        /// The last that was requested until then.
        last: u32,
    },
    /// An event is written in one way.
    #[error("its data is not what Shiplog writes for the event that it reads as")]
    Data,
    /// What a reader must know of a schema is the same for all events that have it.
    #[error("what it says about its schema is not true of schema `{schema}` of `{event_type}`")]
    Schema {
        /// Its type.
        event_type: String,
        /// Its schema.
        schema: u16,
    },
}
