//! A log whose conflicts are counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use futures::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};
use shiplog_store::{
    log::{AppendError, Appended, Log, LogFault, NewEvent, RecordStream, Recorded},
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
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

impl Log for Counted {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn append<'a>(
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

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        from: Option<StreamVersion>,
    ) -> RecordStream<'a> {
        self.log.read_stream(stream, from)
    }

    fn read_all(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.log.read_all(after)
    }

    fn subscribe(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.log.subscribe(after)
    }

    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        self.log.head()
    }

    fn event_at(
        &self,
        position: GlobalPosition,
    ) -> BoxFuture<'_, Result<Option<Recorded<EncodedEvent>>, LogFault>> {
        self.log.event_at(position)
    }

    fn is_shared(&self) -> bool {
        self.log.is_shared()
    }
}
