//! What fails between `BEGIN` and the answer, as SQLite itself tells of it.

use std::{fs, path::Path};

use futures::TryStreamExt as _;
use rusqlite::ffi;
use shiplog_domain::metadata::{Actor, ActorKind, CorrelationId, Metadata, Via};

use super::*;
use crate::{
    clock::SystemClock,
    log::{Log as _, NewEvent},
    position::ExpectedVersion::{Exact, NoStream},
    sqlite::{FILE_NAME, SqliteLog},
};

fn open(directory: &Path) -> SqliteLog {
    SqliteLog::open(directory, Arc::new(SystemClock)).unwrap()
}

fn stream() -> StreamName {
    StreamName::recorded("a")
}

fn event(key: &str, bytes: usize) -> Vec<NewEvent> {
    let actor = Actor { kind: ActorKind::Service, id: "ci".into(), name: None, via: Via::Token };
    let metadata = Metadata {
        actor,
        idempotency_key: key.parse().unwrap(),
        request_digest: RequestDigest::of(&[key.as_bytes()]),
        correlation_id: CorrelationId(key.into()),
        causation_id: None,
        source: None,
    };
    let event = EncodedEvent {
        event_type: "It".into(),
        schema: 1,
        readable_from: 1,
        ignorable: true,
        data: vec![b' '; bytes],
    };
    let id = EventId::derive(&stream(), &metadata.idempotency_key, 0);
    vec![NewEvent { id, metadata: Arc::new(metadata), event }]
}

/// Does something to the writer's connection, once all that was asked before is done.
async fn meddle(log: &SqliteLog, how: fn(&mut Connection)) {
    let (done, waiting) = oneshot::channel();
    let requests = log.writing.as_ref().map(|writing| writing.requests.clone()).unwrap();
    let look = Request::Meddle(Box::new(move |connection| {
        how(connection);
        done.send(()).unwrap();
    }));
    requests.send(look).await.map_err(|_| "closed").unwrap();
    waiting.await.unwrap();
}

async fn keys(log: &SqliteLog) -> Vec<String> {
    let records: Vec<_> = log.read_all(None).try_collect().await.unwrap();
    let key = |metadata: Metadata| metadata.idempotency_key.as_str().to_owned();
    records.into_iter().map(|record| key(record.metadata)).collect()
}

/// The commit fails, and the transaction is gone.
fn fail_to_commit(connection: &mut Connection) {
    connection.commit_hook(Some(|| true)).unwrap();
}

/// The commit is there, and is reported as failed.
fn fail_after_commit(connection: &mut Connection) {
    let failed = || rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), None);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, _| Err(failed()))).unwrap();
}

/// The file must not grow.
fn fill_the_disk(connection: &mut Connection) {
    connection.execute_batch("PRAGMA max_page_count = 1").unwrap();
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_a_retry_either_way() {
    for how in [fail_to_commit, fail_after_commit] {
        let directory = tempfile::tempdir().unwrap();
        let log = open(directory.path());
        let before = log.append(&stream(), NoStream, event("before", 9)).await.unwrap();
        let mut live = log.subscribe(Some(before.position));
        meddle(&log, how).await;

        let expected = Exact(before.version);
        let (failed, with_it) = tokio::join!(
            async { log.append(&stream(), expected, event("key", 9)).await.unwrap_err() },
            async { log.append(&StreamName::recorded("b"), NoStream, event("x", 9)).await },
        );
        assert!(matches!(failed, AppendError::Fault(LogFault::OutcomeUnknown { .. })));
        // Those that were not in the same transaction find the log open again.
        drop(with_it);
        let settled = log.append(&stream(), expected, event("key", 9)).await.unwrap();
        let again = log.append(&stream(), expected, event("key", 9)).await.unwrap();

        assert_eq!(settled, again);
        assert_eq!(keys(&log).await.iter().filter(|key| *key == "key").count(), 1);
        assert!(log.head().await.unwrap() >= Some(settled.position));
        let seen = live.try_next().await.unwrap().unwrap();
        assert!(seen.position > before.position);
    }
}

#[tokio::test]
async fn a_full_disk_is_called_that_and_reading_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(&stream(), NoStream, event("before", 9)).await.unwrap();
    meddle(&log, fill_the_disk).await;

    let next = Exact(StreamVersion(0));
    let error = log.append(&stream(), next, event("key", 1 << 20)).await.unwrap_err();

    assert!(matches!(error, AppendError::Fault(LogFault::Unavailable { .. })));
    assert_eq!(error.to_string(), "the log is unavailable: the disk is full");
    assert_eq!(keys(&log).await, ["before"]);
    // The new connection knows no limit: the fault is gone, and so is its trace.
    log.append(&stream(), next, event("key", 1 << 20)).await.unwrap();
    assert_eq!(keys(&log).await, ["before", "key"]);
}

#[tokio::test]
async fn nothing_is_written_before_the_file_was_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, away) = (directory.path().join(FILE_NAME), directory.path().join("away"));
    let log = open(directory.path());
    log.append(&stream(), NoStream, event("before", 9)).await.unwrap();
    meddle(&log, fail_to_commit).await;
    fs::rename(&path, &away).unwrap();
    let next = Exact(StreamVersion(0));
    log.append(&stream(), next, event("key", 9)).await.unwrap_err();

    for _ in 0..3 {
        let error = log.append(&stream(), next, event("key", 9)).await.unwrap_err();
        let said = error.to_string();
        let expected = "the log is unavailable: writing failed and is not possible yet: ";
        assert!(said.starts_with(expected) && said.len() > expected.len(), "{said}");
        assert!(matches!(error, AppendError::Fault(LogFault::Unavailable { .. })));
    }
    assert!(!path.exists(), "no log was made in the place of the one that is missing");
}

#[tokio::test]
async fn a_log_in_memory_outlives_a_fault() {
    let log = SqliteLog::in_memory(Arc::new(SystemClock)).unwrap();
    log.append(&stream(), NoStream, event("before", 9)).await.unwrap();
    meddle(&log, fail_to_commit).await;

    log.append(&stream(), Exact(StreamVersion(0)), event("key", 9)).await.unwrap_err();

    assert_eq!(keys(&log).await, ["before"]);
}
