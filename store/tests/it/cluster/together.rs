//! Several nodes on one cluster, and what they do to each other.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use futures::future::{join_all, try_join_all};
use shiplog_domain::stream::StreamName;
use shiplog_double::{Double, Ending, Options, Status};
use shiplog_store::{
    eventstoredb::EventStoreDbLog,
    execute::{ExecuteError, Streams},
    log::{AppendError, Log, NewEvent},
    position::{
        ExpectedVersion::{self, NoStream},
        StreamVersion,
    },
};

use super::{connect, double};
use crate::{
    support::{event, everything, fresh_stream, ids, metadata, metadata_of, unsteady},
    tally::{Command, Tally},
};

async fn nodes(double: &Double) -> [Arc<EventStoreDbLog>; 2] {
    let uri = double.uri();
    let one = connect(&uri, "t.", unsteady()).await;
    [Arc::new(one), Arc::new(connect(&uri, "t.", unsteady()).await)]
}

/// One append after the other, each until it is in; the versions that it got.
async fn write(log: &EventStoreDbLog, stream: &StreamName, writer: &str, count: usize) -> Vec<u64> {
    let (mut versions, mut expected) = (Vec::new(), NoStream);
    for number in 0..count {
        let event = event(stream, &format!("{writer} {number}"));
        versions.push(until_recorded(log, stream, &mut expected, event).await.0);
    }
    versions
}

async fn until_recorded(
    log: &EventStoreDbLog,
    stream: &StreamName,
    expected: &mut ExpectedVersion,
    event: NewEvent,
) -> StreamVersion {
    loop {
        match log.append(stream, *expected, vec![event.clone()]).await {
            Ok(appended) => {
                *expected = ExpectedVersion::Exact(appended.version);
                return appended.version;
            }
            Err(AppendError::Conflict { actual, .. }) => *expected = actual.into(),
            Err(AppendError::Fault(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn nodes_know_of_one_log() {
    let double = double(Options::default());
    let [one, other] = nodes(&double).await;
    assert_eq!(one.id(), other.id());
    let elsewhere = connect(&double.uri(), "u.", unsteady()).await;
    assert_ne!(one.id(), elsewhere.id());
    let stream = fresh_stream();

    let appended = one.append(&stream, NoStream, vec![event(&stream, "it")]).await.unwrap();

    assert_eq!(everything(other.read_stream(&stream, None)).await.len(), 1);
    while other.head().await.unwrap() < Some(appended.position) {
        tokio::task::yield_now().await;
    }
    assert_eq!(everything(other.read_all(None)).await.len(), 1);
    assert_eq!(elsewhere.head().await.unwrap(), None);
}

/// The first conflict closes the crate's batch, with all that is in flight beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_on_two_nodes_each_win_their_versions() {
    let double = double(Options::default());
    let nodes = nodes(&double).await;
    let contended: Vec<_> = (0..3).map(|_| fresh_stream()).collect();

    let writers = (0..12).map(|writer| {
        let (log, stream) = (Arc::clone(&nodes[writer % 2]), contended[writer % 3].clone());
        tokio::spawn(async move {
            let (own, name) = (fresh_stream(), writer.to_string());
            let (versions, alone) =
                tokio::join!(write(&log, &stream, &name, 10), write(&log, &own, "own", 10));
            assert_eq!(alone, (0..10).collect::<Vec<_>>());
            assert_eq!(double_free(&log, &own).await, 10);
            (stream, versions)
        })
    });
    let mut won = HashMap::<_, Vec<_>>::new();
    for (stream, versions) in try_join_all(writers.collect::<Vec<_>>()).await.unwrap() {
        won.entry(stream).or_default().extend(versions);
    }

    for (stream, mut versions) in won {
        versions.sort_unstable();
        assert_eq!(versions, (0..40).collect::<Vec<_>>());
        assert_eq!(double.events(&format!("t.{stream}")), 40);
    }
}

/// How many different events a stream has.
async fn double_free(log: &EventStoreDbLog, stream: &StreamName) -> usize {
    let mut found = ids(log, stream).await;
    found.sort_unstable();
    found.dedup();
    found.len()
}

/// The server takes the second one for a repetition of the first, whatever is in it.
#[tokio::test]
async fn one_key_for_two_requests_on_two_nodes_is_never_both() {
    let double = double(Options::default());
    let [one, other] = nodes(&double).await;
    for _ in 0..20 {
        let stream = fresh_stream();
        let mine = event(&stream, "key");
        let mut theirs = mine.clone();
        theirs.metadata = Arc::new(metadata_of("key", "another request"));

        let (first, second) = tokio::join!(
            one.append(&stream, NoStream, vec![mine.clone()]),
            other.append(&stream, NoStream, vec![theirs.clone()])
        );

        let read = everything(one.read_stream(&stream, None)).await;
        assert_eq!(read.len(), 1);
        let is_mine = read[0].metadata == *mine.metadata;
        assert_eq!((first.is_ok(), second.is_ok()), (is_mine, !is_mine));
        let loser = if is_mine { second } else { first }.unwrap_err();
        assert!(
            matches!(loser, AppendError::Conflict { .. } | AppendError::IdReused { .. }),
            "{loser}"
        );
    }
}

/// What leads to no append is checked by nobody but who reads again.
#[tokio::test]
async fn a_decision_that_leads_to_nothing_is_made_on_the_latest() {
    let double = double(Options::default());
    let [one, other] = nodes(&double).await.map(|log| Streams::<Tally>::new(log));
    let stream = fresh_stream();
    let ask = async |streams: &Streams<Tally>, key: &str, command| {
        streams.execute(&stream, None, command, metadata(key), |state, _| state.sum).await
    };
    assert_eq!(ask(&one, "a", Command::Add(5)).await.unwrap().1, 5);
    // This node has folded the stream as it is now.
    assert_eq!(ask(&other, "b", Command::Reach(5)).await.unwrap().1, 5);
    assert_eq!(ask(&one, "c", Command::Add(3)).await.unwrap().1, 8);

    let (outcome, sum) = ask(&other, "d", Command::Reach(5)).await.unwrap();

    assert_eq!((outcome.version(), sum), (Some(StreamVersion(1)), 8));
    assert_eq!(ask(&one, "e", Command::Add(1)).await.unwrap().1, 9);
    let read = other.read(&stream, |state, version| (state.sum, version)).await.unwrap();
    assert_eq!(read, (9, Some(StreamVersion(2))));
}

/// Every mishap that the double knows, one after the other, while 16 writers write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_nothing_is_lost_and_nothing_doubled() {
    let double = Arc::new(double(Options { nodes: 3, ..Options::default() }));
    let nodes = nodes(&double).await;
    let (done, streams) = (Arc::new(AtomicUsize::new(0)), [(); 4].map(|()| fresh_stream()));
    let mishaps = tokio::task::spawn_blocking({
        let (double, done) = (Arc::clone(&double), Arc::clone(&done));
        move || {
            for nth in 1..=10 {
                while done.load(Relaxed) < nth * 25 {
                    std::thread::yield_now();
                }
                mishap(&double, nth);
            }
            double.faults().clear();
        }
    });

    let writers = (0..16).map(|writer| {
        let (log, done) = (Arc::clone(&nodes[writer % 2]), Arc::clone(&done));
        let stream = streams[writer / 4].clone();
        tokio::spawn(async move {
            let (mut versions, mut expected) = (Vec::new(), NoStream);
            for number in 0..20 {
                let event = event(&stream, &format!("{writer} {number}"));
                versions.push(until_recorded(&log, &stream, &mut expected, event).await.0);
                done.fetch_add(1, Relaxed);
            }
            versions
        })
    });
    let subscribers = nodes.iter().map(|log| async move {
        let live = futures::StreamExt::take(log.subscribe(None), 16 * 20);
        futures::TryStreamExt::try_collect::<Vec<_>>(live).await.unwrap()
    });
    let (won, seen) =
        tokio::join!(try_join_all(writers.collect::<Vec<_>>()), join_all(subscribers));
    mishaps.await.unwrap();

    let mut won = won.unwrap().concat();
    won.sort_unstable();
    let versions: Vec<_> = (0..80).flat_map(|version| [version; 4]).collect();
    assert_eq!(won, versions);
    let read = everything(nodes[0].read_all(None)).await;
    assert_eq!(read.len(), 320);
    assert!(seen.iter().all(|seen| *seen == read));
    for stream in &streams {
        assert_eq!(double.events(&format!("t.{stream}")), 80);
        assert_eq!(double_free(&nodes[1], stream).await, 80);
    }
}

fn mishap(double: &Double, nth: usize) {
    let leader = double.leader().unwrap_or_default();
    match nth % 5 {
        0 => double.faults().drop_answers(2),
        1 => {
            double.stop(leader);
            double.restart(leader).unwrap();
        }
        2 => double.faults().close_subscriptions(Ending::Ok),
        3 => {
            double.lead((leader + 1) % 3);
        }
        _ => {
            double.faults().time_out(2);
            let ending = Ending::Error(Status::unavailable("it is cued"));
            double.faults().close_subscriptions(ending);
        }
    }
}

#[tokio::test]
async fn a_key_that_stands_for_another_request_is_refused_on_every_node() {
    let double = double(Options::default());
    let [one, other] = nodes(&double).await.map(|log| Streams::<Tally>::new(log));
    let stream = fresh_stream();
    let answer = |_: &_, _: &_| ();
    one.execute(&stream, None, Command::Add(1), metadata("key"), answer).await.unwrap();

    let (replayed, ()) =
        other.execute(&stream, None, Command::Add(1), metadata("key"), answer).await.unwrap();
    let reused = metadata_of("key", "another request");
    let error = other.execute(&stream, None, Command::Add(1), reused, answer).await.unwrap_err();

    assert!(replayed.is_replayed());
    assert!(matches!(error, ExecuteError::KeyReused { .. }), "{error}");
}
