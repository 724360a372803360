//! Servers whose log is on a cluster: side by side, without it, and copied to it and back.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use serde_json::{Value, json};
use shiplog_double::{Double, Options};
use tempfile::TempDir;

use crate::support::{PATIENCE, Server, ask, shiplog, succeed};

/// A cluster, and a directory for what its nodes keep.
struct House {
    cluster: Double,
    directory: TempDir,
}

impl House {
    fn new(nodes: usize) -> Self {
        let cluster = Double::start(Options { nodes, ..Options::default() }).unwrap();
        Self { cluster, directory: tempfile::tempdir().unwrap() }
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts a server on the cluster.
    fn server(&self, name: &str) -> Server {
        let data = self.directory(name);
        let mut command = shiplog();
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", &self.cluster.uri()]);
        Server::run(command.arg("--data").arg(data))
    }

    /// Rebuilds the read models of a server from the cluster; tells the digests of both.
    fn replay(&self, name: &str) -> Value {
        let mut command = shiplog();
        command.args(["replay", "--log", &self.cluster.uri()]);
        ask(command.arg("--data").arg(self.directory(name)))
    }
}

/// Copies a whole log; tells what came of it.
fn transfer(from: &str, to: &str) -> Value {
    ask(shiplog().args(["transfer", "--quiet", "--from", from, "--to", to]))
}

fn report(version: &str) -> Value {
    json!({"service": "checkout", "environment": "production", "status": "succeeded",
        "release": {"version": version}})
}

/// Reports a version; tells the answer's status, its token and the deployment.
fn post(server: &Server, key: &str, version: &str) -> (u16, String, Value) {
    let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
    let body = report(version).to_string();
    let answer = server.client().send("POST", "/v1/deployments", &headers, body.as_bytes());
    let token = answer.headers.get("shiplog-position");
    let token = token.map(|token| token.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status, token, answer.json())
}

fn lane(server: &Server, token: &str) -> Value {
    server.client().get_at("/v1/lanes/checkout/production", token)
}

#[test]
fn what_one_server_records_another_tells_of() {
    let house = House::new(3);
    let (one, other) = (house.server("one"), house.server("other"));
    for number in 1..=5 {
        let (writer, reader) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let (status, token, _) = post(writer, &format!("key-{number}"), &format!("1.{number}"));
        assert_eq!(status, 201);
        assert_eq!(lane(reader, &token)["current"]["number"], number);
    }
    // Asked again elsewhere, a request is answered as it was.
    let (status, _, again) = post(&one, "key-1", "1.1");
    assert_eq!((status, &again["number"]), (201, &json!(1)));
    // A third one that knows nothing catches up before it says that it is ready.
    let late = house.server("late");
    let ready = Instant::now();
    while late.client().get("/readyz").status != 200 {
        assert!(ready.elapsed() < PATIENCE, "it is never ready");
    }
    let there = late.client().get("/v1/lanes/checkout/production").expect(200).json();
    assert_eq!(there["current"]["number"], 5);
}

#[test]
fn servers_that_write_one_lane_side_by_side_lose_nothing_and_double_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 10;
    let house = House::new(3);
    let servers = [house.server("one"), house.server("other")];
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (servers, house) = (&servers, &house);
            scope.spawn(move || {
                for nth in 0..EACH {
                    if writer == 0 && nth % 3 == 0 {
                        // It is recorded, and nobody hears of it.
                        house.cluster.faults().drop_answers(1);
                    }
                    let key = format!("{writer}-{nth}");
                    // Whoever is told to try again does, with the same key, at the other server.
                    let mut server = writer;
                    while post(&servers[server % 2], &key, &key).0 != 201 {
                        server += 1;
                    }
                }
            });
        }
    });
    let recorded = house.cluster.events("lane-checkout@production");
    assert_eq!(recorded, 2 * (WRITERS * EACH) as u64, "each was requested and succeeded once");
    // The token of something newer than all of them.
    let (_, token, _) = post(&servers[0], "last", "last");
    let all = WRITERS * EACH + 1;
    let digests = servers.iter().zip(["one", "other"]).map(|(server, name)| {
        let list = server.client().pages("/v1/deployments", &token);
        let versions: BTreeSet<_> =
            list.iter().map(|one| one["release"]["version"].as_str().unwrap().to_owned()).collect();
        assert_eq!((list.len(), versions.len()), (all, all));
        let replayed = house.replay(name);
        let same = replayed.as_array().unwrap().iter().all(|one| one["verdict"] == "same");
        assert!(same, "{replayed}");
        replayed
    });
    let digests: Vec<_> = digests.collect();
    assert_eq!(digests[0], digests[1], "both servers derived the same");
    let verified = ask(shiplog().args(["verify", "--log", &house.cluster.uri()]));
    assert_eq!(verified["verdict"], "sound", "{verified}");
}

#[test]
fn without_the_cluster_reads_go_on_and_writes_say_when_to_try_again() {
    let house = House::new(1);
    let server = house.server("one");
    let (_, token, _) = post(&server, "before", "1.0");
    lane(&server, &token);
    house.cluster.stop(0);
    let refused = loop {
        let (status, _, problem) = post(&server, "during", "1.1");
        if status != 201 {
            assert_eq!(status, 503, "{problem}");
            break problem;
        }
    };
    assert!(["log-unavailable", "outcome-unknown"].contains(&refused["code"].as_str().unwrap()));
    let there = server.client().get("/v1/lanes/checkout/production").expect(200);
    assert_eq!(there.header("shiplog-position"), token, "it says up to where it tells");
    assert_eq!(there.json()["current"]["release"]["version"], "1.0");
    house.cluster.restart(0).unwrap();
    let again = Instant::now();
    let token = loop {
        let (status, token, _) = post(&server, "during", "1.1");
        if status == 201 {
            break token;
        }
        assert!(again.elapsed() < PATIENCE, "it does not come back");
    };
    let lane = lane(&server, &token);
    assert_eq!((&lane["current"]["number"], &lane["version"]), (&json!(2), &json!(3)));
}

#[test]
fn a_log_goes_to_a_cluster_and_back_event_by_event() {
    let (house, home) = (House::new(1), tempfile::tempdir().unwrap());
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
    let there = transfer(&place("log"), &house.cluster.uri());
    assert_eq!((&there["events"], &there["known"]), (&json!(2), &json!(0)));
    // More is recorded; a second transfer takes the rest.
    std::fs::write(file("changes"), changes.replace("1.0", "1.1").replace("T09", "T10")).unwrap();
    import("log");
    let more = transfer(&place("log"), &house.cluster.uri());
    assert_eq!((&more["events"], &more["known"]), (&json!(4), &json!(2)));
    let back = transfer(&house.cluster.uri(), &place("back"));
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

#[test]
fn two_servers_do_not_keep_their_read_models_in_one_directory() {
    let house = House::new(1);
    let _one = house.server("one");
    // Whether the second one has its log on the cluster or in that directory.
    let cluster = house.cluster.uri();
    for place in [["--log", &cluster].as_slice(), &[]] {
        let mut command = shiplog();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(place);
        let refused = command.arg("--data").arg(house.directory("one")).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(6), "{place:?}: {said}");
        assert!(said.contains("--data"), "{place:?}: {said}");
    }
}
