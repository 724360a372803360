//! Persistent subscriptions.

use eventstore::{
    Client, DeletePersistentSubscriptionOptions, Error, NakAction, PersistentSubscription,
    PersistentSubscriptionEvent, PersistentSubscriptionOptions, PersistentSubscriptionToAllOptions,
    StreamPosition, SubscribeToPersistentSubscriptionOptions, SubscriptionFilter,
};

use crate::support::{begin, client, cluster, double, numbers};

async fn make(client: &Client) -> Result<(), Error> {
    let options = PersistentSubscriptionOptions::default()
        .start_from(StreamPosition::Start)
        .max_retry_count(1);
    client.create_persistent_subscription("lane-a", "hooks", &options).await
}

async fn join(client: &Client) -> Result<PersistentSubscription, Error> {
    let options = SubscribeToPersistentSubscriptionOptions::default().buffer_size(2);
    client.subscribe_to_persistent_subscription("lane-a", "hooks", &options).await
}

/// The next event, its number and how often it was sent before.
async fn next(
    consumer: &mut PersistentSubscription,
) -> Result<(u64, usize, eventstore::ResolvedEvent), Error> {
    loop {
        let event = consumer.next_subscription_event().await?;
        if let PersistentSubscriptionEvent::EventAppeared { retry_count, event } = event {
            return Ok((numbers([event.get_original_event()])[0], retry_count, event));
        }
    }
}

#[tokio::test]
async fn a_group_goes_on_where_its_consumers_left_off() {
    let double = double();
    let client = client(&double.uri());
    make(&client).await.unwrap();
    assert!(matches!(make(&client).await, Err(Error::ResourceAlreadyExists)));
    begin(&client, "lane-a", 0..4).await;
    let mut first = join(&client).await.unwrap();
    let (number, _, event) = next(&mut first).await.unwrap();
    first.ack(event).await.unwrap();
    assert_eq!(number, 0);
    // There is room for the third once the first was acknowledged.
    for expected in 1..3 {
        assert_eq!(next(&mut first).await.unwrap().0, expected);
    }
    drop(first);
    let mut second = join(&client).await.unwrap();
    let mut seen = Vec::new();
    for _ in 1..4 {
        let (number, retries, event) = next(&mut second).await.unwrap();
        seen.push((number, retries));
        second.ack(event).await.unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, [(1, 1), (2, 1), (3, 0)]);
}

#[tokio::test]
async fn what_cannot_be_handled_is_sent_again_and_then_parked() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    make(&client).await.unwrap();
    let mut consumer = join(&client).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let (number, retries, event) = next(&mut consumer).await.unwrap();
        seen.push((number, retries));
        match number {
            0 => consumer.nack(event, NakAction::Retry, "not yet").await.unwrap(),
            _ => consumer.ack(event).await.unwrap(),
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (2, 0)]);
}

#[tokio::test]
async fn a_group_on_all_takes_what_it_filters() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "other-a", 0..3).await;
    begin(&client, "lane-a", 3..5).await;
    let filter = SubscriptionFilter::on_stream_name().add_prefix("lane-");
    let options = PersistentSubscriptionToAllOptions::default()
        .start_from(StreamPosition::Start)
        .filter(filter);
    client.create_persistent_subscription_to_all("hooks", &options).await.unwrap();
    let options = SubscribeToPersistentSubscriptionOptions::default();
    let mut consumer =
        client.subscribe_to_persistent_subscription_to_all("hooks", &options).await.unwrap();
    for expected in 3..5 {
        let (number, _, event) = next(&mut consumer).await.unwrap();
        assert_eq!(number, expected);
        consumer.ack(event).await.unwrap();
    }
}

#[tokio::test]
async fn consumers_are_dropped_with_their_group_and_with_its_leader() {
    let double = cluster(3);
    let client = client(&double.node_uri(0));
    let dropped = |error: Error| {
        // The crate's word for the server's `persistent-subscription-dropped`.
        assert!(matches!(error, Error::IllegalStateError(_)), "{error:?}");
    };
    make(&client).await.unwrap();
    let mut consumer = join(&client).await.unwrap();
    double.lead(1);
    dropped(next(&mut consumer).await.unwrap_err());
    double.lead(0);
    let again = crate::support::client(&double.node_uri(0));
    let mut consumer = join(&again).await.unwrap();
    let options = DeletePersistentSubscriptionOptions::default();
    again.delete_persistent_subscription("lane-a", "hooks", &options).await.unwrap();
    dropped(next(&mut consumer).await.unwrap_err());
    assert!(matches!(join(&again).await, Err(Error::ResourceNotFound)));
}
