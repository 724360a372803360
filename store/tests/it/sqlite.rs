//! The file: who may open it, what it is when it is opened again, and copies of it.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use futures::StreamExt as _;
use rusqlite::Connection;
use shiplog_store::{
    log::{AppendError, Clocks, Log, LogFault},
    position::{
        ExpectedVersion::{Exact, NoStream},
        GlobalPosition, StreamVersion,
    },
    replica::{Original, Replica as _},
    sqlite::{BackupError, FILE_NAME, OpenError, SqliteLog},
};

use crate::support::{events, everything, fresh_stream, unsteady};

fn open(directory: &Path) -> Result<SqliteLog, OpenError> {
    SqliteLog::open(directory, unsteady())
}

fn refusal(opened: Result<SqliteLog, OpenError>) -> OpenError {
    opened.map(|_| ()).unwrap_err()
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_second_writer_is_turned_away() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();

    let error = refusal(open(directory.path()));

    let lock = directory.path().join("log.lock");
    assert_eq!(
        error.to_string(),
        format!("another shiplog process has it open: `{}` is locked", lock.display())
    );
    drop(log);
    open(directory.path()).unwrap();
}

/// What a crash would leave of an open log.
fn crash(of: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{FILE_NAME}{suffix}");
        fs::copy(of.join(&name), left.path().join(name)).unwrap();
    }
    left
}

#[tokio::test]
async fn what_a_crash_left_in_the_wal_is_in_the_file_before_more_is_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let stream = fresh_stream();
    let given = events(&stream, 0..3);
    log.append(&stream, NoStream, given[..2].to_vec()).await.unwrap();
    let before = everything(log.read_all(None)).await;

    let left = crash(directory.path());
    let log = open(left.path()).unwrap();
    log.append(&stream, Exact(StreamVersion(1)), given[2..].to_vec()).await.unwrap();

    // A page of the old WAL that never reached the disk would have taken the rest with it.
    let cut = crash(left.path());
    fs::remove_file(cut.path().join(format!("{FILE_NAME}-wal"))).unwrap();
    let kept = SqliteLog::open_read_only(cut.path()).unwrap();
    assert_eq!(everything(kept.read_all(None)).await, before);
}

#[tokio::test]
async fn what_is_recorded_in_a_copy_is_never_before_the_position_or_the_version_before() {
    let directory = tempfile::tempdir().unwrap();
    let (ahead, behind) = (fresh_stream(), fresh_stream());
    let log = open(directory.path()).unwrap();
    // The clock of the test says 2023; that of whoever wrote the original did not.
    let recorded_at = "2030-01-01T00:00:01Z".parse().unwrap();
    let original = Original { recorded_at, may_go_back: true };
    log.replicate(&ahead, NoStream, events(&ahead, 0..1), original).await.unwrap();
    let earlier = Original { recorded_at: "2030-01-01T00:00:00Z".parse().unwrap(), ..original };
    log.replicate(&behind, NoStream, events(&behind, 0..1), earlier).await.unwrap();
    drop(log);

    let log = open(directory.path()).unwrap();
    assert_eq!(log.clocks().await.unwrap(), Clocks::SeveralUntil(GlobalPosition(2)));
    let first = log.append(&behind, Exact(StreamVersion(0)), events(&behind, 1..2)).await.unwrap();
    let second = log.append(&ahead, Exact(StreamVersion(0)), events(&ahead, 1..2)).await.unwrap();
    let third = log.append(&behind, Exact(StreamVersion(1)), events(&behind, 2..3)).await.unwrap();

    assert_eq!(first.recorded_at, earlier.recorded_at);
    assert_eq!(second.recorded_at, recorded_at);
    assert_eq!(third.recorded_at, recorded_at);
    assert_eq!(log.clocks().await.unwrap(), Clocks::SeveralUntil(GlobalPosition(2)));
}

#[tokio::test]
async fn a_log_is_the_same_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("made").join("on opening");
    let stream = fresh_stream();
    let given = events(&stream, 0..3);
    let log = open(&place).unwrap();
    let (id, original) = (log.id(), log.append(&stream, NoStream, given.clone()).await.unwrap());
    let before = everything(log.read_all(None)).await;
    drop(log);
    assert_eq!(names_in(&place), BTreeSet::from([FILE_NAME.into(), "log.lock".into()]));

    // The new clock is behind: it begins anew.
    let log = open(&place).unwrap();

    assert_eq!(log.id(), id);
    assert_eq!(log.head().await.unwrap(), Some(original.position));
    assert_eq!(everything(log.read_all(None)).await, before);
    assert_eq!(log.append(&stream, NoStream, given).await.unwrap(), original);
    let next = log.append(&stream, Exact(StreamVersion(2)), events(&stream, [3])).await.unwrap();
    assert_eq!(next.version, StreamVersion(3));
    assert!(next.position > original.position && next.recorded_at >= original.recorded_at);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_recorded_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let stream = fresh_stream();
    let log = open(directory.path()).unwrap();
    {
        let append = log.append(&stream, NoStream, events(&stream, 0..3));
        // Polled once, it is in the queue.
        assert!(futures::poll!(append).is_pending());
    }
    drop(log);

    let log = open(directory.path()).unwrap();
    assert_eq!(everything(log.read_stream(&stream, None)).await.len(), 3);
}

#[test]
fn a_file_that_is_no_log_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let foreign = || {
        let database = Connection::open(&path).unwrap();
        database.execute_batch("CREATE TABLE recipes (title TEXT)").unwrap();
    };
    let text = || fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    let cases: [(&dyn Fn(), &str); 2] = [
        (&foreign, "it is a database of another application"),
        (&text, "it is not an SQLite database"),
    ];
    for (make, problem) in cases {
        make();
        let before = fs::read(&path).unwrap();

        let error = refusal(open(directory.path()));
        let same = refusal(SqliteLog::open_read_only(directory.path()));

        let expected = format!("`{}` is not a shiplog log: {problem}", path.display());
        assert_eq!([error.to_string(), same.to_string()], [expected.clone(), expected]);
        assert_eq!(fs::read(&path).unwrap(), before);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_newer_format_is_not_guessed_at() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    drop(open(directory.path()).unwrap());
    Connection::open(&path).unwrap().execute("UPDATE log SET format = 2", []).unwrap();

    let error = refusal(open(directory.path()));

    assert_eq!(
        error.to_string(),
        format!(
            "`{}` has format `2`; this binary knows up to `1`: a newer Shiplog is needed",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_log_whose_end_does_not_fit_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let (path, stream) = (directory.path().join(FILE_NAME), fresh_stream());
    let log = open(directory.path()).unwrap();
    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
    drop(log);
    Connection::open(&path).unwrap().execute("DELETE FROM streams", []).unwrap();

    let error = refusal(open(directory.path()));

    assert!(error.to_string().ends_with("is damaged: its last event does not fit its stream"));
}

#[tokio::test]
async fn what_cannot_have_been_written_is_named_in_its_place_and_what_follows_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (path, stream) = (directory.path().join(FILE_NAME), fresh_stream());
    let log = open(directory.path()).unwrap();
    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();
    for (damage, problem) in [
        ("metadata = x'7b'", "its metadata: EOF while parsing an object at line 1 column 1"),
        ("id = x'00'", "the event id has not 16 bytes"),
        ("schema = 70000", "a schema number is out of range"),
        ("type = 9", "type `9` has no name"),
    ] {
        let database = Connection::open(&path).unwrap();
        let damage = format!("UPDATE events SET {damage} WHERE position = 2");
        database.execute(&damage, []).unwrap();

        let read: Vec<_> = log.read_all(None).collect().await;

        let [Ok(_), Err(error @ LogFault::Unreadable(_)), Ok(_)] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!(error.to_string(), format!("event 2 of `{stream}` is damaged: {problem}"));
        let mend = "UPDATE events SET metadata = (SELECT metadata FROM events WHERE position = 1),
                    id = x'000102030405060708090a0b0c0d0e0f', schema = 1 WHERE position = 2";
        database.execute(mend, []).unwrap();
    }
}

#[tokio::test]
async fn a_log_can_be_read_while_another_process_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let missing = refusal(SqliteLog::open_read_only(directory.path()));
    assert!(matches!(missing, OpenError::Missing { .. }));
    let (log, stream) = (open(directory.path()).unwrap(), fresh_stream());
    let reader = SqliteLog::open_read_only(directory.path()).unwrap();
    assert_eq!((reader.id(), reader.head().await.unwrap()), (log.id(), None));

    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();

    assert_eq!(reader.head().await.unwrap(), log.head().await.unwrap());
    assert_eq!(everything(reader.read_all(None)).await, everything(log.read_all(None)).await);
    let next = Exact(StreamVersion(2));
    let error = reader.append(&stream, next, events(&stream, [3])).await.unwrap_err();
    assert!(matches!(error, AppendError::Fault(LogFault::Unavailable { .. })));
    assert_eq!(error.to_string(), "the log is unavailable: it was opened for reading only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_writing_is_a_whole_beginning_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(open(directory.path()).unwrap());
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, 0..500)).await.unwrap();
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            let (stream, mut expected) = (fresh_stream(), NoStream);
            for number in 0..300 {
                let given = events(&stream, [number]);
                expected = Exact(log.append(&stream, expected, given).await.unwrap().version);
            }
        }
    });

    let mut copies = Vec::new();
    for name in ["first", "second", "third"] {
        let copy = directory.path().join(name).join(FILE_NAME);
        fs::create_dir(copy.parent().unwrap()).unwrap();
        let head = log.backup_to(&copy).await.unwrap();
        copies.push((copy, head));
    }
    writer.await.unwrap();

    let whole = everything(log.read_all(None)).await;
    assert_eq!(whole.len(), 800);
    for (copy, head) in copies {
        let place = copy.parent().unwrap();
        let restored = open(place).unwrap();
        assert_eq!((restored.id(), restored.head().await.unwrap()), (log.id(), head));
        let records = everything(restored.read_all(None)).await;
        assert!(records.len() >= 500);
        assert_eq!(records, whole[..records.len()]);
        drop(restored);
        let names = [FILE_NAME, "log.lock", "log.sqlite.sha256"].map(Into::into);
        assert_eq!(names_in(place), BTreeSet::from(names));
    }
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("taken");
    fs::write(&taken, "precious").unwrap();

    for log in [open(directory.path()).unwrap(), SqliteLog::in_memory(unsteady()).unwrap()] {
        let error = log.backup_to(&taken).await.unwrap_err();

        assert!(matches!(error, BackupError::Exists { .. }));
        assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    }
    assert!(!names_in(directory.path()).iter().any(|name| name.ends_with(".partial")));
}

#[tokio::test]
async fn a_log_in_memory_can_be_backed_up_too() {
    let directory = tempfile::tempdir().unwrap();
    let (log, stream) = (SqliteLog::in_memory(unsteady()).unwrap(), fresh_stream());
    log.append(&stream, NoStream, events(&stream, 0..3)).await.unwrap();

    log.backup_to(&directory.path().join(FILE_NAME)).await.unwrap();

    let restored = open(directory.path()).unwrap();
    assert_eq!(everything(restored.read_all(None)).await, everything(log.read_all(None)).await);
}
