//! How much of what changes the content of a log is noticed: flipped bits, torn pages, edits.
//!
//! The judge is a dump of every row by SQLite alone. The thresholds only ever rise.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use futures::TryStreamExt as _;
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use shiplog_projections::verify::verify;
use shiplog_store::{
    clock::SystemClock,
    log::{Log as _, NewEvent},
    position::{ExpectedVersion, StreamVersion},
    replica::{Original, Replica as _},
    sqlite::{FILE_NAME, SqliteLog, restore},
};
use tempfile::TempDir;

use crate::support::{Chance, say};

/// How many bits are flipped, of each kind of file, unless `SHIPLOG_FLIPS` says otherwise.
const FLIPS: usize = 300;

/// Of the content changes by a flipped bit in the log's file, how many of 1,000 are noticed at least.
const NOTICED_OF_FLIPS: usize = 720;

/// Of the edits by SQL, how many are noticed at least.
const NOTICED_EDITS: usize = 15;

const PAGE: usize = 4_096;

/// What deliberate hands do.
const EDITS: [&str; 16] = [
    "DELETE FROM events WHERE position = 7",
    "DELETE FROM events WHERE position = 1",
    "DELETE FROM events WHERE stream = (SELECT stream FROM events WHERE position = 9)",
    "UPDATE events SET position = position + 1000 WHERE position = (SELECT max(position) FROM events)",
    "UPDATE events SET version = version + 1000 WHERE position = 8",
    "UPDATE events SET recorded_at = 0 WHERE position = 8",
    "UPDATE events SET id = zeroblob(16) WHERE position = 8",
    "UPDATE events SET ignorable = 1 - ignorable WHERE position = 8",
    "UPDATE events SET readable_from = 9 WHERE position = 8",
    "UPDATE events SET schema = 9 WHERE position = 8",
    "UPDATE events SET data = CAST(replace(data, ':', ': ') AS BLOB) WHERE position = 8",
    "UPDATE events SET data = CAST(replace(data, '}', ',\"x\":1}') AS BLOB) WHERE position = 8",
    "UPDATE events SET metadata = CAST(replace(metadata, '}', ',\"x\":1}') AS BLOB) WHERE position = 8",
    "UPDATE streams SET name = name || '2' WHERE id = 1",
    "CREATE TRIGGER z AFTER INSERT ON events BEGIN UPDATE events SET data = x'7b7d'; END",
    "CREATE VIEW v AS SELECT * FROM events",
];

/// A whole log: the one of a story that a release of before has recorded.
fn original() -> Vec<u8> {
    frozen("schema-2-story")
}

/// A log that a release of before has recorded.
fn frozen(name: &str) -> Vec<u8> {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/logs");
    let packed = File::open(logs.join(name).join("log.sqlite.gz")).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

/// A hash of every row of every table, as SQLite alone reads them; an error is what it says of damage.
fn dump(directory: &Path) -> Result<u64, rusqlite::Error> {
    // With the WAL, which is read as every reader does.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let tables = Connection::open_with_flags(directory.join(FILE_NAME), flags)?;
    let mut rows = DefaultHasher::new();
    for table in ["log", "streams", "types", "events"] {
        let order = if table == "events" { "position" } else { "1" };
        let sql = format!("SELECT * FROM {table} NOT INDEXED ORDER BY {order}");
        let mut statement = tables.prepare(&sql)?;
        let columns = statement.column_count();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            for column in 0..columns {
                let value = row.get_ref(column)?;
                value.data_type().to_string().hash(&mut rows);
                match value {
                    ValueRef::Null | ValueRef::Real(_) => {}
                    ValueRef::Integer(number) => number.hash(&mut rows),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(&mut rows),
                }
            }
        }
    }
    Ok(rows.finish())
}

/// Whether opening the log, its file or the walk over its events finds anything.
async fn is_noticed(directory: &Path) -> bool {
    let Ok(log) = SqliteLog::open_read_only(directory) else { return true };
    let file = log.check_file().await;
    let walk = verify(&log).await;
    file.is_err()
        || !file.unwrap().is_empty()
        || walk.is_err()
        || !walk.unwrap().findings.is_empty()
}

/// Copies of a log that are changed one after the other, and what became of them.
struct Trials {
    directory: TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    before: u64,
    changed: usize,
    noticed: usize,
}

impl Trials {
    fn of(files: Vec<(&str, Vec<u8>)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = files.into_iter().map(|(name, it)| (directory.path().join(name), it)).collect();
        let mut trials = Self { directory, files, before: 0, changed: 0, noticed: 0 };
        trials.reset();
        trials.before = dump(trials.directory.path()).unwrap();
        trials
    }

    /// The log as it was; nothing that SQLite or Shiplog has made beside it is left.
    fn reset(&self) {
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
        for (path, bytes) in &self.files {
            fs::write(path, bytes).unwrap();
        }
    }

    /// Changes a file of it; says whether a change of the content went unnoticed.
    async fn change(&mut self, file: usize, how: impl FnOnce(&mut [u8])) -> bool {
        self.reset();
        let (path, bytes) = &self.files[file];
        let mut bytes = bytes.clone();
        how(&mut bytes);
        fs::write(path, &bytes).unwrap();
        let is_noticed = is_noticed(self.directory.path()).await;
        self.judge(is_noticed)
    }

    fn judge(&mut self, is_noticed: bool) -> bool {
        let is_changed = dump(self.directory.path()).ok().as_ref() != Some(&self.before);
        self.changed += usize::from(is_changed);
        self.noticed += usize::from(is_changed && is_noticed);
        is_changed && !is_noticed
    }

    fn tell(&self, what: &str) {
        let Self { changed, noticed, .. } = self;
        say(&format!("{what}: {noticed} of {changed} changes of the content are noticed"));
    }
}

/// How many bits are flipped.
fn flips() -> usize {
    let flips = std::env::var("SHIPLOG_FLIPS").ok().and_then(|flips| flips.parse().ok());
    flips.unwrap_or(FLIPS)
}

/// A bit of so many bytes.
fn bit(chance: &mut Chance, bytes: usize) -> (usize, u8) {
    let at = usize::try_from(chance.below(bytes as u64)).unwrap();
    (at, 1 << chance.below(8))
}

#[tokio::test]
async fn of_bits_that_are_flipped_in_the_log_most_are_noticed() {
    let (mut chance, original) = (Chance(7), frozen("schema-2-generated"));
    let mut trials = Trials::of(vec![(FILE_NAME, original.clone())]);
    assert!(!is_noticed(trials.directory.path()).await, "a whole log is sound");
    for _ in 0..flips() {
        let (at, mask) = bit(&mut chance, original.len());
        trials.change(0, |bytes| bytes[at] ^= mask).await;
    }
    trials.tell("bits of the log");
    assert!(trials.changed > flips() / 3);
    assert!(trials.noticed * 1_000 >= trials.changed * NOTICED_OF_FLIPS);
}

#[tokio::test]
async fn every_torn_page_is_noticed() {
    let original = original();
    let mut trials = Trials::of(vec![(FILE_NAME, original.clone())]);
    for page in 0..original.len() / PAGE {
        for half in 0..2 {
            let from = page * PAGE + half * PAGE / 2;
            let tear = |bytes: &mut [u8]| bytes[from..from + PAGE / 2].fill(0);
            assert!(!trials.change(0, tear).await, "page {page}, half {half}");
        }
    }
    trials.tell("torn pages");
}

#[tokio::test]
async fn edits_by_hand_are_noticed_but_for_those_that_keep_every_promise() {
    let trials = Trials::of(vec![(FILE_NAME, original())]);
    let mut noticed = 0;
    for edit in EDITS {
        trials.reset();
        let path = trials.directory.path().join(FILE_NAME);
        Connection::open(path).unwrap().execute_batch(edit).unwrap();
        if is_noticed(trials.directory.path()).await {
            noticed += 1;
        } else {
            say(&format!("unnoticed: {edit}"));
        }
    }
    say(&format!("{noticed} of {} edits are noticed", EDITS.len()));
    assert!(noticed >= NOTICED_EDITS);
}

#[tokio::test]
async fn every_bit_that_is_flipped_in_the_wal_is_noticed() {
    let (directory, mut chance) = (tempfile::tempdir().unwrap(), Chance(11));
    fs::write(directory.path().join("story.sqlite"), original()).unwrap();
    let story = SqliteLog::open_read_only(&directory.path().join("story.sqlite")).unwrap();
    let log = SqliteLog::open(directory.path(), std::sync::Arc::new(SystemClock)).unwrap();
    let mut records = story.read_all(None);
    while let Some(recorded) = records.try_next().await.unwrap() {
        let before = recorded.version.0.checked_sub(1).map(StreamVersion);
        let (id, metadata) = (recorded.id, recorded.metadata.into());
        let event = NewEvent { id, metadata, event: recorded.event };
        let recording = Original { recorded_at: recorded.recorded_at, may_go_back: false };
        let expected = ExpectedVersion::from(before);
        log.replicate(&recorded.stream, expected, vec![event], recording).await.unwrap();
    }
    let names = [FILE_NAME, "log.sqlite-wal", "log.sqlite-shm"];
    // As a kill would leave it.
    let files = names.map(|name| (name, fs::read(directory.path().join(name)).unwrap()));
    let wal = files[1].1.len();
    let mut trials = Trials::of(files.to_vec());
    for _ in 0..flips() {
        let (at, mask) = bit(&mut chance, wal);
        assert!(!trials.change(1, |bytes| bytes[at] ^= mask).await, "byte {at} of {wal}");
    }
    trials.tell("bits of the WAL");
    assert!(trials.changed > flips() / 2);
}

#[tokio::test]
async fn no_backup_with_a_flipped_bit_is_restored() {
    let (directory, mut chance) = (tempfile::tempdir().unwrap(), Chance(13));
    fs::write(directory.path().join(FILE_NAME), original()).unwrap();
    let log = SqliteLog::open_read_only(directory.path()).unwrap();
    let backup = directory.path().join("backup");
    log.backup_to(&backup).await.unwrap();
    let whole = fs::read(&backup).unwrap();
    let walk = async |_: &SqliteLog| Ok(None);
    for nth in 0..flips() {
        let (at, mask) = bit(&mut chance, whole.len());
        let mut flipped = whole.clone();
        flipped[at] ^= mask;
        fs::write(&backup, flipped).unwrap();
        let to = directory.path().join(format!("restored-{nth}"));
        assert!(restore(&backup, &to, walk).await.is_err(), "byte {at}");
    }
    say(&format!("{} backups with a flipped bit are not restored", flips()));
    fs::write(&backup, whole).unwrap();
    restore(&backup, &directory.path().join("restored"), walk).await.unwrap();
}
