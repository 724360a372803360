//! Many tasks on several threads.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all};
use shiplog_store::{
    execute::Streams,
    log::Log,
    position::ExpectedVersion::{Exact, NoStream},
    sqlite::SqliteLog,
};

use crate::{
    support::{events, everything, fresh_stream, metadata, unsteady},
    tally::{Command, Tally},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_acknowledged_event_is_seen_once_and_in_order_by_everybody() {
    const WRITERS: usize = 32;
    const EACH: usize = 40;
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteLog::open(directory.path(), unsteady()).unwrap());
    let writers = (0..WRITERS).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let (stream, mut expected, mut acknowledged) = (fresh_stream(), NoStream, Vec::new());
            for number in 0..EACH {
                let events = events(&stream, [number]);
                let id = events[0].id;
                let appended = log.append(&stream, expected, events).await.unwrap();
                // Whoever has been told of it finds it.
                assert!(log.head().await.unwrap() >= Some(appended.position));
                expected = Exact(appended.version);
                acknowledged.push((appended.position, id));
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    let subscribers = (0..4).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            log.subscribe(None).take(WRITERS * EACH).try_collect::<Vec<_>>().await.unwrap()
        })
    });
    let subscribers: Vec<_> = subscribers.collect();

    let mut acknowledged = try_join_all(writers).await.unwrap().concat();
    acknowledged.sort_unstable();

    let read = everything(log.read_all(None)).await;
    assert_eq!(read.iter().map(|it| (it.position, it.id)).collect::<Vec<_>>(), acknowledged);
    for seen in try_join_all(subscribers).await.unwrap() {
        assert_eq!(seen, read);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_of_many_events_that_queue_up_are_all_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteLog::open(directory.path(), unsteady()).unwrap());

    let writers = (0..25).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let stream = fresh_stream();
            log.append(&stream, NoStream, events(&stream, 0..1_000)).await.unwrap().position
        })
    });
    let positions = try_join_all(writers.collect::<Vec<_>>()).await.unwrap();

    assert_eq!(log.head().await.unwrap(), positions.into_iter().max());
    assert_eq!(everything(log.read_all(None)).await.len(), 25_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_to_one_stream_at_the_same_time_keep_the_sum() {
    let log = Arc::new(SqliteLog::in_memory(unsteady()).unwrap());
    let streams = Arc::new(Streams::<Tally>::new(log));
    let stream = fresh_stream();

    let batches = (0..8).map(|batch| {
        let (streams, stream) = (Arc::clone(&streams), stream.clone());
        tokio::spawn(async move {
            let request = |nth| (Command::Add(1), metadata(&format!("{batch} {nth}")));
            let requests = (0..20).map(request).collect();
            let answers =
                streams.execute_many(&stream, requests, |_, last, state| state.sum_at(last)).await;
            answers.into_iter().map(|answer| answer.unwrap().1).collect::<Vec<_>>()
        })
    });
    let mut sums = try_join_all(batches.collect::<Vec<_>>()).await.unwrap().concat();

    sums.sort_unstable();
    assert_eq!(sums, (1..=160).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_readers_than_connections_wait_for_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteLog::open(directory.path(), unsteady()).unwrap());
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..1_000)).await.unwrap();
    // These hold a page each and never ask for the next.
    let mut idle: Vec<_> = (0..50).map(|_| log.subscribe(None)).collect();
    for waiting in &mut idle {
        waiting.try_next().await.unwrap().unwrap();
    }

    let readers = (0..50).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { everything(log.read_all(None)).await.len() })
    });
    let read = try_join_all(readers.collect::<Vec<_>>()).await.unwrap();

    assert_eq!(read, [1_000; 50]);
}
