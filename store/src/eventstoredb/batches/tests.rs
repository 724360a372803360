use eventstore::NodePreference;
use shiplog_domain::{
    metadata::{Actor, ActorKind, CorrelationId, EventId, Metadata, RequestDigest, Via},
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_double::{Double, Options};

use super::{super::supervisor::Availability, *};
use crate::{
    clock::{Clock, SystemClock},
    outage::Outage,
    position::StreamVersion,
};

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

/// A server, and what sends to it within so long.
fn sending(limit: Duration, clock: Arc<dyn Clock>) -> (Double, Batches) {
    let double = Double::start(Options::default()).unwrap();
    let address = double.uri().parse().unwrap();
    let part = Outage::new("it cannot be used", "it can be used again").part();
    let availability = Availability { part, needs_answers: true };
    let supervisor = Arc::new(Supervisor::start(address, NodePreference::Leader, availability));
    (double, Batches::new(supervisor, limit, clock))
}

async fn send(batches: &Batches, stream: &str, expected: ExpectedVersion) -> Sent {
    let events = &[event(stream)];
    let (floor, recorded_at) = (None, None);
    batches.send(Outgoing { stream, expected, events, floor, recorded_at }).await
}

#[tokio::test]
async fn a_conflict_is_an_answer_to_the_append_that_it_is_of() {
    let (double, batches) = sending(Duration::from_mins(1), Arc::new(SystemClock));
    // Both are on their way before either is answered.
    double.faults().delay(Duration::from_millis(100));
    let late = ExpectedVersion::Exact(StreamVersion(7));

    let (conflict, other) = tokio::join!(
        send(&batches, "lane-contended@production", late),
        send(&batches, "lane-calm@production", ExpectedVersion::NoStream),
    );

    assert!(matches!(conflict, Sent::Moved));
    assert!(matches!(other, Sent::Acknowledged(_)));
}

#[tokio::test]
async fn an_append_that_gets_no_answer_puts_no_other_one_in_doubt() {
    let (double, batches) = sending(Duration::from_millis(300), Arc::new(SystemClock));
    let first = send(&batches, "lane-first@production", ExpectedVersion::NoStream).await;
    assert!(matches!(first, Sent::Acknowledged(_)));
    let connections = double.connections();
    double.faults().withhold_answers(1);

    let lost = send(&batches, "lane-lost@production", ExpectedVersion::NoStream).await;
    let next = send(&batches, "lane-next@production", ExpectedVersion::NoStream).await;

    assert!(matches!(lost, Sent::Doubtful(_, Failure::Late(_))));
    assert!(matches!(next, Sent::Acknowledged(_)));
    assert_eq!(double.events("lane-lost@production"), 1);
    assert_eq!(double.connections(), connections);
}

#[tokio::test]
async fn a_connection_over_which_nothing_is_answered_is_given_up() {
    let (double, batches) = sending(Duration::from_millis(300), Arc::new(SystemClock));
    let first = send(&batches, "lane-first@production", ExpectedVersion::NoStream).await;
    assert!(matches!(first, Sent::Acknowledged(_)));
    let before = batches.supervisor.line().await.unwrap();
    double.faults().delay(Duration::from_hours(1));

    let lost = send(&batches, "lane-lost@production", ExpectedVersion::NoStream).await;

    assert!(matches!(lost, Sent::Doubtful(_, Failure::Late(_))));
    assert!(!batches.supervisor.is_current(&before));
}
