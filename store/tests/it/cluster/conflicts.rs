//! Servers that write to the same streams, over and over, and get into each other's way.

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use shiplog_domain::stream::StreamName;
use shiplog_double::{Double, Options};
use shiplog_store::{
    eventstoredb::EventStoreDbLog,
    log::{AppendError, Log},
    position::{
        ExpectedVersion::{Exact, NoStream},
        StreamVersion,
    },
};

use super::{connect, double};
use crate::support::{event, events, everything, fresh_stream, unsteady};

/// How many conflicts there are unless `SHIPLOG_TEST_CONFLICTS` says so.
const CONFLICTS: u64 = 2_000;

const WRITERS: usize = 16;
const LANES: usize = 6;

/// The longest that an append may take beside conflicts.
const LONGEST: Duration = Duration::from_secs(2);

/// A conflict costs the one that it is of one answer: no call of a server's stays behind, nor a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_end_nothing_and_leave_nothing_behind() {
    let conflicts = env::var("SHIPLOG_TEST_CONFLICTS").ok();
    let conflicts = conflicts.map_or(CONFLICTS, |number| number.parse().unwrap());
    let double = Arc::new(double(Options::default()));
    let (uri, calm) = (double.uri(), fresh_stream());
    let logs = [connect(&uri, "t.", unsteady()).await, connect(&uri, "t.", unsteady()).await];
    let logs = logs.map(Arc::new);
    for (log, expected) in logs.iter().zip([NoStream, Exact(StreamVersion(0))]) {
        log.append(&calm, expected, events(&calm, [usize::from(expected != NoStream)]))
            .await
            .unwrap();
    }
    // Each has all its connections now, one to read everything over included.
    for log in &logs {
        assert!(!everything(log.read_all(None)).await.is_empty());
    }
    let before = settled(&double).await;

    let lanes = [(); LANES].map(|()| fresh_stream());
    let writers = (0..WRITERS).map(|writer| {
        let (log, lane) = (Arc::clone(&logs[writer % 2]), lanes[writer / 2 % LANES].clone());
        tokio::spawn(contend(log, lane, writer, Arc::clone(&double), conflicts))
    });
    let written = try_join_all(writers.collect::<Vec<_>>()).await.unwrap();

    let longest = written.iter().map(|(_, longest)| *longest).max().unwrap();
    assert!(longest < LONGEST, "an append took {longest:?}");
    let recorded: u64 = lanes.iter().map(|lane| double.events(&format!("t.{lane}"))).sum();
    assert_eq!(recorded, written.iter().map(|(count, _)| count).sum::<u64>());
    let reached = async {
        while (double.calls(), double.connections()) != before {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), reached).await;
    let after = (double.calls(), double.connections());
    assert!(in_time.is_ok(), "{before:?} calls and connections became {after:?}");
}

/// Appends to a lane until there were so many conflicts; how many appends, and how long the longest took.
async fn contend(
    log: Arc<EventStoreDbLog>,
    lane: StreamName,
    writer: usize,
    double: Arc<Double>,
    conflicts: u64,
) -> (u64, Duration) {
    let (mut written, mut longest, mut expected) = (0, Duration::ZERO, NoStream);
    while double.conflicts() < conflicts {
        let event = event(&lane, &format!("{writer} {written}"));
        let began = Instant::now();
        match log.append(&lane, expected, vec![event]).await {
            Ok(appended) => {
                expected = Exact(appended.version);
                written += 1;
            }
            Err(AppendError::Conflict { actual, .. }) => expected = actual.into(),
            Err(error) => panic!("{error}"),
        }
        longest = longest.max(began.elapsed());
    }
    (written, longest)
}

/// How many calls and connections there are while nothing is asked.
async fn settled(double: &Double) -> (usize, usize) {
    let (mut fewest, connections) = (usize::MAX, double.connections());
    for _ in 0..1_000 {
        fewest = fewest.min(double.calls());
        tokio::task::yield_now().await;
    }
    (fewest, connections)
}
