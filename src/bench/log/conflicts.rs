//! A log whose conflicts are counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use futures::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    decorator::Decorator,
    log::{AppendError, Appended, Log, NewEvent},
    position::ExpectedVersion,
};

/// A log, and how many appends to it met a conflict.
pub(super) struct Counted {
    log: Arc<dyn Log>,
    pub(super) conflicts: AtomicU64,
}

impl Counted {
    pub(super) fn new(log: Arc<dyn Log>) -> Self {
        Self { log, conflicts: AtomicU64::new(0) }
    }
}

impl Decorator for Counted {
    fn inner(&self) -> &dyn Log {
        &*self.log
    }

    fn on_append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let count = |error: &AppendError| {
            if let AppendError::Conflict { .. } = error {
                self.conflicts.fetch_add(1, Relaxed);
            }
        };
        self.log.append(stream, expected, events).inspect_err(count).boxed()
    }
}
