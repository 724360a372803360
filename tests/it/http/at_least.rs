//! Read your own writes: an answer that tells at least of what a token stands for.

use std::thread;

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, back, deployment, reported, step, succeeded},
    server::{Answer, Server},
};

/// Every read that comes from a read model.
fn reads() -> [String; 9] {
    [
        DEPLOYMENTS.into(),
        deployment(1),
        LANE.into(),
        "/v1/environments".into(),
        "/v1/environments/production".into(),
        format!("/v1/environments/production/diff?from={}&to={}", at("09:00"), at("12:00")),
        "/v1/rollbacks".into(),
        "/v1/releases".into(),
        "/v1/releases/checkout/1.0".into(),
    ]
}

fn read(server: &Server, path: &str, token: &str) -> Answer {
    server.ask("GET", path).header("Shiplog-At-Least", token).send()
}

/// The log's id, and the position in it.
fn parts(token: &str) -> (&str, u64) {
    let (log, position) = token.split_once(':').unwrap();
    (log, position.parse().unwrap())
}

#[test]
fn a_write_is_seen_by_whoever_has_its_token() {
    let server = Server::start();
    for number in 1_u32..=30 {
        let body = reported(&format!("1.{number}"), &format!("10:{number:02}"));
        let answer = server.ask("POST", DEPLOYMENTS).json(&body).send().expect(201);
        let token = answer.header("shiplog-position");
        let lane = read(&server, LANE, token).expect(200);
        assert_eq!(lane.json()["current"]["number"], number);
        let list = read(&server, "/v1/deployments?limit=1", token).expect(200);
        assert_eq!(list.json()["items"][0]["number"], number);
        let release = read(&server, &format!("/v1/releases/checkout/1.{number}"), token);
        assert_eq!(release.expect(200).json()["runs_in"], json!(["production"]));
    }
}

#[test]
fn who_sends_no_token_is_told_of_all_that_was_recorded_before_too() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    for number in 2_u32..=30 {
        let body = reported(&format!("1.{number}"), &format!("10:{number:02}"));
        let answer = server.ask("POST", DEPLOYMENTS).json(&body).send().expect(201);
        let token = answer.header("shiplog-position");
        for path in reads() {
            let read = server.ask("GET", &path).send();
            assert_eq!(read.header("shiplog-position"), token, "{path}");
        }
    }
}

#[test]
fn every_write_and_every_read_says_how_far_it_is() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let written = server.ask("POST", &step(2, "notes")).json(&json!({"text": "fine"})).send();
    let token = written.expect(200).header("shiplog-position").to_owned();
    assert_eq!(parts(&token).1, 5, "five events are recorded");
    let paths = reads().into_iter().chain(["/v1/events".into(), "/v1/projections".into()]);
    for path in paths {
        let answer = read(&server, &path, &token).expect(200);
        assert_eq!(answer.header("shiplog-position"), token, "{path}");
    }
    let refused = server.ask("POST", DEPLOYMENTS).json(&back(9)).send().expect(409);
    assert_eq!(refused.header("shiplog-position"), "", "what is refused is nowhere in the log");
}

#[test]
fn a_token_of_another_log_is_told_apart() {
    let (server, other) = (Server::start(), Server::start());
    succeeded(&server, &["1.0"]);
    let (theirs, ours) = (other.position(), server.position());
    for path in reads() {
        let problem = read(&server, &path, &theirs).problem(409, "other-log");
        let detail = problem["detail"].as_str().unwrap();
        let logs = [parts(&theirs).0, parts(&ours).0];
        assert!(logs.iter().all(|log| detail.contains(log)), "{path}: {detail}");
    }
}

#[test]
fn what_is_not_there_in_time_is_said_to_be_behind() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let position = server.position();
    let (log, head) = parts(&position);
    let future = format!("{log}:{}", head + 1);
    thread::scope(|scope| {
        for path in reads() {
            let (server, future) = (&server, &future);
            scope.spawn(move || {
                let problem = read(server, &path, future).problem(503, "projection-behind");
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains(&format!("is at position {head}")), "{path}: {detail}");
            });
        }
    });
}

#[test]
fn who_asks_for_what_is_about_to_come_waits_for_it() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let position = server.position();
    let (log, head) = parts(&position);
    let next = format!("{log}:{}", head + 1);
    let answer = thread::scope(|scope| {
        let waiting = scope.spawn(|| read(&server, LANE, &next));
        server.post(DEPLOYMENTS, &asked("1.1"));
        waiting.join().unwrap()
    });
    assert_eq!(answer.expect(200).json()["in_progress"]["number"], 2);
}

#[test]
fn an_empty_log_has_a_token_too() {
    let server = Server::start();
    let token = server.position();
    assert_eq!(parts(&token).1, 0);
    let list = read(&server, DEPLOYMENTS, &token).expect(200);
    assert_eq!(list.json(), json!({"items": [], "next": Value::Null}));
}

#[test]
fn a_token_outlives_the_server() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let token = server.position();
    let server = server.restart();
    assert_eq!(server.position(), token);
    assert_eq!(read(&server, LANE, &token).expect(200).json()["current"]["number"], 1);
}
