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

#[tokio::test]
async fn whether_it_can_be_written_is_known_from_the_last_append_and_tried_again_after_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(&stream(), NoStream, event("before", 9)).await.unwrap();
    log.writable().await.unwrap();
    meddle(&log, fill_the_disk).await;
    // Nobody knows it yet.
    log.writable().await.unwrap();

    log.append(&stream(), Exact(StreamVersion(0)), event("key", 1 << 20)).await.unwrap_err();
    let refusal = log.writing.as_ref().map(|writing| writing.refusal.clone()).unwrap();
    assert!(refusal.borrow().is_some());
    // The connection that is opened again knows no limit.
    log.writable().await.unwrap();

    assert!(refusal.borrow().is_none());
    assert_eq!(keys(&log).await, ["before"], "an attempt records nothing");
}

/// Keeps what readers and writers share from being made, as a disk without room does.
fn take_the_room(directory: &Path) -> PathBuf {
    let shared = directory.join(format!("{FILE_NAME}-shm"));
    std::os::unix::fs::symlink("nowhere", &shared).unwrap();
    shared
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_read_all_the_same_and_written_as_soon_as_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let before = open(directory.path());
    before.append(&stream(), NoStream, event("before", 9)).await.unwrap();
    drop(before);
    let shared = take_the_room(directory.path());

    let log = open(directory.path());
    assert_eq!(keys(&log).await, ["before"]);
    assert_eq!(log.head().await.unwrap(), Some(GlobalPosition(1)));
    let mut live = log.subscribe(Some(GlobalPosition(1)));
    fs::remove_file(shared).unwrap();
    log.writable().await.unwrap();
    log.append(&stream(), Exact(StreamVersion(0)), event("key", 9)).await.unwrap();

    assert_eq!(keys(&log).await, ["before", "key"]);
    assert_eq!(live.try_next().await.unwrap().unwrap().position, GlobalPosition(2));
}

#[tokio::test]
async fn appends_to_a_log_that_cannot_be_written_are_refused_as_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    take_the_room(directory.path());

    let log = open(directory.path());
    let error = log.append(&stream(), NoStream, event("key", 9)).await.unwrap_err();

    assert!(matches!(error, AppendError::Fault(LogFault::Unavailable { .. })), "{error}");
    log.writable().await.unwrap_err();
    assert_eq!(keys(&log).await, [""; 0]);
}

#[test]
fn a_log_that_cannot_be_read_either_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    take_the_room(directory.path());
    let refused = SqliteLog::open(directory.path(), Arc::new(SystemClock)).map(drop);
    assert!(refused.is_err(), "there is no log yet");
}
