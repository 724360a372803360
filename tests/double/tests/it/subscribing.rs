//! Subscriptions: confirmed, catching up, live; checkpoints; resumed after a place.

use eventstore::{
    Client, ExpectedRevision, Position, StreamPosition, SubscribeToAllOptions,
    SubscribeToStreamOptions, Subscription, SubscriptionEvent, SubscriptionFilter,
};
use shiplog_double::{Double, Options};

use crate::support::{append, begin, client, double, event, numbers, read, read_all};

/// What a subscription said, in short.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Confirmed,
    Event(u64),
    Checkpoint(Position),
    CaughtUp,
    FellBehind,
}

async fn next(subscription: &mut Subscription) -> Said {
    match subscription.next_subscription_event().await.unwrap() {
        SubscriptionEvent::Confirmed(_) => Said::Confirmed,
        SubscriptionEvent::EventAppeared(event) => {
            Said::Event(numbers([event.get_original_event()])[0])
        }
        SubscriptionEvent::Checkpoint(place) => Said::Checkpoint(place),
        SubscriptionEvent::CaughtUp => Said::CaughtUp,
        SubscriptionEvent::FellBehind => Said::FellBehind,
        other @ (SubscriptionEvent::FirstStreamPosition(_)
        | SubscriptionEvent::LastStreamPosition(_)
        | SubscriptionEvent::LastAllPosition(_)) => panic!("{other:?}"),
    }
}

/// All that it says until it is live.
async fn until_live(subscription: &mut Subscription) -> Vec<Said> {
    let mut said = Vec::new();
    while said.last() != Some(&Said::CaughtUp) {
        said.push(next(subscription).await);
    }
    said
}

/// Follows lanes alone, from after a place.
async fn lanes(client: &Client, after: StreamPosition<Position>) -> Subscription {
    let filter = SubscriptionFilter::on_stream_name().add_prefix("lane-");
    client.subscribe_to_all(&SubscribeToAllOptions::default().position(after).filter(filter)).await
}

fn told(said: &[Said]) -> Vec<u64> {
    let number = |said: &Said| if let Said::Event(number) = said { Some(*number) } else { None };
    said.iter().filter_map(number).collect()
}

fn checkpoints(said: &[Said]) -> Vec<Position> {
    let place = |said: &Said| if let Said::Checkpoint(place) = said { Some(*place) } else { None };
    said.iter().filter_map(place).collect()
}

#[tokio::test]
async fn a_subscription_catches_up_and_then_is_live() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..100).await;
    double.write_foreign(5);
    let mut subscription = lanes(&client, StreamPosition::Start).await;
    let said = until_live(&mut subscription).await;
    assert_eq!(said[0], Said::Confirmed);
    assert_eq!(told(&said), (0..100).collect::<Vec<_>>());
    for number in 100..103 {
        append(&client, "lane-a", ExpectedRevision::Any, vec![event(number)]).await.unwrap();
        let said = next(&mut subscription).await;
        assert_eq!(said, Said::Event(number.try_into().unwrap()));
    }
}

#[tokio::test]
async fn a_subscription_goes_on_after_a_place() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..10).await;
    let events = read(&client, "lane-a").await.unwrap();
    let mut subscription = lanes(&client, StreamPosition::Position(events[6].position)).await;
    assert_eq!(told(&until_live(&mut subscription).await), [7, 8, 9]);
    let mut subscription = lanes(&client, StreamPosition::End).await;
    assert_eq!(until_live(&mut subscription).await, [Said::Confirmed, Said::CaughtUp]);
}

#[tokio::test]
async fn a_checkpoint_in_catching_up_is_a_place_to_go_on_after() {
    let double = double();
    let client = client(&double.uri());
    // No lane in the middle, for longer than a page is.
    begin(&client, "lane-a", 0..1).await;
    begin(&client, "other-a", 0..40).await;
    begin(&client, "lane-b", 1..2).await;
    let mut subscription = lanes(&client, StreamPosition::Start).await;
    let said = until_live(&mut subscription).await;
    let checkpoints = checkpoints(&said);
    assert!(checkpoints.len() > 1, "{said:?}");
    let everything = read_all(&client, StreamPosition::Start).await.unwrap();
    let lanes_after = |place: Position| {
        let events = everything.iter().filter_map(|it| it.event.as_ref());
        let lanes = events.filter(|event| event.stream_id.starts_with("lane-"));
        numbers(lanes.filter(|event| event.position > place))
    };
    // It need not be where an event is: its two halves differ.
    assert!(checkpoints.iter().any(|place| place.prepare == 0 && place.commit > 0), "{said:?}");
    for place in checkpoints {
        let mut subscription = lanes(&client, StreamPosition::Position(place)).await;
        assert_eq!(told(&until_live(&mut subscription).await), lanes_after(place), "{place:?}");
    }
}

#[tokio::test]
async fn a_live_subscription_is_told_how_far_it_is_when_nothing_is_for_it() {
    let double = double();
    let client = client(&double.uri());
    let mut subscription = lanes(&client, StreamPosition::End).await;
    until_live(&mut subscription).await;
    begin(&client, "other-a", 0..40).await;
    let Said::Checkpoint(place) = next(&mut subscription).await else { panic!() };
    let everything = read_all(&client, StreamPosition::Position(place)).await.unwrap();
    assert_eq!(everything[0].get_original_event().position, place);
}

#[tokio::test]
async fn an_unfiltered_subscription_has_no_checkpoints() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..100).await;
    let options = SubscribeToAllOptions::default().position(StreamPosition::Start);
    let mut subscription = client.subscribe_to_all(&options).await;
    let mut said = Vec::new();
    while !matches!(said.last(), Some(SubscriptionEvent::CaughtUp)) {
        said.push(subscription.next_subscription_event().await.unwrap());
    }
    let checkpoint = |said: &SubscriptionEvent| matches!(said, SubscriptionEvent::Checkpoint(_));
    assert!(!said.iter().any(checkpoint));
    // All records but a hidden one, and the confirmation, and that it is live.
    assert_eq!(said.len(), double.records() - 1 + 2);
}

#[tokio::test]
async fn a_regex_for_system_events_is_understood() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    for regex in [r"^[^\$].*", r"^(?!(\$.*|Other)$).*"] {
        let filter = SubscriptionFilter::on_event_type().regex(regex);
        let options = SubscribeToAllOptions::default().position(StreamPosition::Start);
        let mut subscription = client.subscribe_to_all(&options.filter(filter)).await;
        assert_eq!(told(&until_live(&mut subscription).await), [0, 1, 2]);
    }
}

#[tokio::test]
async fn a_stream_can_be_followed_before_there_is_one() {
    let double = double();
    let client = client(&double.uri());
    let from = |start| SubscribeToStreamOptions::default().start_from(start);
    let mut early = client.subscribe_to_stream("lane-a", &from(StreamPosition::Start)).await;
    assert_eq!(until_live(&mut early).await, [Said::Confirmed, Said::CaughtUp]);
    begin(&client, "lane-a", 0..3).await;
    for number in 0..3 {
        assert_eq!(next(&mut early).await, Said::Event(number));
    }
    let mut late = client.subscribe_to_stream("lane-a", &from(StreamPosition::Position(1))).await;
    assert_eq!(told(&until_live(&mut late).await), [2]);
}

#[tokio::test]
async fn who_falls_behind_catches_up_again() {
    for (version, tells) in [("24.10.6", false), ("25.1.0", true)] {
        let options = Options { version: version.to_owned(), ..Options::default() };
        let double = Double::start(options).unwrap();
        let client = client(&double.uri());
        let mut subscription = lanes(&client, StreamPosition::End).await;
        until_live(&mut subscription).await;
        // While it is given nothing, more is written than it may be behind.
        double.faults().stall(true);
        begin(&client, "lane-a", 0..100).await;
        double.faults().stall(false);
        let said = until_live(&mut subscription).await;
        assert_eq!(told(&said), (0..100).collect::<Vec<_>>());
        assert_eq!(said.contains(&Said::FellBehind), tells);
    }
}

#[tokio::test]
async fn an_old_server_does_not_say_that_a_subscription_is_live() {
    let options = Options { version: "22.10.5".to_owned(), ..Options::default() };
    let double = Double::start(options).unwrap();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    let mut subscription = lanes(&client, StreamPosition::Start).await;
    let mut said = Vec::new();
    while !matches!(said.last(), Some(Said::Checkpoint(_))) {
        said.push(next(&mut subscription).await);
    }
    append(&client, "lane-a", ExpectedRevision::Any, vec![event(3)]).await.unwrap();
    assert_eq!(next(&mut subscription).await, Said::Event(3));
}
