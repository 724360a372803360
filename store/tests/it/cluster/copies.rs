//! A log that is copied to a cluster, several appends at a time.

use jiff::Timestamp;
use shiplog_double::{Double, Options};
use shiplog_store::{
    log::{Log as _, LogFault},
    position::{ExpectedVersion, StreamVersion},
    replica::{Copied, Original, Replica as _},
    sqlite::SqliteLog,
    transfer::{TransferError, Transferred, transfer},
};

use super::{connect, double};
use crate::support::{events, everything, fresh_stream, unsteady};

/// How many streams the log has, and how many events each of them.
const STREAMS: usize = 7;
const EVENTS: usize = 40;

/// A log whose streams take turns.
async fn source() -> SqliteLog {
    let log = SqliteLog::in_memory(unsteady()).unwrap();
    let streams: Vec<_> = (0..STREAMS).map(|_| fresh_stream()).collect();
    for number in 0..EVENTS {
        let before = number.checked_sub(1).map(|last| StreamVersion(last as u64));
        for stream in &streams {
            let expected = ExpectedVersion::from(before);
            log.append(stream, expected, events(stream, [number])).await.unwrap();
        }
    }
    log
}

/// Copies a log to the double, which does something wrong as soon as some events are copied.
async fn copy(fault: fn(&Double)) -> Result<Transferred, TransferError> {
    let (double, source) = (double(Options::default()), source().await);
    let target = connect(&double.uri(), "t.", unsteady()).await;
    let mut is_due = true;
    let mut tell = |_, events| {
        if events > 60 && std::mem::take(&mut is_due) {
            fault(&double);
        }
    };
    transfer(&source, &target, &mut tell).await
}

#[tokio::test]
async fn the_order_of_all_events_is_kept() {
    let copied = copy(|_| {}).await.unwrap();
    assert_eq!(copied.events, (STREAMS * EVENTS) as u64);
}

#[tokio::test]
async fn what_is_lost_on_the_way_is_sent_again_in_its_order() {
    for fault in [
        |double: &Double| double.faults().drop_answers(1),
        |double: &Double| double.faults().time_out(1),
        |double: &Double| {
            double.stop(0);
            double.restart(0).unwrap();
        },
        |double: &Double| double.faults().refuse(64),
    ] {
        let copied = copy(fault).await.unwrap();
        assert_eq!((copied.events, copied.known), ((STREAMS * EVENTS) as u64, 0));
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_kept_is_an_error_and_nothing_more_is_copied() {
    let error = copy(|double| double.faults().refuse(1)).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("it was recorded before version"), "{said}");
    assert!(said.contains("copy into an empty cluster once more"), "{said}");
}

#[tokio::test]
async fn nothing_is_appended_behind_what_conflicts() {
    let double = double(Options::default());
    let target = connect(&double.uri(), "t.", unsteady()).await;
    let (one, other) = (fresh_stream(), fresh_stream());
    let original = Original { recorded_at: Timestamp::UNIX_EPOCH, may_go_back: true };
    let copied = |stream: &_, expected, number| Copied {
        stream: Clone::clone(stream),
        expected,
        events: events(stream, [number]),
        original,
    };
    let first = ExpectedVersion::NoStream;
    target.replicate_all(vec![copied(&one, first, 0), copied(&other, first, 0)]).await.unwrap();
    // It is there already, and is recorded once.
    target.replicate_all(vec![copied(&one, first, 0), copied(&other, first, 0)]).await.unwrap();
    let conflict = target.replicate_all(vec![copied(&one, first, 1)]).await.unwrap_err();
    assert_eq!(conflict.what, format!("version 0 of `{one}`"));
    assert!(!matches!(
        conflict.error,
        shiplog_store::log::AppendError::Fault(LogFault::Corrupt { .. })
    ));
    assert_eq!(everything(target.read_all(None)).await.len(), 2);
}
