//! Expected revisions, and appends that were made before.

use std::time::Duration;

use eventstore::{
    AppendToStreamOptions, BatchAppendOptions, CurrentRevision, DeleteStreamOptions, Error,
    EventData, ExpectedRevision, TombstoneStreamOptions,
};
use shiplog_double::Double;
use tonic::Code;

use crate::support::{append, begin, client, double, event, events, numbers, read};

#[tokio::test]
async fn an_append_after_another_revision_is_refused_and_writes_nothing() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    for (expected, current) in [
        (ExpectedRevision::NoStream, CurrentRevision::Current(2)),
        (ExpectedRevision::Exact(1), CurrentRevision::Current(2)),
        (ExpectedRevision::Exact(3), CurrentRevision::Current(2)),
    ] {
        let error = append(&client, "lane-a", expected, events(9..10)).await.unwrap_err();
        let Error::WrongExpectedVersion { expected: told, current: actual } = error else {
            panic!("{error}")
        };
        assert_eq!((told, actual), (expected, current));
    }
    let missing = append(&client, "lane-b", ExpectedRevision::StreamExists, events(9..10)).await;
    let expected = ExpectedRevision::StreamExists;
    let current = CurrentRevision::NoStream;
    assert!(matches!(missing, Err(Error::WrongExpectedVersion { expected: e, current: c })
        if e == expected && c == current));
    assert_eq!(numbers(&read(&client, "lane-a").await.unwrap()), [0, 1, 2]);
}

#[tokio::test]
async fn a_repeated_append_is_answered_with_the_original_place() {
    let double = double();
    let client = client(&double.uri());
    let first = begin(&client, "lane-a", 0..3).await;
    let second = append(&client, "lane-a", ExpectedRevision::Exact(2), events(3..4)).await.unwrap();
    let records = double.records();
    for (expected, numbers, original) in [
        (ExpectedRevision::NoStream, 0..3, &first),
        (ExpectedRevision::Exact(2), 3..4, &second),
        (ExpectedRevision::Exact(1), 2..4, &second),
        (ExpectedRevision::Any, 0..3, &first),
    ] {
        let again = append(&client, "lane-a", expected, events(numbers)).await.unwrap();
        assert_eq!(again.position, original.position, "{expected:?}");
    }
    assert_eq!(double.records(), records);
}

#[tokio::test]
async fn an_append_that_was_made_in_part_is_refused() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    for (expected, numbers) in [
        // The third is another one; one more than there was; a part from elsewhere.
        (ExpectedRevision::NoStream, vec![0, 1, 9]),
        (ExpectedRevision::NoStream, vec![0, 1, 2, 3]),
        (ExpectedRevision::Any, vec![0, 9]),
    ] {
        let events = numbers.into_iter().map(event).collect();
        let error = append(&client, "lane-a", expected, events).await.unwrap_err();
        assert!(matches!(error, Error::WrongExpectedVersion { .. }), "{error}");
    }
    assert_eq!(double.events("lane-a"), 3);
}

#[tokio::test]
async fn the_same_id_may_be_in_two_streams() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..1).await;
    begin(&client, "lane-b", 0..1).await;
    append(&client, "lane-c", ExpectedRevision::Any, events(0..1)).await.unwrap();
    assert_eq!((double.events("lane-b"), double.events("lane-c")), (1, 1));
}

#[tokio::test]
async fn an_append_holds_a_mebibyte_and_no_more() {
    let double = double();
    let client = client(&double.uri());
    let sized = |bytes: usize| EventData::binary("Sized", vec![b'x'; bytes].into());
    // The type counts too, in two bytes a letter.
    let most = (1 << 20) - 2 * "Sized".len();
    let options = AppendToStreamOptions::default();
    client.append_to_stream("lane-a", &options, sized(most)).await.unwrap();
    let error = client.append_to_stream("lane-a", &options, sized(most + 1)).await.unwrap_err();
    let Error::Grpc { code: Code::InvalidArgument, message } = error else { panic!("{error}") };
    assert_eq!(message, "Maximum Append Size of 1048576 Exceeded.");
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    let events = vec![sized(most + 1)];
    let error = batch.append_to_stream("lane-b", ExpectedRevision::Any, events).await.unwrap_err();
    assert!(matches!(error, Error::Grpc { code: Code::InvalidArgument, .. }), "{error}");
    assert_eq!((double.events("lane-a"), double.events("lane-b")), (1, 0));
}

#[tokio::test]
async fn a_batch_answers_each_append() {
    let double = double();
    let client = client(&double.uri());
    let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
    let first = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(0..3));
    let first = first.await.unwrap();
    assert_eq!(first.current_revision(), Some(2));
    let again = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(0..3));
    assert_eq!(again.await.unwrap().current_position(), first.current_position());
    let late = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(9..10)).await;
    let Err(Error::Grpc { code: Code::AlreadyExists, message }) = late else { panic!("{late:?}") };
    assert_eq!(message, "WrongExpectedVersion");
    assert_eq!(numbers(&read(&client, "lane-a").await.unwrap()), [0, 1, 2]);
}

#[tokio::test]
async fn a_deleted_stream_goes_on_and_a_buried_one_is_gone() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..3).await;
    let expecting = |expected| DeleteStreamOptions::default().expected_revision(expected);
    client.delete_stream("lane-a", &expecting(ExpectedRevision::Exact(1))).await.unwrap_err();
    client.delete_stream("lane-a", &expecting(ExpectedRevision::Exact(2))).await.unwrap();
    assert!(matches!(read(&client, "lane-a").await, Err(Error::ResourceNotFound)));
    begin(&client, "lane-a", 3..4).await;
    let read_again = read(&client, "lane-a").await.unwrap();
    assert_eq!((numbers(&read_again), read_again[0].revision), (vec![3], 3));
    client.tombstone_stream("lane-a", &TombstoneStreamOptions::default()).await.unwrap();
    assert!(matches!(read(&client, "lane-a").await, Err(Error::ResourceDeleted)));
    let late = append(&client, "lane-a", ExpectedRevision::Any, events(4..5)).await;
    assert!(matches!(late, Err(Error::ResourceDeleted)));
}

/// After an append that is refused, the crate sends no more and goes on reading what no server ends.
#[tokio::test]
async fn a_batch_that_is_closed_stays_open_until_another_answer_is_due() {
    let double = double();
    let client = client(&double.uri());
    begin(&client, "lane-a", 0..1).await;
    settled(&double, 0).await;
    for conflicts in 1..=3 {
        let batch = client.batch_append(&BatchAppendOptions::default()).await.unwrap();
        let late = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(9..10));
        late.await.unwrap_err();
        begin(&client, &format!("lane-b-{conflicts}"), 0..1).await;
        settled(&double, conflicts).await;
    }
    assert_eq!(double.connections(), 1);
}

#[tokio::test]
async fn a_connection_takes_a_hundred_calls_at_a_time() {
    let double = double();
    let crowded = client(&double.uri());
    begin(&crowded, "lane-a", 0..1).await;
    for _ in 0..100 {
        let batch = crowded.batch_append(&BatchAppendOptions::default()).await.unwrap();
        let late = batch.append_to_stream("lane-a", ExpectedRevision::NoStream, events(9..10));
        late.await.unwrap_err();
    }
    settled(&double, 100).await;

    let waiting = tokio::spawn(async move { read(&crowded, "lane-a").await.map(|_| ()) });
    let roomy = client(&double.uri());
    for _ in 0..3 {
        assert_eq!(read(&roomy, "lane-a").await.unwrap().len(), 1);
    }

    assert!(!waiting.is_finished());
    settled(&double, 100).await;
    assert_eq!(double.connections(), 2);
    waiting.abort();
}

/// Waits until so many calls are open.
async fn settled(double: &Double, calls: usize) {
    let reached = async {
        while double.calls() != calls {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), reached).await;
    assert!(in_time.is_ok(), "{} calls are open, not {calls}", double.calls());
}
