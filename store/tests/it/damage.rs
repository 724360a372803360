//! What a log is not opened with: objects of another hand, and a WAL of which a part is lost.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use shiplog_store::{
    clock::SystemClock,
    log::Log as _,
    position::ExpectedVersion::{Exact, NoStream},
    sqlite::{FILE_NAME, OpenError, SqliteLog, claim, survey},
};
use tempfile::TempDir;

use crate::support::{events, everything, fresh_stream, unsteady};

/// Of each page, and of what is in the WAL before it.
const PAGE: usize = 4_096;
const FRAME: usize = 24 + PAGE;
const HEADER: usize = 32;

/// A log of as many appends as there are numbers, as a killed process leaves it.
async fn crashed(appends: usize) -> TempDir {
    let (directory, left) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = SqliteLog::open(directory.path(), unsteady()).unwrap();
    let (stream, mut expected) = (fresh_stream(), NoStream);
    for number in 0..appends {
        let given = events(&stream, [number]);
        expected = Exact(log.append(&stream, expected, given).await.unwrap().version);
    }
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("{FILE_NAME}{suffix}");
        fs::copy(directory.path().join(&name), left.path().join(name)).unwrap();
    }
    left
}

fn file(directory: &Path, suffix: &str) -> PathBuf {
    directory.join(format!("{FILE_NAME}{suffix}"))
}

fn flip(path: &Path, at: usize, bit: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

/// How many frames the WAL has, which were all synced.
fn frames(directory: &Path) -> usize {
    let bytes = usize::try_from(fs::metadata(file(directory, "-wal")).unwrap().len()).unwrap();
    (bytes - HEADER) / FRAME
}

/// How many frames the last transaction in a WAL has: one that commits has the size of the file.
fn last_transaction(wal: &[u8]) -> usize {
    let frames = wal[HEADER..].chunks_exact(FRAME).rev().skip(1);
    1 + frames.take_while(|frame| frame[4..8] == [0; 4]).count()
}

/// Whether opening it to write, to read and to verify all say that it is damaged.
fn is_refused(directory: &Path) -> bool {
    let read = SqliteLog::open_read_only(directory).err();
    let (_, told) = SqliteLog::open_to_verify(directory, &SystemClock).unwrap();
    let written = SqliteLog::open(directory, unsteady()).err();
    let is_damage = |error: &Option<OpenError>| matches!(error, Some(OpenError::WalDamaged(_)));
    assert_eq!(is_damage(&read), told.is_some(), "{read:?} {told:?}");
    assert_eq!(is_damage(&written), told.is_some(), "{written:?} {told:?}");
    told.is_some()
}

#[test]
fn what_shiplog_did_not_make_is_named_and_the_log_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "");
    for (change, object) in [
        (
            "CREATE TRIGGER z AFTER INSERT ON events BEGIN DELETE FROM streams; END",
            "the trigger `z` was not made by Shiplog",
        ),
        ("CREATE VIEW v AS SELECT * FROM events", "the view `v` was not made by Shiplog"),
        ("CREATE TABLE t (a)", "the table `t` was not made by Shiplog"),
        ("CREATE INDEX i ON events (type)", "the index `i` was not made by Shiplog"),
        (
            "ALTER TABLE events ADD COLUMN more TEXT",
            "the table `events` is not defined as Shiplog defines it",
        ),
    ] {
        drop(SqliteLog::open(directory.path(), unsteady()).unwrap());
        Connection::open(&path).unwrap().execute_batch(change).unwrap();

        let errors = [
            SqliteLog::open(directory.path(), unsteady()).err().unwrap(),
            SqliteLog::open_read_only(directory.path()).err().unwrap(),
        ];

        for error in errors {
            let expected = format!("`{}` is not as Shiplog made it: {object}", path.display());
            assert_eq!(error.to_string(), expected);
        }
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn what_a_crash_leaves_is_no_damage() {
    let left = crashed(12).await;
    assert!(!is_refused(left.path()));
    let log = SqliteLog::open(left.path(), unsteady()).unwrap();
    assert_eq!(everything(log.read_all(None)).await.len(), 12);
}

#[tokio::test]
async fn a_bit_that_is_flipped_anywhere_in_the_wal_is_damage() {
    let left = crashed(12).await;
    let whole = fs::read(file(left.path(), "-wal")).unwrap();
    let index = fs::read(file(left.path(), "-shm")).unwrap();
    // Three in each frame: in its salts, in its checksum and in its page; and each field of the header.
    let of_frame = |frame: usize| [9, 18, 24 + 1_000].map(|at| HEADER + frame * FRAME + at);
    let places = (0..frames(left.path())).flat_map(of_frame).chain((0..HEADER).step_by(3));
    for at in places {
        flip(&file(left.path(), "-wal"), at, 2);
        assert!(is_refused(left.path()), "byte {at}");
        fs::write(file(left.path(), "-wal"), &whole).unwrap();
        fs::write(file(left.path(), "-shm"), &index).unwrap();
    }
}

#[tokio::test]
async fn without_its_index_a_wal_shows_damage_that_whole_transactions_are_behind() {
    let left = crashed(12).await;
    let (wal, count) = (file(left.path(), "-wal"), frames(left.path()));
    let whole = fs::read(&wal).unwrap();
    for frame in 0..count {
        fs::remove_file(file(left.path(), "-shm")).unwrap_or_default();
        flip(&wal, HEADER + frame * FRAME + 24 + 1_000, 2);
        let is_before_the_last = frame < count - last_transaction(&whole);
        assert_eq!(is_refused(left.path()), is_before_the_last, "frame {frame} of {count}");
        fs::write(&wal, &whole).unwrap();
        for lost in fs::read_dir(left.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if lost.is_dir() {
                fs::remove_dir_all(lost).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_last_transaction_that_a_power_cut_tore_is_no_damage() {
    let left = crashed(12).await;
    let wal = file(left.path(), "-wal");
    let whole = fs::read(&wal).unwrap();
    let last = whole.len() - last_transaction(&whole) * FRAME;
    // Of the last transaction some blocks did not reach the disk, in any order.
    for torn in 0..last_transaction(&whole) {
        fs::remove_file(file(left.path(), "-shm")).unwrap_or_default();
        let mut cut = whole.clone();
        let from = last + torn * FRAME;
        cut[from..from + 2_048].fill(0);
        fs::write(&wal, &cut).unwrap();
        assert!(SqliteLog::open_read_only(left.path()).is_ok(), "frame {torn} of the last");
    }
    fs::remove_file(file(left.path(), "-shm")).unwrap();
    let file = OpenOptions::new().write(true).open(&wal).unwrap();
    file.set_len((last + FRAME + 100) as u64).unwrap();
    let log = SqliteLog::open(left.path(), unsteady()).unwrap();
    assert_eq!(everything(log.read_all(None)).await.len(), 11);
}

#[tokio::test]
async fn frames_of_an_earlier_generation_are_no_damage() {
    let left = crashed(12).await;
    let earlier = fs::read(file(left.path(), "-wal")).unwrap();
    let log = SqliteLog::open(left.path(), unsteady()).unwrap();
    let stream = fresh_stream();
    log.append(&stream, NoStream, events(&stream, [0])).await.unwrap();
    let again = tempfile::tempdir().unwrap();
    fs::copy(file(left.path(), ""), file(again.path(), "")).unwrap();
    let mut wal = fs::read(file(left.path(), "-wal")).unwrap();
    // The first append is behind an old one that it did not reach.
    wal.extend_from_slice(&earlier[wal.len()..]);
    fs::write(file(again.path(), "-wal"), wal).unwrap();

    assert!(!is_refused(again.path()));

    let log = SqliteLog::open(again.path(), unsteady()).unwrap();
    assert_eq!(everything(log.read_all(None)).await.len(), 13);
}

#[tokio::test]
async fn a_wal_that_is_gone_or_cut_is_missed() {
    for cut in [0, HEADER, HEADER + 5 * FRAME] {
        let left = crashed(12).await;
        let wal = OpenOptions::new().write(true).open(file(left.path(), "-wal")).unwrap();
        wal.set_len(cut as u64).unwrap();
        assert!(is_refused(left.path()), "cut at {cut}");
    }
    let left = crashed(12).await;
    fs::remove_file(file(left.path(), "-wal")).unwrap();
    assert!(is_refused(left.path()));
    SqliteLog::open_claimed(claim(left.path()).unwrap(), unsteady(), true).unwrap();
    SqliteLog::open(left.path(), unsteady()).unwrap();
}

#[tokio::test]
async fn a_damaged_wal_is_kept_once_and_the_log_goes_on_when_the_loss_is_accepted() {
    let left = crashed(12).await;
    let wal = file(left.path(), "-wal");
    flip(&wal, HEADER + FRAME + 24 + 1_000, 2);
    let damaged = fs::read(&wal).unwrap();
    let lost = || -> Vec<_> {
        let entries = fs::read_dir(left.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    };
    for _ in 0..3 {
        SqliteLog::open(left.path(), unsteady()).err().unwrap();
        SqliteLog::open_to_verify(left.path(), &SystemClock).unwrap();
    }
    let kept = lost();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(file(&kept[0], "-wal")).unwrap(), damaged);
    assert_eq!(fs::read(file(&kept[0], "")).unwrap(), fs::read(file(left.path(), "")).unwrap());
    assert_eq!(fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o700);

    let lock = claim(left.path()).unwrap();
    let found = survey(&lock, &SystemClock).unwrap().unwrap();
    assert_eq!(found.damage.unwrap().kept.as_ref(), Some(&kept[0]));
    let log = SqliteLog::open_claimed(lock, unsteady(), true).unwrap();

    assert_eq!(log.head().await.unwrap(), found.head);
    assert!(everything(log.read_all(None)).await.len() < 12);
    drop(log);
    SqliteLog::open(left.path(), unsteady()).unwrap();
    assert_eq!((lost(), fs::read(file(&kept[0], "-wal")).unwrap()), (kept, damaged));
}

#[tokio::test]
async fn a_log_that_is_being_written_is_read_without_alarm() {
    let directory = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(directory.path(), unsteady()).unwrap();
    let stream = fresh_stream();
    let mut expected = NoStream;
    for number in 0..200 {
        let given = events(&stream, [number]);
        expected = Exact(log.append(&stream, expected, given).await.unwrap().version);
        if number % 20 == 0 {
            SqliteLog::open_read_only(directory.path()).unwrap();
        }
    }
}

#[test]
fn what_is_made_is_the_owners_alone_and_what_an_earlier_release_made_too() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let log = SqliteLog::open(&directory, unsteady()).unwrap();
    for name in ["log.lock", FILE_NAME, "log.sqlite-wal", "log.sqlite-shm"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&directory), 0o700);
    drop(log);
    fs::create_dir(directory.join("read-models")).unwrap();
    fs::write(directory.join("read-models/current-v1-g1.sqlite"), "").unwrap();
    fs::write(directory.join("mine"), "").unwrap();
    for (name, loose) in [
        ("", 0o755),
        (FILE_NAME, 0o644),
        ("log.lock", 0o644),
        ("read-models", 0o755),
        ("read-models/current-v1-g1.sqlite", 0o644),
        ("mine", 0o644),
    ] {
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(loose)).unwrap();
    }

    drop(SqliteLog::open(&directory, unsteady()).unwrap());

    for (name, tight) in [
        ("", 0o700),
        (FILE_NAME, 0o600),
        ("log.lock", 0o600),
        ("read-models", 0o700),
        ("read-models/current-v1-g1.sqlite", 0o600),
        ("mine", 0o644),
    ] {
        assert_eq!(mode(&directory.join(name)), tight, "{name}");
    }
}

#[test]
fn a_lock_that_leads_elsewhere_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(&victim, data.join("log.lock")).unwrap();

    let error = SqliteLog::open(&data, unsteady()).err().unwrap();

    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}
