//! Copying a whole log into another one: ids, streams, versions, times and metadata are kept.
//!
//! Positions are not: each log gives its own, in the same order.

use std::{fmt::Write as _, mem, sync::Arc};

use futures::{TryStreamExt as _, future::BoxFuture};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use crate::{
    log::{
        AppendError, Appended, Clocks, Log, LogFault, MAX_EVENTS_PER_APPEND, NewEvent,
        RecordStream, Recorded,
    },
    position::{ExpectedVersion, GlobalPosition, StreamVersion},
};

type Record = Recorded<EncodedEvent>;

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
}

/// The most bytes of data that go into one append, but for its last event.
const ENOUGH_BYTES: usize = 256 * 1024;

/// What a transfer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking at what the target has already.
    Looking,
    /// Appending what it has not.
    Copying,
    /// Comparing both from end to end.
    Comparing,
}

/// What a transfer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// How many events both logs have.
    pub events: u64,
    /// How many of them the target had before.
    pub known: u64,
    /// The digest of both: SHA-256 over all that is kept of each event, in hexadecimal.
    pub digest: String,
}

/// Why a log was not copied, or not to its end. What was appended before stays.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The target has something else in an event's place.
    #[error("event {nth} of the source is {source_has}; the target has {target_has} in its place")]
    Different {
        /// Which event, counted from 1.
        nth: u64,
        /// The event: `version 3 of ‹stream›`.
        source_has: String,
        /// What the target has.
        target_has: String,
    },
    /// The source could not be read.
    #[error("the source cannot be read: {0}")]
    Source(#[source] LogFault),
    /// The target could not be read.
    #[error("the target cannot be read: {0}")]
    Target(#[source] LogFault),
    /// The target does not take an event.
    #[error("the target does not take {what}: {error}")]
    Refused {
        /// The event: `version 3 of ‹stream›`.
        what: String,
        /// Why not.
        error: AppendError,
    },
}

/// Copies what `source` has now and `target` has not, and then compares both.
///
/// What the target has must be what the source begins with. So a transfer that was ended half-way
/// can be begun again and goes on, and one that is done is compared once more. Nobody else may
/// write the target meanwhile. `tell` hears what is done, and to how many events it has been.
///
/// # Errors
///
/// [`TransferError`].
pub async fn transfer(
    source: &dyn Log,
    target: &dyn Replica,
    tell: &mut (dyn FnMut(Step, u64) + Send),
) -> Result<Transferred, TransferError> {
    let until = source.head().await.map_err(TransferError::Source)?;
    let known = copy(source, target, until, tell).await?;
    let (events, digest) = compare(source, target, until, tell).await?;
    Ok(Transferred { events, known, digest })
}

/// Appends what is missing; says how many events were not.
async fn copy(
    source: &dyn Log,
    target: &dyn Replica,
    until: Option<GlobalPosition>,
    tell: &mut (dyn FnMut(Step, u64) + Send),
) -> Result<u64, TransferError> {
    let (mut records, mut there) = (up_to(source, until), target.read_all(None));
    let clocks = source.clocks().await.map_err(TransferError::Source)?;
    let (mut known, mut nth) = (0, 0);
    let (mut pending, mut last_of_several) = (Pending::default(), None);
    while let Some(record) = records.try_next().await.map_err(TransferError::Source)? {
        nth += 1;
        if known + 1 == nth
            && let Some(other) = there.try_next().await.map_err(TransferError::Target)?
        {
            same(nth, &record, Some(&other))?;
            known = nth;
            tell(Step::Looking, nth);
            if clocks.may_go_back_at(record.position) {
                last_of_several = Some(record);
            }
            continue;
        }
        if !pending.takes(&record) {
            mem::take(&mut pending).append(clocks, target).await?;
            tell(Step::Copying, nth - 1);
        }
        pending.push(record);
    }
    pending.append(clocks, target).await?;
    tell(Step::Copying, nth);
    // A copy that an earlier Shiplog made does not keep yet whose clocks its times are from.
    if let Some(record) = last_of_several.filter(|_| !target.is_shared()) {
        Pending { records: vec![record], bytes: 0 }.append(clocks, target).await?;
    }
    Ok(known)
}

/// Reads both to their ends; says how many events they have, and the digest of both.
async fn compare(
    source: &dyn Log,
    target: &dyn Log,
    until: Option<GlobalPosition>,
    tell: &mut (dyn FnMut(Step, u64) + Send),
) -> Result<(u64, String), TransferError> {
    let (mut records, mut there) = (up_to(source, until), target.read_all(None));
    let (mut digest, mut nth) = (Sha256::new(), 0);
    while let Some(record) = records.try_next().await.map_err(TransferError::Source)? {
        nth += 1;
        let other = there.try_next().await.map_err(TransferError::Target)?;
        same(nth, &record, other.as_ref())?;
        take_in(&mut digest, &record);
        tell(Step::Comparing, nth);
    }
    if let Some(other) = there.try_next().await.map_err(TransferError::Target)? {
        let (source_has, target_has) = ("its end".into(), name(&other));
        return Err(TransferError::Different { nth: nth + 1, source_has, target_has });
    }
    let digest = digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok((nth, digest))
}

/// The log up to a position that it has, whatever is appended meanwhile.
fn up_to(log: &dyn Log, until: Option<GlobalPosition>) -> RecordStream<'_> {
    let records = log.read_all(None);
    Box::pin(
        records
            .try_take_while(move |record| std::future::ready(Ok(Some(record.position) <= until))),
    )
}

/// Compares all but the position.
fn same(nth: u64, one: &Record, other: Option<&Record>) -> Result<(), TransferError> {
    let is_same = other.is_some_and(|other| {
        let other = Recorded { position: one.position, ..other.clone() };
        *one == other
    });
    if is_same {
        return Ok(());
    }
    let target_has = match other {
        Some(other) if (&other.stream, other.version) == (&one.stream, one.version) => {
            format!("another event {} as {}", other.id, name(other))
        }
        Some(other) => name(other),
        None => "its end".into(),
    };
    Err(TransferError::Different { nth, source_has: name(one), target_has })
}

fn name(record: &Record) -> String {
    format!("version {} of `{}`", record.version, record.stream)
}

/// Digests what [`same`] compares. Each part of no fixed length has its length before it.
fn take_in(digest: &mut Sha256, record: &Record) {
    let Recorded { position: _, stream, version, recorded_at, id, metadata, event } = record;
    let EncodedEvent { event_type, schema, readable_from, ignorable, data } = event;
    // Our own structs have string keys and finite numbers, so nothing can fail.
    let metadata = serde_json::to_vec(metadata).unwrap_or_default();
    digest.update(id.0.as_bytes());
    digest.update(version.0.to_be_bytes());
    digest.update(recorded_at.as_microsecond().to_be_bytes());
    digest.update(schema.to_be_bytes());
    digest.update(readable_from.to_be_bytes());
    digest.update([u8::from(*ignorable)]);
    for part in [stream.as_str().as_bytes(), event_type.as_bytes(), &metadata, data] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
}

/// Events that were recorded together, as far as can be told, and so are appended together.
#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    bytes: usize,
}

impl Pending {
    /// Whether this one goes into the same append.
    fn takes(&self, record: &Record) -> bool {
        self.records.last().is_none_or(|last| {
            self.records.len() < MAX_EVENTS_PER_APPEND
                && self.bytes < ENOUGH_BYTES
                && last.stream == record.stream
                && last.version.0 + 1 == record.version.0
                && last.recorded_at == record.recorded_at
                && last.metadata == record.metadata
        })
    }

    fn push(&mut self, record: Record) {
        self.bytes += record.event.data.len();
        self.records.push(record);
    }

    async fn append(self, clocks: Clocks, target: &dyn Replica) -> Result<(), TransferError> {
        let Some(first) = self.records.first() else { return Ok(()) };
        let stream = first.stream.clone();
        let may_go_back = clocks.may_go_back_at(first.position);
        let original = Original { recorded_at: first.recorded_at, may_go_back };
        let (version, what) = (first.version, name(first));
        let expected = match version.0.checked_sub(1) {
            None => ExpectedVersion::NoStream,
            Some(last) => ExpectedVersion::Exact(StreamVersion(last)),
        };
        let metadata = Arc::new(first.metadata.clone());
        let events = self.records.into_iter().map(|record| NewEvent {
            id: record.id,
            metadata: Arc::clone(&metadata),
            event: record.event,
        });
        let copied = target.replicate(&stream, expected, events.collect(), original).await;
        copied.map(drop).map_err(|error| TransferError::Refused { what, error })
    }
}
