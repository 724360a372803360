//! An event that every reader may pass over, for tests.

use std::borrow::Cow;

use shiplog_domain::{
    metadata::{Actor, ActorKind, CorrelationId, EventId, Metadata, RequestDigest, Via},
    stream::StreamName,
    wire::EncodedEvent,
};

/// The `nth` event of a stream.
pub(crate) fn ignorable(stream: &StreamName, nth: u64) -> (EventId, Metadata, EncodedEvent) {
    let key = format!("key-{nth}");
    let metadata = Metadata {
        actor: Actor { kind: ActorKind::System, id: "test".into(), name: None, via: Via::Claimed },
        request_digest: RequestDigest::of(&[key.as_bytes()]),
        correlation_id: CorrelationId(key.clone()),
        idempotency_key: key.parse().unwrap(),
        causation_id: None,
        source: None,
    };
    let event = EncodedEvent {
        event_type: Cow::Borrowed("Admired"),
        schema: 1,
        readable_from: 1,
        ignorable: true,
        data: b"{}".to_vec(),
    };
    let id = EventId::derive(stream, &metadata.idempotency_key, 0);
    (id, metadata, event)
}
