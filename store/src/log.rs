//! What a log is: streams of events, totally ordered, that only ever grow.

mod fault;

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt as _, future::BoxFuture, stream::BoxStream};
use jiff::Timestamp;
use shiplog_domain::{
    metadata::{EventId, Metadata},
    stream::StreamName,
    wire::EncodedEvent,
};

pub use self::fault::{AppendError, Cause, LogFault, Unreadable};
use crate::position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion};

/// The most events that one append takes.
pub const MAX_EVENTS_PER_APPEND: usize = 1_000;

/// An event that is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Derived from the request, so that a retry makes the same one.
    pub id: EventId,
    /// Who asked, and under which promise; the events of one request share it.
    pub metadata: Arc<Metadata>,
    /// What happened.
    pub event: EncodedEvent,
}

/// An event as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<E> {
    /// Where in the log.
    pub position: GlobalPosition,
    /// Of which stream.
    pub stream: StreamName,
    /// Where in that stream.
    pub version: StreamVersion,
    /// When the log learned of it, in whole microseconds; never earlier than at the version before.
    ///
    /// Where one node writes the log, it is not earlier than at the position before either.
    /// Where several do, it may be, by as much as their clocks differ; [`Log::clocks`] says which.
    pub recorded_at: Timestamp,
    /// Its name, for ever.
    pub id: EventId,
    /// Who asked, and under which promise.
    pub metadata: Metadata,
    /// What happened.
    pub event: E,
}

impl<E> Recorded<E> {
    /// Puts what `change` makes of the event in its place.
    pub fn map<F>(self, change: impl FnOnce(E) -> F) -> Recorded<F> {
        let Self { position, stream, version, recorded_at, id, metadata, event } = self;
        let event = change(event);
        Recorded { position, stream, version, recorded_at, id, metadata, event }
    }

    /// What is said of it where it cannot be what was recorded there.
    pub fn damaged(&self, problem: String) -> Unreadable {
        let (position, stream, version) = (self.position, self.stream.clone(), self.version);
        Unreadable { position, stream: Some(stream), version: Some(version), problem }
    }

    /// Checks that it has the version that is due in its stream.
    ///
    /// # Errors
    ///
    /// [`LogFault::Unreadable`] if events are missing before it.
    pub(crate) fn follows(&self, due: u64) -> Result<(), LogFault> {
        let misplaced = self.version.misplaced(due);
        misplaced.map_or(Ok(()), |problem| Err(LogFault::Unreadable(self.damaged(problem))))
    }

    /// Puts `event` in the place of the event.
    pub fn with_event<F>(self, event: F) -> Recorded<F> {
        self.map(|_| event)
    }
}

/// Where an append put the last of its events, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where in the log.
    pub position: GlobalPosition,
    /// Where in its stream.
    pub version: StreamVersion,
    /// When.
    pub recorded_at: Timestamp,
}

/// Whose clocks say when the events of a log were recorded.
///
/// Along a stream, times never go back, whoever recorded them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// One node's: times do not go back along the log.
    One,
    /// Those of several nodes up to this position, of whose log it is a copy, and one node's after it.
    SeveralUntil(GlobalPosition),
    /// Those of several nodes: times may go back along the log, by as much as the clocks differ.
    Several,
}

impl Clocks {
    /// Whether times may go back along the log as far as this position.
    pub fn may_go_back_at(self, position: GlobalPosition) -> bool {
        match self {
            Self::One => false,
            Self::SeveralUntil(last) => position <= last,
            Self::Several => true,
        }
    }
}

/// Events, one by one, until the end or the first fault.
///
/// [`LogFault::Unreadable`] is not the end: it stands in the place of its event, and what comes after it
/// follows. Whoever needs every event stops there; whoever can do without one goes on.
pub type RecordStream<'a> = BoxStream<'a, Result<Recorded<EncodedEvent>, LogFault>>;

/// Passes over the events that cannot be read, for whoever can do without them.
pub fn readable(records: RecordStream<'_>) -> RecordStream<'_> {
    let can_be = |read: &Result<_, LogFault>| {
        std::future::ready(!matches!(read, Err(LogFault::Unreadable(_))))
    };
    records.filter(can_be).boxed()
}

/// A place where events are kept.
///
/// The contract is a list of tests, `store/tests/it/contract.rs`; every backend passes all of it.
pub trait Log: Send + Sync {
    /// Which log this is; the same for as long as it exists.
    fn id(&self) -> LogId;

    /// Appends `events` to `stream`, all or none, after the expected version.
    ///
    /// - **Shape**: `events` is not empty and has at most 1,000 entries; one
    ///   call is one transaction. The returned [`Appended`] is of the last one.
    ///   Up to 900 KiB are taken; a log may refuse more as unavailable.
    /// - **Durability**: on `Ok`, the events survive power loss (`fsync` done,
    ///   or acknowledged by a quorum).
    /// - **Idempotence**: if all ids are recorded in this stream, for the same
    ///   request (by its digest), the call is a no-op that returns the
    ///   *original* [`Appended`] of the last one, whatever was expected. If
    ///   another writer records them during the call, that is a conflict.
    /// - **Visibility**: a reader that has seen position *p* never later sees
    ///   a new event before *p*.
    ///
    /// # Errors
    ///
    /// [`AppendError::Conflict`] if the stream is elsewhere than `expected`,
    /// [`AppendError::Size`] if there are none or too many,
    /// [`AppendError::IdReused`] if an id is that of another stream, if it is
    /// there twice, if only some of the ids are recorded, or if they are for
    /// another request; nothing was written.
    /// [`AppendError::Fault`] with [`LogFault::OutcomeUnknown`] if it may have
    /// been: retry with the same ids.
    ///
    /// # Source
    ///
    /// Semantics follow EventStoreDB's idempotent append with an expected
    /// revision; the SQLite backend reproduces them.
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>>;

    /// Reads a stream in order, from this version on or from its first event.
    ///
    /// Ends at its last event; a stream that does not exist has none.
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        from: Option<StreamVersion>,
    ) -> RecordStream<'a>;

    /// Reads all streams in the order of the log, after a position or from the first event.
    ///
    /// Ends at the head as of the call.
    fn read_all(&self, after: Option<GlobalPosition>) -> RecordStream<'_>;

    /// Reads as [`read_all`](Log::read_all), then goes on with what is appended. Never ends.
    ///
    /// Skips nothing and repeats nothing; resume after the position of the last event taken.
    fn subscribe(&self, after: Option<GlobalPosition>) -> RecordStream<'_>;

    /// The position of the last event; `None` if there is none.
    ///
    /// Never before what this process has appended or read. What others have appended to a shared
    /// log a moment ago may be missing. It is asked before each read, so it takes a second at most.
    ///
    /// # Errors
    ///
    /// [`LogFault::Unavailable`] if that cannot be read, or not in time.
    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>>;

    /// How many events come after a position; `None` where only reading them all would tell.
    ///
    /// # Errors
    ///
    /// As [`head`](Log::head).
    fn count(
        &self,
        _after: Option<GlobalPosition>,
    ) -> BoxFuture<'_, Result<Option<u64>, LogFault>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The event at this position; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If that cannot be read.
    fn event_at(
        &self,
        position: GlobalPosition,
    ) -> BoxFuture<'_, Result<Option<Recorded<EncodedEvent>>, LogFault>>;

    /// Ends when an event that was known is not there any more, because somebody has put an older copy of a
    /// shared log back; says where it was. What is known of such a log is known of another one.
    fn rewound(&self) -> BoxFuture<'_, GlobalPosition> {
        Box::pin(std::future::pending())
    }

    /// Whether anything was heard of a stream that is no event of it: that somebody has deleted it, say.
    ///
    /// It takes no call, unless there is reason to doubt the stream.
    ///
    /// # Errors
    ///
    /// As [`examine`](Log::examine).
    fn heard_damage<'a>(&'a self, _stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether a stream is whole: nobody has deleted it, cut it off or written to it past Shiplog.
    ///
    /// Where nobody but this process can write the log, that shows when the stream is read.
    ///
    /// # Errors
    ///
    /// [`LogFault::StreamDamaged`] or [`LogFault::Unreadable`] if it is not; any other fault if that cannot
    /// be told.
    fn examine<'a>(&'a self, _stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether events can be appended now, as far as is known from the last attempt.
    ///
    /// Where that failed, it is tried again, once a second at most and without recording anything, so that
    /// it is told when appends are possible again. It takes a second at most.
    ///
    /// # Errors
    ///
    /// Why not.
    fn writable(&self) -> BoxFuture<'_, Result<(), LogFault>> {
        Box::pin(async { self.head().await.map(drop) })
    }

    /// Whether other processes may append to it, too.
    ///
    /// Then a stream may have moved on since it was read last, however lately that was.
    fn is_shared(&self) -> bool;

    /// Whose clocks say when its events were recorded.
    ///
    /// # Errors
    ///
    /// If that cannot be read.
    fn clocks(&self) -> BoxFuture<'_, Result<Clocks, LogFault>> {
        let clocks = if self.is_shared() { Clocks::Several } else { Clocks::One };
        Box::pin(std::future::ready(Ok(clocks)))
    }
}

/// Whether these events may go into one append to `stream`, whatever the log has.
pub(crate) fn check(stream: &StreamName, events: &[NewEvent]) -> Result<(), AppendError> {
    let Some(first) = events.first().filter(|_| events.len() <= MAX_EVENTS_PER_APPEND) else {
        return Err(AppendError::Size { found: events.len() });
    };
    let own = EventId::derive(stream, &first.metadata.idempotency_key, 0);
    let mut ids = HashSet::with_capacity(events.len());
    let bad = events.iter().find(|event| !(ids.insert(event.id) && are_kin(event.id, own)));
    bad.map_or(Ok(()), |event| Err(AppendError::IdReused { id: event.id }))
}

/// Whether two ids were derived from one stream: then their first 48 bits are the same.
fn are_kin(one: EventId, other: EventId) -> bool {
    one.0.as_bytes().first_chunk::<6>() == other.0.as_bytes().first_chunk::<6>()
}
