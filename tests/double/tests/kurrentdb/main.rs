//! The double, as the crate `kurrentdb` sees it.

#![expect(clippy::unwrap_used, reason = "a panic in a helper is how a test fails")]

use kurrentdb::{
    AppendToStreamOptions, Client, Error, EventData, ReadAllOptions, ReadStream, ReadStreamOptions,
    StreamPosition, StreamState, SubscribeToAllOptions, SubscriptionEvent, SubscriptionFilter,
    WriteResult,
};
use serde_json::json;
use shiplog_double::{Double, Options};
use uuid::Uuid;

fn client(double: &Double) -> Client {
    Client::new(double.uri().replace("esdb:", "kurrentdb:").parse().unwrap()).unwrap()
}

fn events(numbers: std::ops::Range<u128>) -> Vec<EventData> {
    let event = |number| {
        let event = EventData::json("DeploymentRequested", &json!({})).unwrap();
        event.id(Uuid::from_u128(0x4000_0000_8000_0000_0000_0000 + number))
    };
    numbers.map(event).collect()
}

async fn append(
    client: &Client,
    state: StreamState,
    events: Vec<EventData>,
) -> Result<WriteResult, Error> {
    let options = AppendToStreamOptions::default().stream_state(state);
    client.append_to_stream("lane-a", &options, events).await
}

async fn revisions(mut read: ReadStream) -> Vec<u64> {
    let mut revisions = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        revisions.push(event.get_original_event().revision);
    }
    revisions
}

#[tokio::test]
async fn appends_are_checked_and_recorded_once() {
    let double = Double::start(Options::default()).unwrap();
    let client = client(&double);
    let first = append(&client, StreamState::NoStream, events(0..3)).await.unwrap();
    let again = append(&client, StreamState::NoStream, events(0..3)).await.unwrap();
    assert_eq!(again.position, first.position);
    let wrong = append(&client, StreamState::StreamRevision(1), events(7..8)).await;
    assert!(matches!(wrong, Err(Error::WrongExpectedVersion { .. })));
    append(&client, StreamState::StreamRevision(2), events(3..4)).await.unwrap();
    assert_eq!(double.events("lane-a"), 4);
}

#[tokio::test]
async fn streams_and_all_are_read_both_ways() {
    let double = Double::start(Options::default()).unwrap();
    let client = client(&double);
    append(&client, StreamState::NoStream, events(0..3)).await.unwrap();
    double.write_foreign(3);
    let options = ReadStreamOptions::default();
    let read = client.read_stream("lane-a", &options).await.unwrap();
    assert_eq!(revisions(read).await, [0, 1, 2]);
    let options = options.position(StreamPosition::End).backwards().max_count(2);
    let read = client.read_stream("lane-a", &options).await.unwrap();
    assert_eq!(revisions(read).await, [2, 1]);
    let filter = || SubscriptionFilter::on_stream_name().add_prefix("lane-");
    let options = ReadAllOptions::default().max_count(9).filter(filter());
    assert_eq!(revisions(client.read_all(&options).await.unwrap()).await, [0, 1, 2]);
    let options = options.position(StreamPosition::End).backwards();
    assert_eq!(revisions(client.read_all(&options).await.unwrap()).await, [2, 1, 0]);
}

#[tokio::test]
async fn a_subscription_is_resumed_after_a_restart() {
    let double = Double::start(Options::default()).unwrap();
    let before = client(&double);
    append(&before, StreamState::NoStream, events(0..3)).await.unwrap();
    let options = |after| {
        let filter = SubscriptionFilter::on_stream_name().add_prefix("lane-");
        SubscribeToAllOptions::default().position(after).filter(filter)
    };
    let mut subscription = before.subscribe_to_all(&options(StreamPosition::Start)).await;
    let mut last = None;
    loop {
        match subscription.next_subscription_event().await.unwrap() {
            SubscriptionEvent::EventAppeared(event) => {
                last = Some(event.get_original_event().position);
            }
            SubscriptionEvent::CaughtUp(..) => break,
            SubscriptionEvent::Confirmed(_)
            | SubscriptionEvent::Checkpoint(_)
            | SubscriptionEvent::FirstStreamPosition(_)
            | SubscriptionEvent::LastStreamPosition(_)
            | SubscriptionEvent::LastAllPosition(_)
            | SubscriptionEvent::FellBehind(_) => {}
        }
    }
    double.stop(0);
    subscription.next().await.unwrap_err();
    double.restart(0).unwrap();
    let after = client(&double);
    append(&after, StreamState::StreamRevision(2), events(3..4)).await.unwrap();
    let place = StreamPosition::Position(last.unwrap());
    let mut subscription = after.subscribe_to_all(&options(place)).await;
    assert_eq!(subscription.next().await.unwrap().get_original_event().revision, 3);
}
