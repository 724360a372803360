//! A machine that fails stops one read model, which says so and goes on when it can.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use shiplog_domain::{
    lane::{LaneId, Outcome},
    metadata::EventId,
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_projections::models::{Model, Phase, ReadModels};
use shiplog_store::{
    log::{Appended, NewEvent},
    position::{ExpectedVersion, GlobalPosition, StreamVersion},
};

use crate::support::{World, lane, metadata, report};

const PATIENCE: Duration = Duration::from_secs(30);

/// Appends past the rules, as a damaged or a newer Shiplog would.
async fn append(
    world: &World,
    stream: &StreamName,
    expected: ExpectedVersion,
    event: EncodedEvent,
) -> Appended {
    let metadata = metadata(7_777);
    let id = EventId::derive(stream, &metadata.idempotency_key, 0);
    let new = NewEvent { id, metadata: Arc::new(metadata), event };
    world.log.append(stream, expected, vec![new]).await.unwrap()
}

async fn start(world: &World, directory: &Path) -> ReadModels {
    ReadModels::start(&world.log, directory).await.unwrap()
}

async fn reaches(model: &Model, position: GlobalPosition) {
    model.at_least(position, PATIENCE).await.unwrap();
}

async fn stalls(model: &Model, position: GlobalPosition) -> String {
    let behind = model.at_least(position, PATIENCE).await.unwrap_err();
    assert!(behind.stalled, "{behind:?}");
    match model.progress().phase {
        Phase::Stalled { why } => why,
        other @ (Phase::CatchingUp | Phase::Live) => unreachable!("{} is {other:?}", model.name()),
    }
}

/// The file of the read model with this name.
fn file_of(directory: &Path, name: &str) -> PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_its = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.starts_with(name) && file.ends_with(".sqlite")
    };
    files.into_iter().find(is_its).unwrap()
}

async fn one_success(world: &World) -> LaneId {
    let lane = lane("checkout");
    world.tell(&lane, report(1, "1", Outcome::Succeeded)).await;
    lane
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_shiplog_wrote_is_passed_over_and_counted_where_it_says_so() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    let lane = one_success(&world).await;
    let event = EncodedEvent {
        event_type: Cow::Borrowed("DeploymentAdmired"),
        schema: 1,
        readable_from: 1,
        ignorable: true,
        data: b"{}".to_vec(),
    };
    let after = ExpectedVersion::Exact(StreamVersion(1));
    let new = append(&world, &lane.stream(), after, event).await;
    let models = start(&world, directory.path()).await;
    for model in models.all() {
        reaches(model, new.position).await;
        assert_eq!(model.progress().skipped, 1, "{}", model.name());
    }
    models.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_whose_file_somebody_else_writes_says_so_and_goes_on_when_it_is_free() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    let models = start(&world, directory.path()).await;
    let other = rusqlite::Connection::open(file_of(directory.path(), "history")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    one_success(&world).await;
    let head = world.log.head().await.unwrap().unwrap();
    let why = stalls(&models.history, head).await;
    assert!(why.contains("locked"), "{why}");
    reaches(&models.current, head).await;
    other.execute_batch("ROLLBACK").unwrap();
    let free = async {
        while models.history.at_least(head, PATIENCE).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
    models.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_opened_to_ask_is_the_machine_s_fault_and_not_the_question_s() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    let models = start(&world, directory.path()).await;
    let file = file_of(directory.path(), "history");
    let away = directory.path().join("away");
    fs::rename(&file, &away).unwrap();
    let error = models.history.query(|_| Ok(())).await.unwrap_err();
    assert!(error.is_machine(), "{error}");
    fs::rename(&away, &file).unwrap();
    models.history.query(|_| Ok(())).await.unwrap();
    models.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_model_follows_what_is_recorded_and_goes_on_after_a_restart() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    for round in 0..3 {
        let models = start(&world, directory.path()).await;
        for step in 0..5 {
            let version = format!("{round}.{step}");
            let at = i64::from(round * 10 + step);
            world.tell(&lane("checkout"), report(at, &version, Outcome::Succeeded)).await;
            let head = world.log.head().await.unwrap().unwrap();
            for model in models.all() {
                reaches(model, head).await;
            }
        }
        models.stop().await;
    }
}

/// Keeps what readers and writers share of a read model from being made, as a disk without room does.
fn take_the_room(directory: &Path, name: &str) -> PathBuf {
    let file = file_of(directory, name);
    let shared = file.with_extension("sqlite-shm");
    std::os::unix::fs::symlink("nowhere", &shared).unwrap();
    shared
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_whose_file_cannot_be_opened_says_so_answers_and_goes_on_when_it_can_be() {
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    let models = start(&world, directory.path()).await;
    one_success(&world).await;
    let before = world.log.head().await.unwrap().unwrap();
    reaches(&models.history, before).await;
    models.stop().await;
    drop(models);
    let shared = take_the_room(directory.path(), "history");
    world.tell(&lane("search"), report(2, "1", Outcome::Succeeded)).await;
    let head = world.log.head().await.unwrap().unwrap();

    let models = start(&world, directory.path()).await;
    reaches(&models.current, head).await;
    let why = stalls(&models.history, head).await;
    assert!(why.contains("its file cannot be opened"), "{why}");
    let answer = models.history.query(|_| Ok(())).await.unwrap();
    assert_eq!(answer.position, Some(before), "it answers from what is there");
    fs::remove_file(shared).unwrap();
    let opened = async {
        while models.history.at_least(head, PATIENCE).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap();
    models.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_cannot_be_made_yet_are_made_when_they_can_be_and_stop_meanwhile() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    one_success(&world).await;
    let head = world.log.head().await.unwrap().unwrap();
    let directory = place.path().join("models");
    fs::write(&directory, "no directory").unwrap();
    let models = start(&world, &directory).await;
    for model in models.all() {
        stalls(model, head).await;
    }
    models.stop().await;

    let models = start(&world, &directory).await;
    fs::remove_file(&directory).unwrap();
    let made = async {
        for model in models.all() {
            while model.at_least(head, PATIENCE).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, made).await.unwrap();
    models.stop().await;
}
