//! One stream, folded: what is decided against, and which requests are in it.

use std::{collections::HashMap, mem, sync::Arc};

use futures::TryStreamExt as _;
use shiplog_domain::{
    decider::Decider,
    metadata::{EventId, Metadata, RequestDigest},
    stream::StreamName,
    wire::{DecodeError, Decoded, EncodedEvent, WireEvent, decode, encode},
};

use super::LoadError;
use crate::{
    log::{Appended, Log, LogFault, NewEvent, Recorded},
    position::{GlobalPosition, StreamVersion},
};

/// A request that the stream has events of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// What was asked.
    pub(super) digest: RequestDigest,
    /// Where the last of its events is.
    pub(super) last: Appended,
}

/// How a fold stands to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// The log may have more.
    #[default]
    Behind,
    /// It is of everything that the log has.
    Level,
    /// There are events in it of which nobody knows whether the log has them.
    Ahead,
}

/// The fold of one stream. The default is that of no events, and behind.
pub(super) struct Fold<D: Decider> {
    pub(super) state: D::State,
    pub(super) version: Option<StreamVersion>,
    pub(super) position: Option<GlobalPosition>,
    pub(super) standing: Standing,
    /// By the id of each request's first event.
    pub(super) requests: HashMap<EventId, Request>,
    /// Of the events' data.
    pub(super) bytes: usize,
}

/// What an event takes folded, beside what its data take.
const EVENT_BYTES: usize = 768;

/// What a stream takes, beside its events.
const STREAM_BYTES: usize = 8 * 1024;

impl<D: Decider> Default for Fold<D> {
    fn default() -> Self {
        Self {
            state: D::State::default(),
            version: None,
            position: None,
            standing: Standing::Behind,
            requests: HashMap::new(),
            bytes: 0,
        }
    }
}

impl<D: Decider<Event: WireEvent>> Fold<D> {
    /// Takes in what the log has and the fold has not.
    pub(super) async fn catch_up(
        &mut self,
        log: &dyn Log,
        stream: &StreamName,
    ) -> Result<(), LoadError> {
        log.heard_damage(stream).await?;
        match self.standing {
            Standing::Level => return Ok(()),
            Standing::Behind => {}
            Standing::Ahead => *self = Self::default(),
        }
        let from = self.version.map(|last| StreamVersion(last.0 + 1));
        let mut records = log.read_stream(stream, from);
        while let Some(record) = records.try_next().await? {
            self.take_in(&record)?;
        }
        self.standing = Standing::Level;
        Ok(())
    }

    /// Whether the stream is still where the fold has it, which others may have changed since.
    ///
    /// An append checks that; what comes to nothing, be it a refusal, is checked by nobody else.
    pub(super) async fn is_up_to_date(
        &mut self,
        log: &dyn Log,
        stream: &StreamName,
    ) -> Result<bool, LoadError> {
        if !log.is_shared() {
            return Ok(true);
        }
        let before = self.version;
        self.standing = Standing::Behind;
        self.catch_up(log, stream).await?;
        Ok(self.version == before)
    }

    fn take_in(&mut self, record: &Recorded<EncodedEvent>) -> Result<(), LoadError> {
        let Recorded { position, stream, version, recorded_at, metadata, event, .. } = record;
        let due = self.version.map_or(0, |last| last.0 + 1);
        record.follows(due)?;
        match decode(event).map_err(|error| undecoded(record, error))? {
            Decoded::Known(event) => {
                if let Some(problem) = D::misfit(&self.state, &event) {
                    return Err(LogFault::Unreadable(record.damaged(problem)).into());
                }
                self.evolve(&event);
            }
            Decoded::Skippable { .. } => {}
        }
        self.bytes = self.bytes.saturating_add(event.data.len());
        self.version = Some(*version);
        self.position = Some(*position);
        let last = Appended { position: *position, version: *version, recorded_at: *recorded_at };
        let id = EventId::derive(stream, &metadata.idempotency_key, 0);
        self.requests
            .entry(id)
            .and_modify(|request| request.last = last)
            .or_insert(Request { digest: metadata.request_digest, last });
        Ok(())
    }

    /// Applies an event to the state, and to nothing else.
    pub(super) fn evolve(&mut self, event: &D::Event) {
        // Taken out whole: should `evolve` panic, what stays is the empty fold, which reads anew.
        let before = mem::take(self);
        *self = Self { state: D::evolve(before.state, event), ..before };
    }

    /// How many bytes of memory it takes, about.
    pub(super) fn weight(&self) -> usize {
        let events = usize::try_from(self.version.map_or(0, |last| last.0 + 1));
        let events = events.unwrap_or(usize::MAX).saturating_mul(EVENT_BYTES);
        // Half as much again, as measured: texts are kept one by one.
        let data = self.bytes.saturating_add(self.bytes / 2);
        events.saturating_add(data).saturating_add(STREAM_BYTES)
    }
}

/// What is said of an event that does not decode.
fn undecoded(record: &Recorded<EncodedEvent>, error: DecodeError) -> LoadError {
    match error {
        DecodeError::Damaged { .. } => {
            LogFault::Unreadable(record.damaged(error.to_string())).into()
        }
        DecodeError::TooNew { .. } | DecodeError::Unknown { .. } => error.into(),
    }
}

/// The state as it was right after the event with this version.
pub(super) async fn state_at<D: Decider<Event: WireEvent>>(
    log: &dyn Log,
    stream: &StreamName,
    version: StreamVersion,
) -> Result<D::State, LoadError> {
    let mut fold = Fold::<D>::default();
    let mut records = log.read_stream(stream, None);
    while fold.version < Some(version) {
        let Some(record) = records.try_next().await? else { break };
        fold.take_in(&record)?;
    }
    Ok(fold.state)
}

/// How many bytes the data of these events have.
pub(super) fn data_bytes(events: &[NewEvent]) -> usize {
    events.iter().map(|event| event.event.data.len()).sum()
}

/// Encodes what one request decided, each event under the id that follows from the request.
pub(super) fn new_events<E: WireEvent>(
    stream: &StreamName,
    metadata: &Arc<Metadata>,
    events: &[E],
) -> impl Iterator<Item = NewEvent> {
    events.iter().enumerate().map(move |(index, event)| NewEvent {
        id: EventId::derive(stream, &metadata.idempotency_key, index),
        metadata: Arc::clone(metadata),
        event: encode(event),
    })
}
