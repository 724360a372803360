use eventstore::NodePreference;
use shiplog_domain::{
    metadata::{Actor, ActorKind, CorrelationId, EventId, Metadata, RequestDigest, Via},
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_double::{Double, Options};

use super::{super::supervisor::Availability, *};
use crate::{clock::SystemClock, outage::Outage, position::StreamVersion};

fn event(stream: &str) -> NewEvent {
    let stream = StreamName::recorded(stream.to_owned());
    let metadata = Metadata {
        actor: Actor { kind: ActorKind::Person, id: "mara".into(), name: None, via: Via::Claimed },
        idempotency_key: "key".parse().unwrap(),
        request_digest: RequestDigest::of(&[b"request"]),
        correlation_id: CorrelationId("correlation".into()),
        causation_id: None,
        source: None,
    };
    NewEvent {
        id: EventId::derive(&stream, &metadata.idempotency_key, 0),
        metadata: Arc::new(metadata),
        event: EncodedEvent {
            event_type: "SomethingHappened".into(),
            schema: 1,
            readable_from: 1,
            ignorable: true,
            data: b"{}".to_vec(),
        },
    }
}

/// What becomes of an append beside one that conflicts, which counts as contended or not.
async fn beside_a_conflict(contended: bool) -> Sent {
    let double = Double::start(Options::default()).unwrap();
    let address = double.uri().parse().unwrap();
    let part = Outage::new("it cannot be used", "it can be used again").part();
    let availability = Availability { part, needs_answers: true };
    let supervisor = Arc::new(Supervisor::start(address, NodePreference::Leader, availability));
    let batches = Batches::new(supervisor, Duration::from_mins(1), Arc::new(SystemClock));
    // Both are on their way before either is answered.
    double.faults().delay(Duration::from_millis(100));
    let send = async |stream, contended, expected| {
        let events = &[event(stream)];
        let (floor, recorded_at) = (None, None);
        batches.send(Outgoing { stream, contended, expected, events, floor, recorded_at }).await
    };
    let late = ExpectedVersion::Exact(StreamVersion(7));
    let (conflict, other) = tokio::join!(
        send("lane-contended@production", contended, late),
        send("lane-calm@production", false, ExpectedVersion::NoStream),
    );
    assert!(matches!(conflict, Sent::Doubtful(..)));
    other
}

#[tokio::test]
async fn a_conflict_puts_in_doubt_what_goes_over_the_same_call() {
    assert!(matches!(beside_a_conflict(false).await, Sent::Doubtful(..)));
}

#[tokio::test]
async fn a_conflict_on_a_contended_stream_puts_nothing_else_in_doubt() {
    assert!(matches!(beside_a_conflict(true).await, Sent::Acknowledged(_)));
}
