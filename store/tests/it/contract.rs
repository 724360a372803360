//! What a log is: every backend passes all of it.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    log::{AppendError, Log},
    position::{
        ExpectedVersion::{Exact, NoStream},
        GlobalPosition, StreamVersion,
    },
    sqlite::SqliteLog,
};

#[cfg(feature = "eventstoredb")]
use crate::cluster;
use crate::support::{
    event, event_with, events, everything, fresh_stream, ids, metadata_of, unsteady,
};

macro_rules! contract {
    ($(#[$gate:meta])* $backend:ident => $open:expr) => {
        $(#[$gate])*
        mod $backend {
            use super::*;
            contract!(@cases $open;
                a_stale_append_conflicts_and_writes_nothing,
                a_stream_that_exists_is_not_new,
                a_stream_that_does_not_exist_has_no_version,
                the_same_ids_are_recorded_once,
                a_retry_of_several_is_told_where_the_last_one_is,
                ids_that_are_taken_are_refused,
                one_id_twice_in_an_append_is_refused,
                an_append_is_recorded_whole_or_not_at_all,
                an_append_takes_one_to_a_thousand_events,
                versions_have_no_gaps,
                a_reader_of_everything_ends_at_the_head_of_its_call,
                reading_after_a_position_leaves_it_out,
                reading_from_a_version_includes_it,
                what_is_recorded_is_what_was_given,
                the_time_of_recording_never_goes_back,
                any_name_is_a_streams_name,
                a_large_event_is_recorded,
                of_writers_to_one_stream_one_wins_each_version,
                a_subscriber_sees_what_a_reader_sees,
                a_subscriber_resumes_after_a_position,
                the_head_is_the_last_position,
            );
        }
    };
    (@cases $open:expr; $($case:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            let (log, _kept) = $open;
            super::$case(&log).await;
        })+
    };
}

contract!(#[cfg(feature = "eventstoredb")] eventstoredb => cluster::log().await);
contract!(sqlite_in_memory => (SqliteLog::in_memory(unsteady()).unwrap(), ()));
contract!(sqlite_in_a_directory => {
    let directory = tempfile::tempdir().unwrap();
    (SqliteLog::open(directory.path(), unsteady()).unwrap(), directory)
});

async fn a_stale_append_conflicts_and_writes_nothing(log: &impl Log) {
    let stream = fresh_stream();
    let (first, late) = (event(&stream, "first"), event(&stream, "late"));
    log.append(&stream, NoStream, vec![first.clone()]).await.unwrap();

    let error = log.append(&stream, Exact(StreamVersion(1)), vec![late]).await.unwrap_err();

    let problem = format!("stream `{stream}` is at version `0`, not at version `1`");
    assert_eq!(error.to_string(), problem);
    assert!(matches!(error, AppendError::Conflict { actual: Some(StreamVersion(0)), .. }));
    assert_eq!(ids(log, &stream).await, [first.id]);
}

async fn a_stream_that_exists_is_not_new(log: &impl Log) {
    let stream = fresh_stream();
    log.append(&stream, NoStream, vec![event(&stream, "first")]).await.unwrap();

    let error = log.append(&stream, NoStream, vec![event(&stream, "late")]).await.unwrap_err();

    assert_eq!(error.to_string(), format!("stream `{stream}` is at version `0`, not new"));
    assert!(matches!(error, AppendError::Conflict { actual: Some(StreamVersion(0)), .. }));
}

async fn a_stream_that_does_not_exist_has_no_version(log: &impl Log) {
    let stream = fresh_stream();
    let events = vec![event(&stream, "first")];

    let error = log.append(&stream, Exact(StreamVersion(0)), events).await.unwrap_err();

    assert_eq!(error.to_string(), format!("stream `{stream}` is new, not at version `0`"));
    assert!(matches!(error, AppendError::Conflict { actual: None, .. }));
    assert_eq!(ids(log, &stream).await, []);
}

async fn the_same_ids_are_recorded_once(log: &impl Log) {
    let stream = fresh_stream();
    let first = event(&stream, "first");
    let original = log.append(&stream, NoStream, vec![first.clone()]).await.unwrap();
    let second = event(&stream, "second");
    log.append(&stream, Exact(StreamVersion(0)), vec![second.clone()]).await.unwrap();

    for expected in [NoStream, Exact(StreamVersion(1)), Exact(StreamVersion(9))] {
        let again = log.append(&stream, expected, vec![first.clone()]).await.unwrap();
        assert_eq!(again, original);
    }
    assert_eq!(ids(log, &stream).await, [first.id, second.id]);
}

async fn a_retry_of_several_is_told_where_the_last_one_is(log: &impl Log) {
    let stream = fresh_stream();
    let given = events(&stream, 0..5);
    let original = log.append(&stream, NoStream, given.clone()).await.unwrap();

    assert_eq!(log.append(&stream, NoStream, given).await.unwrap(), original);
    assert_eq!(original.version, StreamVersion(4));
}

async fn ids_that_are_taken_are_refused(log: &impl Log) {
    let (stream, other) = (fresh_stream(), fresh_stream());
    let (first, unknown) = (event(&stream, "first"), event(&stream, "unknown"));
    log.append(&stream, NoStream, vec![first.clone()]).await.unwrap();
    let mut changed = first.clone();
    changed.metadata = Arc::new(metadata_of("first", "another request"));

    for (stream, expected, events) in [
        (&other, NoStream, vec![first.clone()]),
        (&other, NoStream, vec![event(&other, "new"), first.clone()]),
        (&stream, Exact(StreamVersion(0)), vec![first.clone(), unknown.clone()]),
        (&stream, Exact(StreamVersion(0)), vec![unknown.clone(), first.clone()]),
        (&stream, NoStream, vec![unknown, first.clone()]),
        (&stream, NoStream, vec![changed]),
    ] {
        let error = log.append(stream, expected, events).await.unwrap_err();
        assert!(matches!(error, AppendError::IdReused { id } if id == first.id), "{error}");
    }
    assert_eq!(ids(log, &stream).await, [first.id]);
    assert_eq!(ids(log, &other).await, []);
    // What was refused has left nothing behind that is in the way.
    let appended = log.append(&other, NoStream, vec![event(&other, "new")]).await.unwrap();
    assert_eq!(appended.version, StreamVersion(0));
}

async fn one_id_twice_in_an_append_is_refused(log: &impl Log) {
    let stream = fresh_stream();
    let first = event(&stream, "first");

    let twice = vec![first.clone(), first.clone()];
    let error = log.append(&stream, NoStream, twice).await.unwrap_err();

    assert!(matches!(error, AppendError::IdReused { id } if id == first.id));
    assert_eq!(ids(log, &stream).await, []);
}

async fn an_append_is_recorded_whole_or_not_at_all(log: &impl Log) {
    let (stream, other) = (fresh_stream(), fresh_stream());
    let taken = event(&other, "taken");
    log.append(&other, NoStream, vec![taken.clone()]).await.unwrap();
    let before = log.head().await.unwrap();

    let mut given = events(&stream, 0..10);
    given.push(taken);
    log.append(&stream, NoStream, given).await.unwrap_err();

    assert_eq!(ids(log, &stream).await, []);
    assert_eq!(log.head().await.unwrap(), before);
}

async fn an_append_takes_one_to_a_thousand_events(log: &impl Log) {
    let stream = fresh_stream();
    for found in [0, 1_001] {
        let error = log.append(&stream, NoStream, events(&stream, 0..found)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("an append takes 1 to 1000 events, not `{found}`"));
    }

    let appended = log.append(&stream, NoStream, events(&stream, 0..1_000)).await.unwrap();

    assert_eq!(appended.version, StreamVersion(999));
    assert_eq!(ids(log, &stream).await.len(), 1_000);
}

async fn versions_have_no_gaps(log: &impl Log) {
    let (stream, other) = (fresh_stream(), fresh_stream());
    let mut expected = NoStream;
    for round in 0..4 {
        let given = events(&stream, round * 10..round * 10 + 3);
        expected = Exact(log.append(&stream, expected, given).await.unwrap().version);
        let key = event(&other, &round.to_string());
        // Fails but for the first time.
        let _ = log.append(&other, NoStream, vec![key]).await;
    }

    let records = everything(log.read_stream(&stream, None)).await;

    let versions: Vec<_> = records.iter().map(|record| record.version.0).collect();
    assert_eq!(versions, (0..12).collect::<Vec<_>>());
    assert!(records.is_sorted_by(|one, next| one.position < next.position));
}

async fn a_reader_of_everything_ends_at_the_head_of_its_call(log: &impl Log) {
    let (stream, other) = (fresh_stream(), fresh_stream());
    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
    log.append(&other, NoStream, events(&other, 0..1_000)).await.unwrap();
    let last =
        log.append(&other, Exact(StreamVersion(999)), events(&other, 1_000..2_000)).await.unwrap();

    let reading = log.read_all(None);
    log.append(&stream, Exact(StreamVersion(2)), events(&stream, 3..6)).await.unwrap();
    let records = everything(reading).await;

    assert!(records.is_sorted_by(|one, next| one.position < next.position));
    assert_eq!(records.len(), 2_003);
    assert_eq!(records.last().map(|record| record.position), Some(last.position));
}

async fn reading_after_a_position_leaves_it_out(log: &impl Log) {
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..5)).await.unwrap();
    let records = everything(log.read_all(None)).await;

    for (index, record) in records.iter().enumerate() {
        assert_eq!(everything(log.read_all(Some(record.position))).await, records[index + 1..]);
    }
    let beyond = log.read_all(Some(GlobalPosition(u64::MAX)));
    assert_eq!(everything(beyond).await, []);
}

async fn reading_from_a_version_includes_it(log: &impl Log) {
    let (stream, other) = (fresh_stream(), fresh_stream());
    for number in 0..5_usize {
        let expected = number.checked_sub(1).map(|last| StreamVersion(last as u64)).into();
        log.append(&stream, expected, events(&stream, [number])).await.unwrap();
        log.append(&other, expected, events(&other, [number])).await.unwrap();
    }
    let records = everything(log.read_stream(&stream, None)).await;
    assert_eq!(records.len(), 5);

    for from in 0..5 {
        let version = Some(StreamVersion(from as u64));
        assert_eq!(everything(log.read_stream(&stream, version)).await, records[from..]);
    }
    for from in [StreamVersion(5), StreamVersion(u64::MAX)] {
        assert_eq!(everything(log.read_stream(&stream, Some(from))).await, []);
    }
    assert_eq!(everything(log.read_stream(&fresh_stream(), None)).await, []);
}

async fn what_is_recorded_is_what_was_given(log: &impl Log) {
    let stream = fresh_stream();
    let mut given = events(&stream, 0..3);
    given[1].event.data = b" {\"z\":1.0 , \"a\":\"\\u00e4\"}\n".to_vec();
    given[2].event.ignorable = false;
    given[2].event.event_type = "SomethingElse".into();

    let appended = log.append(&stream, NoStream, given.clone()).await.unwrap();

    let records = everything(log.read_stream(&stream, None)).await;
    let last = &records[2];
    assert_eq!(
        (last.position, last.version, last.recorded_at),
        (appended.position, appended.version, appended.recorded_at)
    );
    assert_eq!(everything(log.read_all(None)).await, records);
    for (record, given) in records.iter().zip(&given) {
        assert_eq!(record.stream, stream);
        assert_eq!(record.id, given.id);
        assert_eq!(record.metadata, *given.metadata);
        assert_eq!(record.event, given.event);
    }
}

async fn the_time_of_recording_never_goes_back(log: &impl Log) {
    let stream = fresh_stream();
    let mut expected = NoStream;
    for number in 0..12 {
        let appended = log.append(&stream, expected, events(&stream, [number])).await.unwrap();
        expected = Exact(appended.version);
    }

    let records = everything(log.read_all(None)).await;

    assert!(records.is_sorted_by_key(|record| record.recorded_at));
    assert!(records[0].recorded_at < records[11].recorded_at);
    assert!(records.iter().all(|record| record.recorded_at.as_nanosecond() % 1_000 == 0));
}

async fn any_name_is_a_streams_name(log: &impl Log) {
    let endless = "lane-".to_owned() + &"on".repeat(1_024);
    let names =
        ["lane-a%40b@c", "lane-ä\u{1f6a2}@п", "%", "'; DROP TABLE events; --", "A", "a", &endless];
    for name in names {
        let stream = StreamName::recorded(name);
        log.append(&stream, NoStream, vec![event(&stream, "it")]).await.unwrap();
    }

    for name in names {
        let records = everything(log.read_stream(&StreamName::recorded(name), None)).await;
        assert_eq!(records.iter().map(|it| it.stream.as_str()).collect::<Vec<_>>(), [name]);
    }
}

async fn a_large_event_is_recorded(log: &impl Log) {
    let stream = fresh_stream();
    let data = format!("{{\"text\":\"{}\"}}", "x".repeat(900 << 10)).into_bytes();
    let given: Vec<_> =
        (0..3).map(|key: u8| event_with(&stream, &key.to_string(), data.clone())).collect();
    for (version, event) in given.into_iter().enumerate() {
        let expected = version.checked_sub(1).map(|last| StreamVersion(last as u64)).into();
        log.append(&stream, expected, vec![event]).await.unwrap();
    }

    let records = everything(log.read_stream(&stream, None)).await;

    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.event.data == data));
}

async fn of_writers_to_one_stream_one_wins_each_version(log: &impl Log) {
    let stream = &fresh_stream();
    let writers = (0..8).map(|writer| async move {
        let mut won = Vec::new();
        let mut expected = NoStream;
        for round in 0..20 {
            let event = event(stream, &format!("{writer} {round}"));
            match log.append(stream, expected, vec![event.clone()]).await {
                Ok(appended) => {
                    won.push((appended.version, event.id));
                    expected = Exact(appended.version);
                }
                Err(AppendError::Conflict { actual, .. }) => expected = actual.into(),
                Err(error) => panic!("{error}"),
            }
        }
        won
    });
    let mut won: Vec<_> = join_all(writers).await.into_iter().flatten().collect();

    won.sort_unstable();
    let records = everything(log.read_stream(stream, None)).await;
    let recorded: Vec<_> = records.iter().map(|record| (record.version, record.id)).collect();
    assert_eq!(won, recorded);
    assert!(recorded.len() >= 20);
}

async fn a_subscriber_sees_what_a_reader_sees(log: &impl Log) {
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..1_000)).await.unwrap();
    let last = StreamVersion(999);
    log.append(&stream, Exact(last), events(&stream, 1_000..2_000)).await.unwrap();

    let writers = join_all((0..8).map(|_| async {
        let stream = fresh_stream();
        let mut expected = NoStream;
        for number in 0..50 {
            let appended = log.append(&stream, expected, events(&stream, [number])).await.unwrap();
            expected = Exact(appended.version);
        }
    }));
    let subscribers =
        join_all((0..4).map(|_| async {
            log.subscribe(None).take(2_400).try_collect::<Vec<_>>().await.unwrap()
        }));
    let (_, seen) = tokio::join!(writers, subscribers);

    let read = everything(log.read_all(None)).await;
    assert_eq!(read.len(), 2_400);
    assert!(seen.iter().all(|seen| *seen == read));
}

async fn a_subscriber_resumes_after_a_position(log: &impl Log) {
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
    let read = everything(log.read_all(None)).await;

    let mut live = log.subscribe(Some(read[0].position));
    assert_eq!(live.try_next().await.unwrap().unwrap(), read[1]);
    assert_eq!(live.try_next().await.unwrap().unwrap(), read[2]);
    let waiting = live.try_next();
    let appending = log.append(&stream, Exact(StreamVersion(2)), events(&stream, [3]));
    let (woken, appended) = tokio::join!(waiting, appending);

    assert_eq!(woken.unwrap().unwrap().position, appended.unwrap().position);
}

async fn the_head_is_the_last_position(log: &impl Log) {
    assert_eq!(log.head().await.unwrap(), None);
    assert_eq!(everything(log.read_all(None)).await, []);
    let stream = fresh_stream();

    let appended = log.append(&stream, NoStream, events(&stream, 0..7)).await.unwrap();

    assert_eq!(log.head().await.unwrap(), Some(appended.position));
}
