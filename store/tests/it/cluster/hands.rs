//! What an operator, or anybody else, does to one stream of a cluster past Shiplog.

use shiplog_domain::stream::StreamName;
use shiplog_double::{Double, Options};
use shiplog_store::{
    eventstoredb::EventStoreDbLog,
    log::{AppendError, Log, LogFault, Recorded},
    position::{
        ExpectedVersion::{Exact, NoStream},
        StreamVersion,
    },
};

use futures::StreamExt as _;

use super::{connect, double};
use crate::support::{events, fresh_stream, unsteady};

/// One thing that is done, and what takes it back.
struct Hand {
    does: fn(&Double, &str),
    undoes: Option<fn(&Double, &str)>,
    /// What is said of it.
    said: &'static str,
    /// Whether it is seen as it is done.
    is_heard: bool,
}

fn clear(double: &Double, stream: &str) {
    double.set(stream, "{}");
}

const HANDS: [Hand; 7] = [
    Hand {
        does: |double, stream| assert!(double.delete(stream, false)),
        undoes: Some(clear),
        said: "somebody has deleted the stream",
        is_heard: true,
    },
    Hand {
        does: |double, stream| assert!(double.delete(stream, true)),
        undoes: None,
        said: "somebody has deleted the stream for ever",
        is_heard: true,
    },
    Hand {
        does: |double, stream| double.set(stream, r#"{"$maxCount":2}"#),
        undoes: Some(clear),
        said: "(`$maxCount`)",
        is_heard: true,
    },
    Hand {
        does: |double, stream| double.set(stream, r#"{"$tb":2}"#),
        undoes: Some(clear),
        said: "(`$tb`)",
        is_heard: true,
    },
    Hand {
        does: |double, stream| double.write_into(stream, "Greeting", true, b"{}"),
        undoes: None,
        said: "Shiplog did not write the `Greeting` there",
        is_heard: true,
    },
    Hand {
        does: |double, stream| double.write_into(stream, "Blob", false, b"\x00\xff"),
        undoes: None,
        said: "Shiplog did not write the `Blob` there",
        is_heard: true,
    },
    Hand {
        does: |double, stream| double.lose(stream, 1),
        undoes: None,
        said: "it has version `2` where `1` is due",
        is_heard: false,
    },
];

fn said(fault: &LogFault) -> String {
    assert!(matches!(fault, LogFault::Unreadable(_) | LogFault::StreamDamaged { .. }), "{fault:?}");
    fault.to_string()
}

/// Appends a fourth event; what is said instead.
async fn refused(log: &EventStoreDbLog, stream: &StreamName) -> String {
    let appended = log.append(stream, Exact(StreamVersion(2)), events(stream, [3])).await;
    let AppendError::Fault(fault) = appended.unwrap_err() else { panic!("it is a fault") };
    said(&fault)
}

/// Waits until the log has heard of it.
async fn heard(log: &EventStoreDbLog, stream: &StreamName) -> String {
    loop {
        if let Err(fault) = log.heard_damage(stream).await {
            return said(&fault);
        }
        tokio::task::yield_now().await;
    }
}

/// A log of two streams with three events each.
async fn filled(double: &Double) -> (EventStoreDbLog, [StreamName; 2]) {
    let log = connect(&double.uri(), "t.", unsteady()).await;
    let streams = [fresh_stream(), fresh_stream()];
    for stream in &streams {
        log.append(stream, NoStream, events(stream, 0..3)).await.unwrap();
    }
    (log, streams)
}

#[tokio::test]
async fn a_server_that_knew_a_stream_hears_of_each_hand_and_appends_nothing_more_to_it() {
    for Hand { does, undoes, said: expected, is_heard } in HANDS {
        if !is_heard {
            continue;
        }
        let double = double(Options::default());
        let (log, [touched, other]) = filled(&double).await;
        let physical = format!("t.{touched}");
        does(&double, &physical);
        let before = double.events(&physical);

        let told = heard(&log, &touched).await;

        assert!(told.contains(expected), "{told}");
        let told = refused(&log, &touched).await;
        assert!(told.contains(expected), "{told}");
        assert_eq!(double.events(&physical), before, "{expected}");
        log.append(&other, Exact(StreamVersion(2)), events(&other, [3])).await.unwrap();
        let Some(undoes) = undoes else { continue };
        undoes(&double, &physical);
        while log.heard_damage(&touched).await.is_err() {
            tokio::task::yield_now().await;
        }
        log.append(&touched, Exact(StreamVersion(2)), events(&touched, [3])).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_starts_later_finds_each_hand_before_and_after_a_scavenge() {
    for Hand { does, undoes: _, said: expected, is_heard: _ } in HANDS {
        for is_scavenged in [false, true] {
            let double = double(Options::default());
            let (log, [touched, other]) = filled(&double).await;
            drop(log);
            let physical = format!("t.{touched}");
            does(&double, &physical);
            if is_scavenged {
                double.scavenge();
            }
            let before = double.events(&physical);

            let log = connect(&double.uri(), "t.", unsteady()).await;

            let told = said(&log.examine(&touched).await.unwrap_err());
            assert!(told.contains(expected), "{told}");
            let told = refused_or_stale(&log, &touched).await;
            assert!(told.contains(expected), "{told}, {is_scavenged}");
            assert_eq!(double.events(&physical), before, "{expected}");
            log.examine(&other).await.unwrap();
            log.append(&other, Exact(StreamVersion(2)), events(&other, [3])).await.unwrap();
        }
    }
}

/// As [`refused`], by whoever reads the stream before.
async fn refused_or_stale(log: &EventStoreDbLog, stream: &StreamName) -> String {
    let mut records = log.read_stream(stream, None);
    let mut due = 0;
    while let Some(read) = records.next().await {
        match read {
            Ok(Recorded { version, .. }) if version == StreamVersion(due) => due += 1,
            Ok(Recorded { version, .. }) => {
                return format!(
                    "it has version `{version}` where `{due}` is due (`$tb`) (`$maxCount`)"
                );
            }
            Err(fault) => return said(&fault),
        }
    }
    refused(log, stream).await
}

#[tokio::test]
async fn who_reads_everything_is_told_of_each_hand_in_its_place_and_goes_on() {
    for Hand { does, undoes: _, said: expected, is_heard } in HANDS {
        let double = double(Options::default());
        let (log, [touched, other]) = filled(&double).await;
        let mut live = log.subscribe(None);
        does(&double, &format!("t.{touched}"));
        log.append(&other, Exact(StreamVersion(2)), events(&other, [3])).await.unwrap();

        let (mut of_other, mut damage) = (0, Vec::new());
        while of_other < 4 {
            match live.next().await.unwrap() {
                Ok(recorded) if recorded.stream == other => of_other += 1,
                Ok(_) => {}
                Err(LogFault::Unreadable(unreadable)) => damage.push(unreadable),
                Err(fault) => panic!("{fault}"),
            }
        }

        if is_heard {
            assert_eq!(damage.len(), 1, "{expected}: {damage:?}");
            assert_eq!(damage[0].stream.as_ref(), Some(&touched));
            assert!(damage[0].problem.contains(expected), "{damage:?}");
        }
    }
}
