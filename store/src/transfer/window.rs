//! What is given to the target together.

use std::sync::Arc;

use shiplog_domain::wire::EncodedEvent;

use crate::{
    log::{Clocks, MAX_EVENTS_PER_APPEND, NewEvent, Recorded},
    position::{ExpectedVersion, StreamVersion},
    replica::{Copied, CopyError, Original, Replica},
};

type Record = Recorded<EncodedEvent>;

/// The most bytes of data that go into one append, but for its last event.
const ENOUGH_BYTES: usize = 256 * 1024;

/// The most appends that are given to the target at once.
const WINDOW: usize = 64;

/// Events that were recorded together, as far as can be told, and so are appended together.
#[derive(Default)]
pub(super) struct Pending {
    records: Vec<Record>,
    bytes: usize,
}

impl Pending {
    /// One alone.
    pub(super) fn of(record: Record) -> Self {
        let mut pending = Self::default();
        pending.push(record);
        pending
    }

    /// Whether this one goes into the same append.
    pub(super) fn takes(&self, record: &Record) -> bool {
        self.records.last().is_none_or(|last| {
            self.records.len() < MAX_EVENTS_PER_APPEND
                && self.bytes < ENOUGH_BYTES
                && last.stream == record.stream
                && last.version.0 + 1 == record.version.0
                && last.recorded_at == record.recorded_at
                && last.metadata == record.metadata
        })
    }

    pub(super) fn push(&mut self, record: Record) {
        self.bytes += record.event.data.len();
        self.records.push(record);
    }

    /// What is to be appended; `None` if there is nothing.
    fn copied(self, clocks: Clocks) -> Option<Copied> {
        let first = self.records.first()?;
        let may_go_back = clocks.may_go_back_at(first.position);
        let original = Original { recorded_at: first.recorded_at, may_go_back };
        let expected = match first.version.0.checked_sub(1) {
            None => ExpectedVersion::NoStream,
            Some(last) => ExpectedVersion::Exact(StreamVersion(last)),
        };
        let (stream, metadata) = (first.stream.clone(), Arc::new(first.metadata.clone()));
        let events = self.records.into_iter().map(|record| NewEvent {
            id: record.id,
            metadata: Arc::clone(&metadata),
            event: record.event,
        });
        Some(Copied { stream, expected, events: events.collect(), original })
    }
}

/// What is given to the target at once.
#[derive(Default)]
pub(super) struct Window {
    copies: Vec<Copied>,
    bytes: usize,
}

impl Window {
    pub(super) fn push(&mut self, pending: Pending, clocks: Clocks) {
        self.bytes += pending.bytes;
        self.copies.extend(pending.copied(clocks));
    }

    pub(super) fn is_full(&self) -> bool {
        self.copies.len() >= WINDOW || self.bytes >= ENOUGH_BYTES
    }

    pub(super) async fn append(self, target: &dyn Replica) -> Result<(), CopyError> {
        target.replicate_all(self.copies).await
    }
}
