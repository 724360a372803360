//! Subscriptions that break off, and what the subscriber notices: nothing.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::join_all};
use shiplog_domain::stream::StreamName;
use shiplog_double::{Double, Ending, Options, Status};
use shiplog_store::{
    eventstoredb::{EventStoreDbLog, Standing},
    log::Log,
    position::ExpectedVersion::{Exact, NoStream},
};

use super::{connect, double};
use crate::support::{event_with, events, everything, fresh_stream, unsteady};

/// Appends events one by one, with something going on before each.
async fn fill(log: &impl Log, stream: &StreamName, count: usize, mut before: impl FnMut(usize)) {
    let mut expected = NoStream;
    for number in 0..count {
        before(number);
        let appended = log.append(stream, expected, events(stream, [number])).await.unwrap();
        expected = Exact(appended.version);
    }
}

/// Waits until all subscriptions stand like this.
async fn stand(log: &EventStoreDbLog, standing: Standing) {
    while !log.subscriptions().iter().all(|state| state.standing == standing) {
        tokio::task::yield_now().await;
    }
}

async fn survives(options: Options, mishap: impl Fn(&Double)) {
    let double = double(options);
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let mut live = log.subscribe(None);

    let fill = fill(&log, &stream, 12, |number| {
        if number % 4 == 2 {
            mishap(&double);
        }
    });
    let (seen, ()) = tokio::join!(live.by_ref().take(12).try_collect::<Vec<_>>(), fill);

    assert_eq!(seen.unwrap(), everything(log.read_all(None)).await);
    // Nothing comes twice.
    assert!(live.next().now_or_never().is_none());
}

/// On one thread, so that a task that does not yield would stop everything.
#[tokio::test]
async fn a_subscription_that_the_server_ends_in_good_order_goes_on() {
    survives(Options::default(), |double| double.faults().close_subscriptions(Ending::Ok)).await;
}

#[tokio::test]
async fn a_subscription_that_the_server_breaks_off_goes_on() {
    survives(Options::default(), |double| {
        let ending = Ending::Error(Status::unavailable("it is cued"));
        double.faults().close_subscriptions(ending);
    })
    .await;
}

#[tokio::test]
async fn a_subscription_survives_a_restart() {
    survives(Options::default(), |double| {
        double.stop(0);
        double.restart(0).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_subscription_survives_another_leader() {
    let three = Options { nodes: 3, ..Options::default() };
    survives(three, |double| {
        let leader = double.leader().unwrap();
        double.lead((leader + 1) % 3);
    })
    .await;
}

#[tokio::test]
async fn a_subscription_survives_the_death_of_its_node() {
    let three = Options { nodes: 3, ..Options::default() };
    survives(three, |double| {
        let leader = double.leader().unwrap();
        double.stop(leader);
        double.restart(leader).unwrap();
    })
    .await;
}

/// A timeout around the crate's own call subscribes anew each time.
#[tokio::test]
async fn who_stops_waiting_for_an_event_misses_none() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let mut live = log.subscribe(None);
    let impatient = async {
        let mut seen = Vec::new();
        while seen.len() < 50 {
            match tokio::time::timeout(Duration::from_micros(50), live.next()).await {
                Ok(event) => seen.push(event.unwrap().unwrap()),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        seen
    };

    let (seen, ()) = tokio::join!(impatient, fill(&log, &stream, 50, |_| {}));

    assert_eq!(seen, everything(log.read_all(None)).await);
}

/// Together they hold back more than one connection may have under way.
#[tokio::test]
async fn slow_subscribers_hold_up_nobody_and_miss_nothing() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    let data = format!("\"{}\"", "x".repeat(8 << 10)).into_bytes();
    let mut expected = NoStream;
    for page in 0..30 {
        let key = |number: usize| format!("{page} {number}");
        let events = (0..100).map(|number| event_with(&stream, &key(number), data.clone()));
        expected = Exact(log.append(&stream, expected, events.collect()).await.unwrap().version);
    }
    let mut slow: Vec<_> = (0..6).map(|_| log.subscribe(None)).collect();
    for subscriber in &mut slow {
        subscriber.next().await.unwrap().unwrap();
    }

    // They have their first event and ask for no other, while others go on.
    fill(&log, &fresh_stream(), 20, |_| {}).await;
    let read = everything(log.read_all(None)).await;
    let rest = join_all(slow.into_iter().map(|it| it.take(read.len() - 1).try_collect())).await;

    assert_eq!(read.len(), 3_020);
    for rest in rest {
        let rest: Vec<_> = rest.unwrap();
        assert_eq!(rest, read[1..]);
    }
}

#[tokio::test]
async fn what_others_write_is_passed_over() {
    let double = double(Options::default());
    double.write_foreign(50);
    // The cluster is ours: streams are called what we call them.
    let log = EventStoreDbLog::connect(&double.uri(), unsteady()).await.unwrap();
    assert_eq!(log.head().await.unwrap(), None);
    double.faults().foreign_every(3);
    let streams = ["lane-a@b", "release-a@1", "environment-b"].map(StreamName::recorded);
    let mut live = log.subscribe(None);

    let mut last = None;
    for stream in &streams {
        for number in 0..10_usize {
            let expected =
                number.checked_sub(1).map(|it| shiplog_store::position::StreamVersion(it as u64));
            let appended = log.append(stream, expected.into(), events(stream, [number])).await;
            last = Some(appended.unwrap().position);
        }
    }
    double.write_foreign(2_000);

    let read = everything(log.read_all(None)).await;
    assert_eq!(read.len(), 30);
    assert_eq!(live.by_ref().take(30).try_collect::<Vec<_>>().await.unwrap(), read);
    let fresh = EventStoreDbLog::connect(&double.uri(), unsteady()).await.unwrap();
    assert_eq!(fresh.head().await.unwrap(), last);
    assert_eq!(fresh.id(), log.id());
    assert_eq!(everything(fresh.read_all(None)).await, read);
    assert_eq!(everything(fresh.read_all(Some(read[20].position))).await, read[21..]);
}

/// Servers before 23.10 do not say when a subscription has caught up.
#[tokio::test]
async fn a_subscription_tells_whether_it_is_live() {
    for version in ["22.10.5", "23.10.0", "25.1.0"] {
        let double = double(Options { version: version.into(), ..Options::default() });
        let log = connect(&double.uri(), "t.", unsteady()).await;
        let stream = fresh_stream();
        fill(&log, &stream, 3, |_| {}).await;
        let head = log.head().await.unwrap();
        assert_eq!(log.subscriptions(), []);

        double.faults().stall(true);
        let mut live = log.subscribe(None);
        assert!(live.next().now_or_never().is_none());
        stand(&log, Standing::CatchingUp).await;
        double.faults().stall(false);
        live.by_ref().take(3).try_collect::<Vec<_>>().await.unwrap();
        stand(&log, Standing::Live).await;

        assert_eq!(log.subscriptions().first().and_then(|state| state.after), head);
        double.stop(0);
        stand(&log, Standing::Away).await;
        double.restart(0).unwrap();
        stand(&log, Standing::Live).await;
        drop(live);
        while !log.subscriptions().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
