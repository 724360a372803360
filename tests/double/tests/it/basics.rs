//! Appending, reading and subscribing.

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, ReadStreamOptions};
use shiplog_double::{Double, Options};

#[tokio::test]
async fn what_was_appended_is_read() {
    let double = Double::start(Options::default()).unwrap();
    let client = Client::new(double.uri().parse().unwrap()).unwrap();
    let event = EventData::json("Tested", &serde_json::json!({"a": 1})).unwrap();
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::NoStream);
    let appended = client.append_to_stream("a-1", &options, event).await.unwrap();
    assert_eq!(appended.next_expected_version, 0);
    let mut read = client.read_stream("a-1", &ReadStreamOptions::default()).await.unwrap();
    let event = read.next().await.unwrap().unwrap();
    assert_eq!(event.get_original_event().event_type, "Tested");
    assert_eq!(event.get_original_event().position, appended.position);
    assert!(read.next().await.unwrap().is_none());
}
