//! A stream whose events do not fit is set aside, stops no other one, and is folded to its end when it is
//! mended.

use std::{borrow::Cow, fs, path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;
use shiplog_domain::{
    lane::{DeploymentNumber, Event, Lane, LaneId, Outcome, Succeeded},
    metadata::EventId,
    stream::StreamName,
    wire::{EncodedEvent, encode},
};
use shiplog_projections::{
    current::{self, AsOf},
    damage::DamagedStream,
    digest::{Digest, digest},
    models::{Model, Phase, ReadModels},
    verify::verify,
};
use shiplog_store::{
    clock::SystemClock,
    execute::Streams,
    log::{Log, NewEvent},
    position::{ExpectedVersion, GlobalPosition, StreamVersion},
    sqlite::{FILE_NAME, SqliteLog},
};
use tempfile::TempDir;

use crate::support::{lane, metadata, report};

const PATIENCE: Duration = Duration::from_mins(1);

/// Something that somebody does to the log's file, and what takes it back.
struct Hand {
    does: &'static str,
    undoes: &'static str,
    /// What is said of it.
    said: &'static str,
}

/// The second event of the lane `checkout` is at position 4.
const HANDS: [Hand; 6] = [
    Hand {
        does: "UPDATE events SET metadata = x'7b' WHERE position = 4",
        undoes: "UPDATE events SET metadata = (SELECT metadata FROM kept) WHERE position = 4",
        said: "its metadata",
    },
    Hand {
        does: "UPDATE events SET data = x'7b' WHERE position = 4",
        undoes: "UPDATE events SET data = (SELECT data FROM kept) WHERE position = 4",
        said: "is damaged",
    },
    Hand {
        does: "UPDATE events SET id = x'00' WHERE position = 4",
        undoes: "UPDATE events SET id = (SELECT id FROM kept) WHERE position = 4",
        said: "the event id has not 16 bytes",
    },
    Hand {
        does: "UPDATE events SET type = 99 WHERE position = 4",
        undoes: "UPDATE events SET type = (SELECT type FROM kept) WHERE position = 4",
        said: "type `99` has no name",
    },
    Hand {
        does: "DELETE FROM events WHERE position = 4",
        undoes: "INSERT INTO events SELECT * FROM kept",
        said: "it has version `2` where `1` is due",
    },
    Hand {
        does: r#"UPDATE events SET data = cast(replace(data, '"number":1', '"number":9') AS BLOB)
                 WHERE position = 4"#,
        undoes: "UPDATE events SET data = (SELECT data FROM kept) WHERE position = 4",
        said: "it speaks of deployment `#9`, which nothing requested",
    },
];

/// A log in a file: two events of `search`, four of `checkout`, two of `search`.
struct World {
    directory: TempDir,
    log: Arc<dyn Log>,
    lanes: Streams<Lane>,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log: Arc<dyn Log> =
            Arc::new(SqliteLog::open(directory.path(), Arc::new(SystemClock)).unwrap());
        let world = Self { directory, lanes: Streams::new(Arc::clone(&log)), log };
        for (nth, service) in ["search", "checkout", "checkout", "search"].iter().enumerate() {
            world.deploy(service, nth).await;
        }
        world
    }

    async fn deploy(&self, service: &str, nth: usize) {
        let second = 1_000 + i64::try_from(nth).unwrap();
        let command = report(second, &format!("1.{nth}"), Outcome::Succeeded);
        let stream = lane(service).stream();
        let metadata = metadata(second);
        self.lanes.execute(&stream, None, command, metadata, |_, _| ()).await.unwrap();
    }

    fn file(&self) -> Connection {
        Connection::open(self.directory.path().join(FILE_NAME)).unwrap()
    }

    fn sql(&self, sql: &str) {
        self.file().execute_batch(sql).unwrap();
    }

    async fn head(&self) -> GlobalPosition {
        self.log.head().await.unwrap().unwrap()
    }

    async fn models(&self, directory: &Path) -> ReadModels {
        ReadModels::start(&self.log, directory).await.unwrap()
    }

    /// Appends past the rules, as a damaged or a newer Shiplog would.
    async fn append(&self, lane: &LaneId, version: u64, event: EncodedEvent) -> GlobalPosition {
        let (stream, metadata) = (lane.stream(), metadata(7_777));
        let id = EventId::derive(&stream, &metadata.idempotency_key, 0);
        let new = NewEvent { id, metadata: Arc::new(metadata), event };
        let after = ExpectedVersion::Exact(StreamVersion(version));
        self.log.append(&stream, after, vec![new]).await.unwrap().position
    }
}

async fn level(models: &ReadModels, head: GlobalPosition) {
    for model in models.all() {
        model.at_least(head, PATIENCE).await.unwrap();
        assert_eq!(model.progress().phase, Phase::Live, "{}", model.name());
    }
}

fn damage(model: &Model) -> Vec<DamagedStream> {
    model.progress().damaged.to_vec()
}

/// Waits until nothing is set aside any more.
async fn whole(models: &ReadModels) {
    let mended = async {
        for model in models.all() {
            while !model.progress().damaged.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, mended).await.unwrap();
}

/// What each read model's file holds, by its name.
fn digests(directory: &Path) -> Vec<(String, Digest)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "sqlite"));
    let mut digests: Vec<_> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, digest(&Connection::open(path).unwrap()).unwrap())
        })
        .collect();
    digests.sort_by(|(one, _), (other, _)| one.cmp(other));
    digests
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_one_lane_the_others_go_on_and_it_is_whole_once_it_is_undone() {
    let tasks = HANDS.map(|hand| tokio::spawn(each_hand(hand)));
    for task in tasks {
        task.await.unwrap();
    }
}

async fn each_hand(Hand { does, undoes, said }: Hand) {
    let (world, models) = (World::new().await, tempfile::tempdir().unwrap());
    let sound = tempfile::tempdir().unwrap();
    let kept = world.file();
    kept.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM events WHERE position = 4")
        .unwrap();
    kept.execute_batch(does).unwrap();

    let served = world.models(models.path()).await;
    world.deploy("search", 9).await;
    level(&served, world.head().await).await;

    let checkout = lane("checkout").stream();
    for model in served.all() {
        let damage = damage(model);
        let [damaged] = &*damage else { panic!("{does}: {}: {damage:?}", model.name()) };
        assert_eq!(damaged.stream.as_ref(), Some(&checkout), "{does}");
        assert!(damaged.problem.contains(said), "{does}: {damaged}");
    }
    let searched = served.current.query(|view| {
        current::lane(view, &lane("search"), AsOf::at(jiff::Timestamp::MAX))
            .map(|lane| lane.is_some())
    });
    assert!(searched.await.unwrap().value, "{does}");
    let found = verify(&*world.log).await.unwrap().findings;
    assert!(found.iter().any(|one| one.stream.as_ref() == Some(&checkout)), "{does}: {found:?}");
    assert!(found.iter().all(|one| one.stream != Some(lane("search").stream())), "{found:?}");

    kept.execute_batch(undoes).unwrap();
    whole(&served).await;
    let fresh = world.models(sound.path()).await;
    level(&fresh, world.head().await).await;
    served.stop().await;
    fresh.stop().await;
    assert_eq!(digests(models.path()), digests(sound.path()), "{does}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_while_a_server_runs_is_set_aside_and_stays_so_after_a_restart() {
    let (world, models) = (World::new().await, tempfile::tempdir().unwrap());
    let served = world.models(models.path()).await;
    let checkout = lane("checkout");
    let at = jiff::Timestamp::UNIX_EPOCH;
    let unheard = Event::Succeeded(Succeeded { number: DeploymentNumber(9), at });
    let bad = world.append(&checkout, 3, encode(&unheard)).await;
    level(&served, bad).await;
    let before = damage(&served.history);
    assert_eq!(before.iter().map(|one| one.position).collect::<Vec<_>>(), [bad]);
    served.stop().await;

    let served = world.models(models.path()).await;
    world.deploy("search", 9).await;
    level(&served, world.head().await).await;

    assert_eq!(damage(&served.history), before);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_newer_shiplog_reads_is_set_aside_and_says_so() {
    let (world, models) = (World::new().await, tempfile::tempdir().unwrap());
    let event = EncodedEvent {
        event_type: Cow::Borrowed("DeploymentUndone"),
        schema: 1,
        readable_from: 1,
        ignorable: false,
        data: b"{}".to_vec(),
    };
    let new = world.append(&lane("checkout"), 3, event).await;
    let served = world.models(models.path()).await;
    level(&served, new).await;
    for model in served.all() {
        let damage = damage(model);
        let [damaged] = &*damage else { panic!("{}: {damage:?}", model.name()) };
        assert!(damaged.problem.contains("a newer Shiplog is needed"), "{damaged}");
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_is_left_out_of_a_rebuild_in_the_same_way() {
    let (world, models) = (World::new().await, tempfile::tempdir().unwrap());
    world.sql("UPDATE events SET metadata = x'7b' WHERE position = 4");
    let served = world.models(models.path()).await;
    level(&served, world.head().await).await;
    let before = digests(models.path());
    served.stop().await;

    let again = tempfile::tempdir().unwrap();
    let served = world.models(again.path()).await;
    level(&served, world.head().await).await;
    served.stop().await;

    assert_eq!(digests(again.path()), before);
}

/// Nobody knows which stream it was of: it is told by its position.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_does_not_even_tell_its_stream_is_told_by_its_position() {
    let (world, models) = (World::new().await, tempfile::tempdir().unwrap());
    let file = world.file();
    file.execute_batch(
        "PRAGMA foreign_keys = OFF; UPDATE events SET stream = 77 WHERE position = 4",
    )
    .unwrap();
    let served = world.models(models.path()).await;
    level(&served, world.head().await).await;

    let damage = damage(&served.current);

    assert_eq!((&damage[0].stream, damage[0].position), (&None::<StreamName>, GlobalPosition(4)));
    served.stop().await;
}
