//! Events by hand, and a clock that cannot be relied on.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use shiplog_domain::{
    metadata::{Actor, ActorKind, CorrelationId, EventId, Metadata, RequestDigest, Source, Via},
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::{
    clock::Clock,
    log::{Log, NewEvent, RecordStream, Recorded},
};

/// Goes forward by a second, then back by half a minute, with nanoseconds that no log keeps.
#[derive(Default)]
pub(crate) struct Unsteady(AtomicI64);

impl Clock for Unsteady {
    fn now(&self) -> Timestamp {
        let reading = self.0.fetch_add(1, Relaxed);
        let second = if reading % 3 == 2 { reading - 30 } else { reading };
        Timestamp::new(1_700_000_000 + second, 123_456_789).unwrap()
    }
}

pub(crate) fn unsteady() -> Arc<dyn Clock> {
    Arc::new(Unsteady::default())
}

/// A stream that no other test has.
pub(crate) fn fresh_stream() -> StreamName {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Relaxed);
    StreamName::recorded(format!("test-{}-{next}", std::process::id()))
}

pub(crate) fn metadata(key: &str) -> Metadata {
    Metadata {
        actor: Actor {
            kind: ActorKind::Person,
            id: "mara".into(),
            name: Some("Mära \u{1f6a2}".into()),
            via: Via::Claimed,
        },
        idempotency_key: key.parse().unwrap(),
        request_digest: RequestDigest::of(&[key.as_bytes()]),
        correlation_id: CorrelationId(format!("correlation of {key}")),
        causation_id: None,
        source: Some(Source { system: "test".into(), reference: None }),
    }
}

/// As [`metadata`], for another request under the same key.
pub(crate) fn metadata_of(key: &str, request: &str) -> Metadata {
    Metadata { request_digest: RequestDigest::of(&[request.as_bytes()]), ..metadata(key) }
}

/// An event of a type that the domain has not heard of.
pub(crate) fn event(stream: &StreamName, key: &str) -> NewEvent {
    event_with(stream, key, format!("{{\"what\" :  \"{key}\"}}").into_bytes())
}

pub(crate) fn event_with(stream: &StreamName, key: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: EventId::derive(stream, &key.parse().unwrap(), 0),
        metadata: Arc::new(metadata(key)),
        event: EncodedEvent {
            event_type: "SomethingHappened".into(),
            schema: 7,
            readable_from: 3,
            ignorable: true,
            data,
        },
    }
}

/// So many events, keyed by their number.
pub(crate) fn events(
    stream: &StreamName,
    numbers: impl IntoIterator<Item = usize>,
) -> Vec<NewEvent> {
    numbers.into_iter().map(|number| event(stream, &number.to_string())).collect()
}

pub(crate) async fn everything(records: RecordStream<'_>) -> Vec<Recorded<EncodedEvent>> {
    records.try_collect().await.unwrap()
}

pub(crate) async fn ids(log: &impl Log, stream: &StreamName) -> Vec<EventId> {
    everything(log.read_stream(stream, None)).await.into_iter().map(|record| record.id).collect()
}
