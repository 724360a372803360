//! Streams and `$all`: revisions, positions, links, what else is in it.

use std::time::{SystemTime, UNIX_EPOCH};

use eventstore::{
    Error, Position, ReadAllOptions, ReadEvent, ReadStreamOptions, ResolvedEvent, StreamPosition,
};
use shiplog_double::{Double, Options};
use tonic::Code;

use crate::support::{all, begin, client, double, numbers, read, read_all};

#[tokio::test]
async fn an_event_is_read_as_it_was_written() {
    let double = double();
    let client = client(&double.uri());
    let appended = begin(&client, "lane-checkout@production", 0..1).await;
    let [event] = read(&client, "lane-checkout@production").await.unwrap().try_into().unwrap();
    assert_eq!(event.event_type, "DeploymentRequested");
    assert_eq!(event.data, r#"{"number":0}"#);
    let metadata = r#"{"$correlationId":"00000000-0000-0000-0000-000000000007"}"#;
    assert_eq!(event.custom_metadata, metadata);
    assert!(event.is_json);
    assert_eq!(event.position, appended.position);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it is compared with the server's clock")]
async fn the_time_is_told_in_ticks_of_100_ns() {
    let double = double();
    let client = client(&double.uri());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() / 100;
    let before = now();
    begin(&client, "lane-a", 0..1).await;
    let [event] = read(&client, "lane-a").await.unwrap().try_into().unwrap();
    let ticks: u128 = event.metadata["created"].parse().unwrap();
    assert!((before..=now()).contains(&ticks), "{ticks}");
    // What the crate makes of it is cut to seconds.
    let seconds = u128::try_from(event.created.timestamp()).unwrap();
    assert_eq!(seconds, ticks / 10_000_000);
    assert_eq!(event.created.timestamp_subsec_nanos(), 0);
}

#[tokio::test]
async fn a_stream_is_read_from_any_revision_either_way() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..600).await;
    let from = |position| ReadStreamOptions::default().position(position);
    for (options, expected) in [
        (from(StreamPosition::Position(597)).max_count(9), vec![597, 598, 599]),
        (from(StreamPosition::Position(597)).max_count(2), vec![597, 598]),
        (from(StreamPosition::End).backwards().max_count(2), vec![599, 598]),
        (from(StreamPosition::Position(1)).backwards().max_count(9), vec![1, 0]),
        (from(StreamPosition::Position(600)).max_count(9), vec![]),
        (from(StreamPosition::Start).max_count(1), vec![0]),
    ] {
        let read = all(client.read_stream("lane-a", &options).await.unwrap()).await.unwrap();
        assert_eq!(numbers(read.iter().map(ResolvedEvent::get_original_event)), expected);
    }
    let whole = read(&client, "lane-a").await.unwrap();
    assert_eq!(numbers(&whole), (0..600).collect::<Vec<_>>());
    assert!(matches!(read(&client, "lane-b").await, Err(Error::ResourceNotFound)));
}

#[tokio::test]
async fn the_end_of_a_stream_is_told_with_its_last_revision() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    let options = ReadStreamOptions::default().position(StreamPosition::Position(7));
    let mut read = client.read_stream("lane-a", &options).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = read.next_read_event().await.unwrap() {
        told.push(match event {
            ReadEvent::FirstStreamPosition(revision) => ("first", revision),
            ReadEvent::LastStreamPosition(revision) => ("last", revision),
            ReadEvent::Event(_) | ReadEvent::LastAllStreamPosition(_) => panic!(),
        });
    }
    assert_eq!(told, [("first", 3), ("last", 2)]);
}

#[tokio::test]
async fn all_is_in_order_with_gaps_between_the_positions() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..5).await;
    begin(&client, "lane-b", 5..9).await;
    let everything = read_all(&client, StreamPosition::Start).await.unwrap();
    let everything: Vec<_> = everything.iter().map(ResolvedEvent::get_original_event).collect();
    let positions: Vec<_> = everything.iter().map(|event| event.position.commit).collect();
    assert!(positions.windows(2).all(|pair| pair[0] + 100 < pair[1]), "{positions:?}");
    assert!(everything.iter().all(|event| event.position.commit == event.position.prepare));
    let ours = everything.iter().filter(|event| event.stream_id.starts_with("lane-"));
    assert_eq!(numbers(ours.copied()), (0..9).collect::<Vec<_>>());
    // The system's own, and links; but not what the server hides from everybody.
    assert_eq!(everything[0].stream_id, "$$$scavenges");
    assert!(everything.iter().any(|event| event.event_type == "$>"));
    assert!(everything.iter().all(|event| event.stream_id != "$epoch-information"));
}

#[tokio::test]
async fn all_is_read_from_a_place_on_and_back_from_it() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    let events = read(&client, "lane-a").await.unwrap();
    let place = events[1].position;
    // Forwards with the event at the place, backwards without it.
    let forwards = read_all(&client, StreamPosition::Position(place)).await.unwrap();
    assert_eq!(forwards[0].get_original_event().id, events[1].id);
    let backwards = ReadAllOptions::default().backwards().max_count(usize::MAX);
    let backwards = backwards.position(StreamPosition::Position(place));
    let backwards = all(client.read_all(&backwards).await.unwrap()).await.unwrap();
    let mut before = backwards.iter().map(ResolvedEvent::get_original_event);
    assert!(before.all(|event| event.position < place));
    assert_eq!(backwards.len() + forwards.len(), double.records() - 1);
}

#[tokio::test]
async fn there_is_no_place_between_the_places() {
    let double = double();
    let client = client(&double.uri());
    let appended = begin(&client, "lane-a", 0..3).await;
    let first = read(&client, "lane-a").await.unwrap().swap_remove(0);
    let next = first.position.commit + 1;
    let place = Position { commit: next, prepare: next };
    let error = read_all(&client, StreamPosition::Position(place)).await.unwrap_err();
    let Error::Grpc { code: Code::InvalidArgument, message } = error else { panic!("{error}") };
    assert_eq!(message, "Trying to read from an invalid position.");
    // Past the end there is nothing, which is no error.
    let far = appended.position.commit + (1 << 40);
    let far = Position { commit: far, prepare: far };
    assert!(read_all(&client, StreamPosition::Position(far)).await.unwrap().is_empty());
}

#[tokio::test]
async fn links_are_resolved_where_that_is_wanted() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..2).await;
    begin(&client, "lane-b", 2..3).await;
    for index in ["$ce-lane", "$et-DeploymentRequested"] {
        let links = read(&client, index).await.unwrap();
        let targets: Vec<_> = links.iter().map(|link| link.data.clone()).collect();
        assert_eq!(targets, ["0@lane-a", "1@lane-a", "0@lane-b"]);
        let options = ReadStreamOptions::default().resolve_link_tos();
        let resolved = all(client.read_stream(index, &options).await.unwrap()).await.unwrap();
        assert!(resolved.iter().all(ResolvedEvent::is_resolved));
        assert_eq!(numbers(resolved.iter().filter_map(|it| it.event.as_ref())), [0, 1, 2]);
        assert_eq!(resolved[2].get_original_event().revision, 2);
    }
}

#[tokio::test]
async fn a_server_without_projections_has_no_links() {
    let double = Double::start(Options { projections: false, ..Options::default() }).unwrap();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..2).await;
    assert!(matches!(read(&client, "$ce-lane").await, Err(Error::ResourceNotFound)));
}

#[tokio::test]
async fn a_foreigner_writes_what_is_not_json() {
    let double = double();
    let client = client(&double.uri());
    double.faults().foreign_every(2);
    begin(&client, "lane-a", 0..1).await;
    begin(&client, "lane-b", 1..2).await;
    let read = read_all(&client, StreamPosition::Start).await.unwrap();
    let mut foreign = read.iter().filter_map(|it| it.event.as_ref());
    let foreign = foreign.find(|event| event.stream_id.starts_with("parcel-")).unwrap();
    assert!(!foreign.is_json && std::str::from_utf8(&foreign.data).is_err());
}
