//! Servers while the cluster is away.

use std::time::Instant;

use serde_json::json;
use shiplog_double::{Double, Options};

use super::{lane, post};
use crate::{
    home::Home,
    support::{Client, PATIENCE, shiplog},
};

#[test]
fn without_the_cluster_reads_go_on_and_writes_say_when_to_try_again() {
    let home = Home::on_a_cluster(1);
    let server = home.server("one");
    let (_, token, _) = post(&server, "before", "1.0");
    lane(&server, &token);
    home.cluster().stop(0);
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
    home.cluster().restart(0).unwrap();
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

/// Waits until the server says that it is ready.
fn is_ready(client: &Client) {
    let asked = Instant::now();
    loop {
        let answer = client.get("/readyz");
        if answer.status == 200 {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "it is never ready: {}", answer.text());
    }
}

#[test]
fn a_server_that_starts_without_the_cluster_tells_what_it_knew_and_resumes_by_itself() {
    let home = Home::on_a_cluster(1);
    let server = home.server("one");
    let (_, token, before) = post(&server, "before", "1.0");
    for path in ["environments", "deployments", "rollbacks", "releases"] {
        server.client().get_at(&format!("/v1/{path}"), &token);
    }
    assert!(server.stop().success());
    home.cluster().stop(0);

    let server = home.server("one");
    let client = server.client();
    let there = client.get("/v1/lanes/checkout/production").expect(200);
    assert_eq!(there.header("shiplog-position"), token, "it says up to where it tells");
    assert_eq!(there.json()["current"]["release"]["version"], "1.0");
    let ready = client.get("/readyz").expect(503).json();
    assert_eq!(ready["status"], "log_unavailable");
    assert_eq!(ready["projections"][0]["checkpoint"], before["position"], "{ready}");
    assert_eq!(ready["projections"][0]["lag_events"], json!(null), "{ready}");
    let age = ready["projections"][0]["recorded_at"].as_str().unwrap();
    assert!(age >= before["requested_at"].as_str().unwrap(), "{ready}");
    client.get("/v1/projections").expect(200);
    client.get("/metrics").expect(200);
    let body = br#"{"service": "a", "environment": "b", "release": {"version": "1"}}"#;
    let kind = [("Content-Type", "application/json")];
    let refused = client.send("POST", "/v1/deployments", &kind, body).expect(503);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["code"], "log-unavailable");

    home.cluster().restart(0).unwrap();
    is_ready(&client);
    let (status, token, _) = post(&server, "after", "1.1");
    assert_eq!(status, 201);
    assert_eq!(lane(&server, &token)["current"]["number"], 2);
}

#[test]
fn a_first_server_waits_for_the_cluster_and_says_so() {
    let home = Home::on_a_cluster(1);
    home.cluster().stop(0);
    let server = home.server("one");
    let client = server.client();
    client.get("/livez").expect(200);
    let ready = client.get("/readyz").expect(503).json();
    assert_eq!((&ready["status"], &ready["log"]), (&json!("log_unavailable"), &json!(null)));
    let refused = client.get("/v1/environments").expect(503);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["code"], "log-unavailable");

    home.cluster().restart(0).unwrap();
    is_ready(&client);
    assert_eq!(post(&server, "first", "1.0").0, 201);
}

#[test]
fn a_server_can_be_stopped_while_it_waits() {
    let home = Home::on_a_cluster(1);
    home.cluster().stop(0);
    assert!(home.server("one").stop().success());
}

/// The cluster has been made anew meanwhile.
#[test]
fn what_was_derived_from_another_log_is_made_anew_when_the_cluster_comes() {
    let home = Home::on_a_cluster(1);
    let server = home.server("one");
    let (_, token, _) = post(&server, "before", "1.0");
    lane(&server, &token);
    assert!(server.stop().success());

    let port = home.cluster().address(0).unwrap().rsplit(':').next().unwrap().parse().unwrap();
    home.cluster().stop(0);
    let server = home.server("one");
    assert_eq!(server.client().get("/readyz").status, 503);
    let _other = Double::start(Options { port, ..Options::default() }).unwrap();
    is_ready(&server.client());
    server.client().get("/v1/lanes/checkout/production").expect(404);
    let (status, other, _) = post(&server, "before", "1.0");
    assert_eq!(status, 201);
    assert_ne!(other.split_once(':').unwrap().0, token.split_once(':').unwrap().0);
}

#[test]
fn what_no_waiting_helps_is_told_at_once() {
    let login = Some(("us".to_owned(), "secret".to_owned()));
    let guarded = Double::start(Options { login, ..Options::default() }).unwrap();
    let old = Double::start(Options { version: "21.10.8".into(), ..Options::default() }).unwrap();
    let wrong = guarded.uri().replace("secret", "wrong");
    let home = tempfile::tempdir().unwrap();
    for (address, code, problem) in [
        (wrong, 6, "the cluster refuses the credentials"),
        (old.uri(), 6, "the server's version is `21.10.8`"),
        (old.uri_with("tsl=no"), 2, "it has no parameter `tsl`"),
    ] {
        let mut command = shiplog();
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", &address]);
        let ended = command.arg("--data").arg(home.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(problem) && !said.contains("wrong"), "{said}");
    }
}

#[test]
fn a_read_model_that_knows_more_than_the_cluster_is_kept_aside_and_made_anew() {
    let home = Home::on_a_cluster(1);
    let server = home.server("one");
    let (_, token, _) = post(&server, "before", "1.0");
    lane(&server, &token);
    assert!(server.stop().success());
    // As if the cluster had been restored from a backup.
    let data = home.directory("one");
    let files =
        || std::fs::read_dir(data.join("read-models")).unwrap().map(|it| it.unwrap().path());
    let history = files().find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("history-") && name.ends_with(".sqlite")
    });
    let history = history.unwrap();
    let tables = rusqlite::Connection::open(&history).unwrap();
    tables.execute("UPDATE checkpoint SET position = position + 1000000", []).unwrap();
    drop(tables);

    let server = home.server("one");

    let listed = server.client().get_at("/v1/deployments", &token);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let lost = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let lost: Vec<_> = lost.filter(|path| path.to_str().unwrap().contains("lost-")).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].join("read-models").join(history.file_name().unwrap()).is_file());
}
