//! How far a read model has come.

use std::sync::Arc;

use jiff::Timestamp;
use shiplog_store::position::GlobalPosition;

use crate::damage::DamagedStream;

/// How far a read model has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Up to where the log is folded.
    pub checkpoint: Option<GlobalPosition>,
    /// When the event there was recorded.
    pub recorded_at: Option<Timestamp>,
    /// What it is doing.
    pub phase: Phase,
    /// How many events of a future Shiplog were passed over.
    pub skipped: u64,
    /// How many events were folded, passed over or set aside.
    pub events: u64,
    /// Streams that are not folded any further, the earliest event first.
    pub damaged: Arc<[DamagedStream]>,
}

/// What a follower is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Folding what was recorded before.
    CatchingUp,
    /// Level with the log.
    Live,
    /// It cannot go on, because a machine fails; the other read models do.
    Stalled {
        /// Why.
        why: String,
    },
}

impl Progress {
    /// Whether it cannot go on.
    pub(crate) fn is_stalled(&self) -> bool {
        matches!(self.phase, Phase::Stalled { .. })
    }
}

/// A read model is not as far as was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has not come that far yet")]
pub struct Behind {
    /// Which one.
    pub name: &'static str,
    /// How far it is.
    pub checkpoint: Option<GlobalPosition>,
    /// Whether it will not get there by waiting.
    pub stalled: bool,
}
