//! A whole log copied to a cluster and back.

use std::{path::Path, sync::Arc};

use futures::TryStreamExt as _;
use jiff::SignedDuration;
use rusqlite::Connection;
use serde_json::{Value, json};
use shiplog_store::{
    clock::SystemClock,
    log::{Log as _, NewEvent},
    position::{ExpectedVersion, StreamVersion},
    sqlite::{FILE_NAME, SqliteLog},
    transfer::{Original, Replica as _},
};

use crate::{
    home::Home,
    support::{ask, say, shiplog, succeed},
};

/// Copies a whole log; tells what came of it.
fn transfer(from: &str, to: &str) -> Value {
    ask(shiplog().args(["transfer", "--quiet", "--from", from, "--to", to]))
}

#[test]
fn a_log_goes_to_a_cluster_and_back_event_by_event() {
    let (cluster, home) = (Home::on_a_cluster(1), tempfile::tempdir().unwrap());
    let place = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let file = |name: &str| Path::new(&place(name)).to_owned();
    let changes = "{\"time\":\"2026-01-01T09:00:00Z\",\"actor\":\"ann\",\"environment\":\"production\",\
        \"service\":\"checkout\",\"version\":\"1.0\",\"commit\":null}\n";
    std::fs::write(file("changes"), changes).unwrap();
    let import = |log: &str| {
        let mut command = shiplog();
        command.args(["import", "changes", "--quiet"]).arg(file("changes"));
        succeed(command.arg("--data").arg(file(log)));
    };
    import("log");
    let there = transfer(&place("log"), &cluster.cluster().uri());
    assert_eq!((&there["events"], &there["known"]), (&json!(2), &json!(0)));
    // More is recorded; a second transfer takes the rest.
    std::fs::write(file("changes"), changes.replace("1.0", "1.1").replace("T09", "T10")).unwrap();
    import("log");
    let more = transfer(&place("log"), &cluster.cluster().uri());
    assert_eq!((&more["events"], &more["known"]), (&json!(4), &json!(2)));
    let back = transfer(&cluster.cluster().uri(), &place("back"));
    assert_eq!(back["digest"], more["digest"]);
    assert_ne!(back["digest"], there["digest"]);

    // What holds something else is left as it is.
    import("other");
    let mut command = shiplog();
    command.args(["transfer", "--quiet", "--from", &place("log"), "--to", &place("other")]);
    let refused = command.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("event 1 of the source is version 0 of"), "{said}");
}

/// Copies a log into a directory as if servers with clocks that differ had recorded it: of every other
/// stream the times are earlier. The copy does not say so.
#[tokio::main(flavor = "current_thread")]
async fn skew(from: &str, to: &str) {
    let source = SqliteLog::open_read_only(Path::new(from)).unwrap();
    let target = SqliteLog::open(Path::new(to), Arc::new(SystemClock)).unwrap();
    let mut records = source.read_all(None);
    while let Some(record) = records.try_next().await.unwrap() {
        let before = record.version.0.checked_sub(1).map(StreamVersion);
        let is_early = record.stream.as_str().len().is_multiple_of(2);
        let early = SignedDuration::from_secs(if is_early { 60 } else { 0 });
        let original = Original { recorded_at: record.recorded_at - early, may_go_back: false };
        let event =
            NewEvent { id: record.id, metadata: record.metadata.into(), event: record.event };
        let expected = ExpectedVersion::from(before);
        target.replicate(&record.stream, expected, vec![event], original).await.unwrap();
    }
}

/// How many promises of the log in a directory are broken.
fn broken(directory: &str) -> u64 {
    let verified =
        shiplog().args(["verify", "--output", "json", "--data", directory]).output().unwrap();
    serde_json::from_slice::<Value>(&verified.stdout).unwrap()["broken"].as_u64().unwrap()
}

#[test]
fn a_copy_of_a_log_that_several_servers_wrote_is_held_to_what_that_promises() {
    let (cluster, home) = (Home::on_a_cluster(1), tempfile::tempdir().unwrap());
    let place = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let mut generate = shiplog();
    generate.args(["bench", "generate", "--quiet", "--events", "300", "--services", "9"]);
    succeed(generate.arg("--data").arg(place("log")));
    skew(&place("log"), &place("skewed"));
    assert!(broken(&place("skewed")) > 10, "one server wrote it, as far as it says");

    let there = transfer(&place("skewed"), &cluster.cluster().uri());
    let copied = transfer(&cluster.cluster().uri(), &place("copy"));
    assert_eq!(copied, there);
    assert_eq!(broken(&place("copy")), 0);
    // A backup is just that, and so is a copy of a copy.
    succeed(shiplog().args(["backup", "--data", &place("copy"), &place("backup")]));
    succeed(shiplog().args(["restore", "--data", &place("restored"), &place("backup")]));
    assert_eq!(broken(&place("restored")), 0);
    transfer(&place("restored"), &place("next"));
    assert_eq!(broken(&place("next")), 0);
    // A copy that an earlier Shiplog made is told by another transfer.
    transfer(&cluster.cluster().uri(), &place("skewed"));
    assert_eq!(broken(&place("skewed")), 0);

    // What one server records in it keeps what one server promises.
    let changes = "{\"time\":\"2026-01-01T09:00:00Z\",\"actor\":\"ann\",\"environment\":\"production\",\
        \"service\":\"new\",\"version\":\"1.0\",\"commit\":null}\n";
    std::fs::write(place("changes"), changes).unwrap();
    let mut import = shiplog();
    import.args(["import", "changes", "--quiet", &place("changes"), "--data", &place("next")]);
    succeed(&mut import);
    assert_eq!(broken(&place("next")), 0);
    let file = Connection::open(Path::new(&place("next")).join(FILE_NAME)).unwrap();
    let edit = "UPDATE events SET recorded_at = (SELECT min(recorded_at) FROM events) \
        WHERE position >= (SELECT max(position) - 1 FROM events)";
    assert_eq!(file.execute(edit, []).unwrap(), 2);
    drop(file);
    assert_eq!(broken(&place("next")), 1);
}

/// Copies the log of a directory to a cluster, and from there into another directory.
pub(crate) fn there_and_back(home: &Home) {
    let house = Home::on_a_cluster(1);
    let place = |name: &str| home.directory(name).to_str().unwrap().to_owned();
    let there = transfer(&place("one"), &house.cluster().uri());
    let back = transfer(&house.cluster().uri(), &place("back"));
    assert_eq!(back, there, "as many events, none of them known before, with one digest");
    say(&format!("{} events there and back: {}", back["events"], back["digest"]));
}
