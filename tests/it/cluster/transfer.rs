//! A whole log copied to a cluster and back.

use std::path::Path;

use serde_json::{Value, json};

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

/// Copies the log of a directory to a cluster, and from there into another directory.
pub(crate) fn there_and_back(home: &Home) {
    let house = Home::on_a_cluster(1);
    let place = |name: &str| home.directory(name).to_str().unwrap().to_owned();
    let there = transfer(&place("one"), &house.cluster().uri());
    let back = transfer(&house.cluster().uri(), &place("back"));
    assert_eq!(back, there, "as many events, none of them known before, with one digest");
    say(&format!("{} events there and back: {}", back["events"], back["digest"]));
}
