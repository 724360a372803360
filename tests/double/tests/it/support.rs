//! What the tests have in common.

use eventstore::{
    AppendToStreamOptions, Client, Error, EventData, ExpectedRevision, Position, ReadAllOptions,
    ReadStream, ReadStreamOptions, RecordedEvent, ResolvedEvent, StreamPosition, WriteResult,
};
use serde_json::json;
use shiplog_double::{Double, Options};
use uuid::Uuid;

/// One node, as it comes out of the box.
pub(crate) fn double() -> Double {
    Double::start(Options::default()).unwrap()
}

pub(crate) fn cluster(nodes: usize) -> Double {
    Double::start(Options { nodes, ..Options::default() }).unwrap()
}

/// A client. The crate waits that long even before its first attempt to connect.
pub(crate) fn client(uri: &str) -> Client {
    Client::new(format!("{uri}&discoveryInterval=1").parse().unwrap()).unwrap()
}

/// The `number`th event of a test: the same number is the same event.
pub(crate) fn event(number: u128) -> EventData {
    let data = json!({ "number": u64::try_from(number).unwrap() });
    let metadata = json!({ "$correlationId": Uuid::from_u128(7) });
    EventData::json("DeploymentRequested", &data)
        .unwrap()
        .metadata_as_json(&metadata)
        .unwrap()
        .id(Uuid::from_u128(0x4000_0000_8000_0000_0000_0000 + number))
}

pub(crate) fn events(numbers: std::ops::Range<u128>) -> Vec<EventData> {
    numbers.map(event).collect()
}

pub(crate) async fn append(
    client: &Client,
    stream: &str,
    expected: ExpectedRevision,
    events: Vec<EventData>,
) -> Result<WriteResult, Error> {
    let options = AppendToStreamOptions::default().expected_revision(expected);
    client.append_to_stream(stream, &options, events).await
}

/// Appends to a stream that is new.
pub(crate) async fn begin(
    client: &Client,
    stream: &str,
    numbers: std::ops::Range<u128>,
) -> WriteResult {
    append(client, stream, ExpectedRevision::NoStream, events(numbers)).await.unwrap()
}

pub(crate) async fn read(client: &Client, stream: &str) -> Result<Vec<RecordedEvent>, Error> {
    let options = ReadStreamOptions::default().max_count(usize::MAX);
    let read = all(client.read_stream(stream, &options).await?).await?;
    Ok(read.into_iter().filter_map(|event| event.link.or(event.event)).collect())
}

/// All that a read gives.
pub(crate) async fn all(mut read: ReadStream) -> Result<Vec<ResolvedEvent>, Error> {
    let mut events = Vec::new();
    while let Some(event) = read.next().await? {
        events.push(event);
    }
    Ok(events)
}

/// `$all`, from a place on.
pub(crate) async fn read_all(
    client: &Client,
    from: StreamPosition<Position>,
) -> Result<Vec<ResolvedEvent>, Error> {
    let options = ReadAllOptions::default().position(from).max_count(usize::MAX);
    all(client.read_all(&options).await?).await
}

/// The numbers of events.
pub(crate) fn numbers<'e>(events: impl IntoIterator<Item = &'e RecordedEvent>) -> Vec<u64> {
    let number = |event: &RecordedEvent| {
        event.as_json::<serde_json::Value>().unwrap()["number"].as_u64().unwrap()
    };
    events.into_iter().map(number).collect()
}
