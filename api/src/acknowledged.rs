//! How far this server has acknowledged what was to be recorded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use shiplog_store::position::GlobalPosition;

/// The last position that this server has acknowledged; clones are the same.
///
/// It is known where the log cannot be read, or a node of a cluster answers that is behind the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged(Arc<AtomicU64>);

impl Acknowledged {
    /// Notes that everything up to here is recorded.
    pub(crate) fn note(&self, position: GlobalPosition) {
        self.0.fetch_max(position.0, Ordering::Relaxed);
    }

    /// The last position; none if nothing was acknowledged since the start.
    pub(crate) fn last(&self) -> Option<GlobalPosition> {
        Some(self.0.load(Ordering::Relaxed)).filter(|last| *last > 0).map(GlobalPosition)
    }
}
