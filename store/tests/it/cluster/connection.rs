//! Nodes that come and go.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _};
use shiplog_double::{Ending, Options, Tls};
use shiplog_store::{
    eventstoredb::EventStoreDbLog,
    log::{Log, LogFault},
    position::{
        ExpectedVersion::{Exact, NoStream},
        StreamVersion,
    },
};

use super::{connect, double, reaches};
use crate::support::{events, everything, fresh_stream, ids, unsteady};

fn three() -> Options {
    Options { nodes: 3, ..Options::default() }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_yet_is_found_when_it_is() {
    let double = double(Options::default());
    double.stop(0);
    let uri = double.uri_with("maxDiscoverAttempts=1000&discoveryInterval=50");

    let connecting = EventStoreDbLog::connect_within(&uri, "t.", unsteady());
    let mut connecting = Box::pin(connecting);
    // It has tried, and tries again.
    let early = tokio::time::timeout(Duration::from_millis(300), &mut connecting).await;
    assert!(early.is_err());
    double.restart(0).unwrap();

    let log = connecting.await.unwrap();
    assert_eq!(log.head().await.unwrap(), None);
}

#[tokio::test]
async fn a_cluster_that_does_not_come_is_given_up() {
    let double = double(Options::default());
    double.stop(0);
    let address = double.address(0).unwrap();

    let uri = double.uri_with("maxDiscoverAttempts=2&discoveryInterval=1");
    let error = EventStoreDbLog::connect(&uri, unsteady()).await.err().unwrap();

    let problem = format!("cannot connect to `esdb://{address}`: no node answers: ");
    assert!(error.to_string().starts_with(&problem), "{error}");
}

/// The connection is there, and nothing comes over it any more.
#[tokio::test]
async fn a_leader_that_has_been_cut_off_is_not_believed_for_long() {
    let double = double(Options::default());
    let log = connect(&double.uri_with("defaultDeadline=300"), "t.", unsteady()).await;
    let stream = fresh_stream();
    let appended = log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    assert_eq!(log.head().await.unwrap(), Some(appended.position));

    double.faults().stall(true);
    double.faults().delay(Duration::from_hours(1));
    reaches(&log, false).await;

    double.faults().clear();
    reaches(&log, true).await;
    assert_eq!(log.head().await.unwrap(), Some(appended.position));
}

#[tokio::test]
async fn a_string_that_is_none_says_what_is_wrong_with_it() {
    let error = EventStoreDbLog::connect("esdb://a?tsl=no", unsteady()).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the connection string cannot be used: it has no parameter `tsl`"
    );
}

#[tokio::test]
async fn a_server_that_is_too_old_says_its_version() {
    let double = double(Options { version: "21.10.8".into(), ..Options::default() });
    let error = EventStoreDbLog::connect(&double.uri(), unsteady()).await.err().unwrap();
    assert!(
        error.to_string().ends_with("the server's version is `21.10.8`; it takes 22.6 or newer"),
        "{error}"
    );
}

#[tokio::test]
async fn a_user_with_any_password_gets_in_and_nobody_else_does() {
    let login = Some(("us@er".to_owned(), "p:a,s/%25".to_owned()));
    let double = double(Options { login, ..Options::default() });
    let address = double.address(0).unwrap();
    let stream = fresh_stream();

    let uri = format!("esdb://us%40er:p%3Aa%2Cs%2F%2525@{address}?tls=false");
    let log = connect(&uri, "t.", unsteady()).await;
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();

    assert_eq!(everything(log.read_all(None)).await.len(), 1);
    let uri = format!("esdb://us%40er:wrong@{address}?tls=false");
    let error = EventStoreDbLog::connect(&uri, unsteady()).await.err().unwrap();
    assert!(error.to_string().ends_with("the cluster refuses the credentials"), "{error}");
    double.faults().deny_all(true);
    let uri = format!("esdb://us%40er:p%3Aa%2Cs%2F%2525@{address}?tls=false");
    let error = EventStoreDbLog::connect_within(&uri, "t.", unsteady()).await.err().unwrap();
    let said = "the cluster does not let the user read `$all`";
    assert!(error.to_string().ends_with(said), "{error}");
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_cluster_behind_tls_is_reached_with_its_authority_and_not_without() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls =
        Tls { certificates: certified.cert.pem(), key: certified.signing_key.serialize_pem() };
    let host = "localhost".to_owned();
    let double = double(Options { tls: Some(tls), host, nodes: 3, ..Options::default() });
    let mut authority = tempfile::NamedTempFile::new().unwrap();
    authority.write_all(certified.cert.pem().as_bytes()).unwrap();
    let authority = authority.path().to_str().unwrap();
    let mut key = tempfile::NamedTempFile::new().unwrap();
    key.write_all(certified.signing_key.serialize_pem().as_bytes()).unwrap();
    let key = key.path().to_str().unwrap();

    let alone = format!("tlsCaFile={authority}");
    let with_certificate = format!("{alone}&userCertFile={authority}&userKeyFile={key}");
    for option in [alone.as_str(), "tlsVerifyCert=false", &with_certificate] {
        let log = connect(&double.uri_with(option), &format!("{option}."), unsteady()).await;
        let stream = fresh_stream();
        log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
        assert_eq!(everything(log.read_all(None)).await.len(), 3);
    }
    let stranger = double.uri_with("maxDiscoverAttempts=1");
    let error = EventStoreDbLog::connect(&stranger, unsteady()).await.err().unwrap();
    assert!(error.to_string().contains("no node answers"), "{error}");
}

#[tokio::test]
async fn another_node_is_found_when_one_dies() {
    let double = double(three());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();

    for number in 1..4 {
        let leader = double.leader().unwrap();
        double.stop(leader);
        let expected = Exact(StreamVersion(number as u64 - 1));
        log.append(&stream, expected, events(&stream, [number])).await.unwrap();
        assert_eq!(ids(&log, &stream).await.len(), number + 1);
        double.restart(leader).unwrap();
    }

    assert_eq!(double.events(&format!("t.{stream}")), 4);
}

#[tokio::test]
async fn the_leader_is_found_when_it_changes() {
    let double = double(Options { forwards_writes: false, ..three() });
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();

    for number in 1..6 {
        let leader = double.leader().unwrap();
        assert!(double.lead((leader + 1) % 3));
        let expected = Exact(StreamVersion(number as u64 - 1));
        log.append(&stream, expected, events(&stream, [number])).await.unwrap();
    }

    assert_eq!(double.events(&format!("t.{stream}")), 6);
    assert_eq!(ids(&log, &stream).await.len(), 6);
}

/// Seen on real servers: until there is another leader, some nodes name the old one, and others are not ready.
#[tokio::test]
async fn an_election_and_a_slow_start_are_waited_for() {
    let double = double(three());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    double.faults().elect_slowly(Duration::from_millis(1_500));
    double.faults().start_slowly(Duration::from_millis(500));

    for number in 1..3 {
        let leader = double.leader().unwrap();
        double.stop(leader);
        assert_eq!(double.leader(), None);
        let expected = Exact(StreamVersion(number as u64 - 1));
        log.append(&stream, expected, events(&stream, [number])).await.unwrap();
        assert!(double.leader().is_some_and(|next| next != leader));
        double.restart(leader).unwrap();
    }

    assert_eq!(double.events(&format!("t.{stream}")), 3);
    assert_eq!(ids(&log, &stream).await.len(), 3);
}

#[tokio::test]
async fn seeds_that_are_dead_are_passed_over() {
    let double = double(three());
    let dead = double.leader().unwrap();
    double.stop(dead);

    let log = connect(&double.uri(), "t.", unsteady()).await;

    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
}

#[tokio::test]
async fn any_node_may_be_preferred_for_reading() {
    let double = double(three());
    for preference in ["leader", "follower", "random", "readOnlyReplica"] {
        let uri = double.uri_with(&format!("nodePreference={preference}"));
        let log = connect(&uri, &format!("{preference}."), unsteady()).await;
        let stream = fresh_stream();
        let mut live = log.subscribe(None);

        let appended = log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();

        let seen: Vec<_> = live.by_ref().take(3).try_collect().await.unwrap();
        assert_eq!(seen.last().map(|event| event.position), Some(appended.position));
        assert_eq!(everything(log.read_all(None)).await, seen, "{preference}");
    }
}

/// Whoever reads waits for it first.
#[tokio::test]
async fn where_the_log_ends_is_told_soon_or_not_at_all() {
    let double = double(Options::default());
    let log = connect(&double.uri_with("defaultDeadline=1500"), "t.", unsteady()).await;
    let stream = fresh_stream();
    let appended = log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
    assert_eq!(log.head().await.unwrap(), Some(appended.position));

    // Nobody answers, nor does the subscription of the log's own come back.
    double.faults().delay(Duration::from_mins(1));
    double.faults().close_subscriptions(Ending::Ok);
    let fault = loop {
        let began = Instant::now();
        let told = log.head().await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        match told {
            Ok(head) => assert_eq!(head, Some(appended.position)),
            Err(fault) => break fault,
        }
        tokio::task::yield_now().await;
    };

    assert!(matches!(fault, LogFault::Unavailable { .. }), "{fault}");
    double.faults().clear();
    reaches(&log, true).await;
    assert_eq!(log.head().await.unwrap(), Some(appended.position));
}

#[tokio::test]
async fn while_the_cluster_is_away_calls_fail_and_then_all_goes_on() {
    let double = double(Options::default());
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..2)).await.unwrap();
    let mut live = log.subscribe(None);
    live.next().await.unwrap().unwrap();

    double.stop(0);
    let began = Instant::now();
    reaches(&log, false).await;
    // One call waits until the connection has been away for two seconds; none does after that.
    let append = log.append(&stream, Exact(StreamVersion(1)), events(&stream, [2])).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let began = Instant::now();
    let read = log.read_stream(&stream, None).try_next().await;
    let all = log.read_all(None).try_next().await;

    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let problem = "the log is unavailable: the cluster cannot be reached";
    assert_eq!(append.unwrap_err().to_string(), problem);
    assert!(matches!(read, Err(LogFault::Unavailable { .. })), "{read:?}");
    assert!(matches!(all, Err(LogFault::Unavailable { .. })), "{all:?}");
    double.restart(0).unwrap();
    reaches(&log, true).await;
    let given = events(&stream, [2]);
    let appended = log.append(&stream, Exact(StreamVersion(1)), given).await.unwrap();
    let rest: Vec<_> = live.take(2).try_collect().await.unwrap();
    assert_eq!(rest.iter().map(|it| it.version.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(log.head().await.unwrap(), Some(appended.position));
}
