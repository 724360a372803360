//! What can become of an append on its way, and what is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use shiplog_double::{Faults, Options};
use shiplog_store::{
    clock::Clock,
    log::{AppendError, Log, LogFault},
    position::{
        ExpectedVersion::{Exact, NoStream},
        StreamVersion,
    },
    replica::{Original, Replica as _},
};

use super::{connect, double, reaches};
use crate::support::{event, events, fresh_stream, ids, unsteady};

/// With this one in the client, an append took 45 ms.
#[tokio::test]
async fn appends_one_after_the_other_do_not_wait_for_acknowledgements_of_tcp() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let mut expected = NoStream;

    let began = Instant::now();
    for number in 0..60 {
        let appended = log.append(&stream, expected, events(&stream, [number])).await.unwrap();
        expected = Exact(appended.version);
    }

    assert!(began.elapsed() < Duration::from_millis(60 * 40), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_recorded_once_and_answered() {
    let faults: [fn(&Faults); 4] = [
        |faults| faults.drop_answers(1),
        |faults| faults.drop_answers(3),
        |faults| faults.time_out(2),
        |faults| faults.refuse(2),
    ];
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    for fault in faults {
        let stream = fresh_stream();
        let first = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();

        fault(double.faults());
        let given = events(&stream, 1..4);
        let appended = log.append(&stream, Exact(first.version), given.clone()).await.unwrap();

        assert_eq!(appended.version, StreamVersion(3));
        assert_eq!(double.events(&format!("t.{stream}")), 4);
        assert_eq!(log.append(&stream, NoStream, given).await.unwrap(), appended);
        assert_eq!(log.head().await.unwrap(), Some(appended.position));
    }
}

#[tokio::test]
async fn appends_in_flight_beside_a_lost_answer_are_recorded_once_each() {
    let double = double(Options::default());
    let log = &connect(&double.uri(), "t.", unsteady()).await;
    double.faults().drop_answers(1);

    let appends = (0..40).map(|_| async move {
        let stream = fresh_stream();
        let appended = log.append(&stream, NoStream, events(&stream, 0..2)).await.unwrap();
        (stream, appended)
    });
    for (stream, appended) in join_all(appends).await {
        assert_eq!(appended.version, StreamVersion(1));
        assert_eq!(double.events(&format!("t.{stream}")), 2);
    }
}

#[tokio::test]
async fn an_append_that_cannot_be_settled_in_time_is_unknown_and_then_settled() {
    let double = double(Options::default());
    let log = connect(&double.uri_with("defaultDeadline=1500"), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    let given = events(&stream, [1]);

    // It is written, but then the node is gone before it has said so.
    double.faults().drop_answers(1);
    let append = log.append(&stream, Exact(StreamVersion(0)), given.clone());
    let stop = async {
        while double.events(&format!("t.{stream}")) < 2 {
            tokio::task::yield_now().await;
        }
        double.stop(0);
    };
    let (unknown, ()) = tokio::join!(append, stop);
    double.restart(0).unwrap();
    reaches(&log, true).await;
    let settled = log.append(&stream, Exact(StreamVersion(0)), given.clone()).await.unwrap();

    let unknown = unknown.unwrap_err();
    assert!(matches!(unknown, AppendError::Fault(LogFault::OutcomeUnknown { .. })), "{unknown}");
    assert_eq!(settled.version, StreamVersion(1));
    assert_eq!(double.events(&format!("t.{stream}")), 2);
}

#[tokio::test]
async fn an_append_that_was_not_sent_is_not_unknown() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    double.stop(0);
    reaches(&log, false).await;

    let error = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap_err();

    assert!(matches!(error, AppendError::Fault(LogFault::Unavailable { .. })), "{error}");
    double.restart(0).unwrap();
    reaches(&log, true).await;
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    assert_eq!(double.events(&format!("t.{stream}")), 1);
}

/// Within a batch that is said with a status whose code is OK.
#[tokio::test]
async fn a_node_that_is_not_ready_has_acknowledged_nothing() {
    let double = double(Options::default());
    let log = connect(&double.uri_with("defaultDeadline=600"), "t.", unsteady()).await;
    let stream = fresh_stream();
    let given = events(&stream, 0..3);

    double.faults().refuse(u64::MAX);
    let unknown = log.append(&stream, NoStream, given.clone()).await.unwrap_err();

    assert!(matches!(unknown, AppendError::Fault(LogFault::OutcomeUnknown { .. })), "{unknown}");
    assert_eq!(double.events(&format!("t.{stream}")), 0);
    double.faults().clear();
    let appended = log.append(&stream, NoStream, given).await.unwrap();
    assert_eq!(appended.version, StreamVersion(2));
    assert_eq!(double.events(&format!("t.{stream}")), 3);
}

/// The same, but by the cluster's own state: of three nodes one is left.
#[tokio::test]
async fn a_node_without_a_majority_has_acknowledged_nothing() {
    let double = double(Options { nodes: 3, ..Options::default() });
    let log = connect(&double.uri_with("defaultDeadline=600"), "t.", unsteady()).await;
    let stream = fresh_stream();
    let first = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    let leader = double.leader().unwrap();
    let others = [(leader + 1) % 3, (leader + 2) % 3];

    for node in others {
        double.stop(node);
    }
    let given = events(&stream, [1]);
    let error = log.append(&stream, Exact(first.version), given.clone()).await.unwrap_err();

    assert!(matches!(error, AppendError::Fault(_)), "{error}");
    assert_eq!(double.events(&format!("t.{stream}")), 1);
    for node in others {
        double.restart(node).unwrap();
    }
    reaches(&log, true).await;
    let appended = log.append(&stream, Exact(first.version), given).await.unwrap();
    assert_eq!(appended.version, StreamVersion(1));
    assert_eq!(double.events(&format!("t.{stream}")), 2);
}

/// Somebody has put back a backup, and then others have written.
#[tokio::test]
async fn what_the_cluster_has_lost_is_not_acknowledged_again() {
    let before = double(Options::default());
    let log = connect(&before.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..2)).await.unwrap();
    let port = before.address(0).unwrap().rsplit(':').next().unwrap().parse().unwrap();
    before.stop(0);

    let after = double(Options { port, ..Options::default() });
    let other = connect(&after.uri(), "t.", unsteady()).await;
    other.append(&stream, NoStream, events(&stream, 7..9)).await.unwrap();
    reaches(&log, true).await;
    let error = log.append(&stream, NoStream, events(&stream, 0..2)).await.unwrap_err();

    assert!(matches!(error, AppendError::Fault(LogFault::Corrupt { .. })), "{error}");
    assert_eq!(after.events(&format!("t.{stream}")), 2);
}

#[tokio::test]
async fn what_the_servers_take_at_no_time_says_so() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let mut large = event(&stream, "large");
    large.event.data = format!("\"{}\"", "x".repeat(1 << 20)).into_bytes();

    let error = log.append(&stream, NoStream, vec![large]).await.unwrap_err();
    let appended = log.append(&stream, NoStream, vec![event(&stream, "small")]).await.unwrap();

    assert_eq!(
        error.to_string(),
        "the log is unavailable: the servers do not take as much at once: raise their MaxAppendSize"
    );
    assert_eq!(appended.version, StreamVersion(0));
}

/// A wall clock that is so many seconds ahead of what it should say.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.0.load(Relaxed)).unwrap()
    }

    fn skew(&self) -> SignedDuration {
        SignedDuration::from_secs(self.0.load(Relaxed))
    }
}

#[tokio::test]
async fn what_a_clock_says_that_jumped_ahead_is_not_recorded_on_a_cluster_either() {
    let double = double(Options::default());
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let log = connect(&double.uri(), "t.", Arc::<Ahead>::clone(&clock)).await;
    let stream = fresh_stream();
    let first = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();

    clock.0.store(3_601, Relaxed);
    let refused = log.append(&stream, Exact(first.version), events(&stream, [1])).await;
    let again = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    // What another log has recorded has its time already.
    let given = events(&stream, [2]);
    let original = Original { recorded_at: first.recorded_at, may_go_back: true };
    let copied = log.replicate(&stream, Exact(first.version), given, original).await;

    let refused = refused.unwrap_err();
    assert!(matches!(refused, AppendError::Fault(LogFault::ClockJumped { .. })), "{refused}");
    assert_eq!(again, first);
    let copied = copied.unwrap();
    assert_eq!((copied.version, copied.recorded_at), (StreamVersion(1), first.recorded_at));
    clock.0.store(3_600, Relaxed);
    let last = log.append(&stream, Exact(copied.version), events(&stream, [1])).await.unwrap();
    assert_eq!(last.recorded_at, clock.now());
}

#[tokio::test]
async fn who_goes_away_leaves_an_append_that_is_recorded() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let given = events(&stream, [0]);

    let mut gone = Box::pin(log.append(&stream, NoStream, given.clone()));
    assert!(futures::poll!(&mut gone).is_pending());
    drop(gone);
    let appended = log.append(&stream, NoStream, given.clone()).await.unwrap();

    assert_eq!(appended.version, StreamVersion(0));
    assert_eq!(ids(&log, &stream).await, [given[0].id]);
}
