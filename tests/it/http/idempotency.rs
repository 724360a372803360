//! A request that is sent again is recorded once, and answered as it was the first time.

use std::{collections::HashSet, thread};

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, back, deployment, step, succeeded, with},
    server::{Answer, Server},
};

fn keyed(server: &Server, key: &str, path: &str, body: &Value) -> Answer {
    server.ask("POST", path).header("Idempotency-Key", key).json(body).send()
}

/// Another answer, which says the same as the first one and that it says it again.
#[track_caller]
fn repeats(again: &Answer, first: &Answer) {
    assert_eq!(again.status, first.status, "{again:?}");
    assert_eq!(again.text, first.text);
    for name in ["etag", "location", "shiplog-position", "idempotency-key"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(first.header("idempotency-replayed"), "", "the first one repeats nothing");
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[test]
fn the_same_request_again_gets_the_same_answer_and_records_nothing() {
    let server = Server::start();
    let first = keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0")).expect(201);
    let before = server.position();
    repeats(&keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0")), &first);
    assert_eq!(server.position(), before);
}

#[test]
fn a_replayed_answer_is_of_its_own_deployment_however_much_has_happened_since() {
    let server = Server::start();
    succeeded(&server, &["0.9"]);
    let first = keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0")).expect(201);
    let started = keyed(&server, "run-2", &step(2, "start"), &json!({})).expect(200);
    server.post(&step(2, "succeed"), &json!({}));
    server.post(DEPLOYMENTS, &back(1));
    server.post(DEPLOYMENTS, &asked("1.1"));
    let before = server.position();

    let again = keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0"));
    repeats(&again, &first);
    assert_eq!(again.json()["number"], 2);
    assert_eq!(again.header("location"), deployment(2));
    let again = keyed(&server, "run-2", &step(2, "start"), &json!({}));
    repeats(&again, &started);
    assert_eq!(again.json()["status"], "started");
    assert_eq!(server.position(), before);
}

#[test]
fn keys_outlive_the_server() {
    let server = Server::start();
    let first = keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0")).expect(201);
    let ended = keyed(&server, "run-2", &step(1, "succeed"), &json!({})).expect(200);
    server.post(DEPLOYMENTS, &asked("1.1"));
    let server = server.restart();
    repeats(&keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0")), &first);
    repeats(&keyed(&server, "run-2", &step(1, "succeed"), &json!({})), &ended);
    let other = keyed(&server, "run-1", DEPLOYMENTS, &asked("9.9"));
    other.problem(409, "idempotency-key-reused");
    assert_eq!(server.get(LANE)["version"], 2);
}

#[test]
fn another_request_under_the_key_is_told_so() {
    let server = Server::start();
    let body = with(asked("1.0"), json!({"reason": "train 31"}));
    keyed(&server, "run-1", DEPLOYMENTS, &body).expect(201);
    let before = server.position();
    let others = [
        (DEPLOYMENTS.to_owned(), with(body.clone(), json!({"reason": "train 32"}))),
        (DEPLOYMENTS.to_owned(), asked("1.0")),
        (DEPLOYMENTS.to_owned(), with(body.clone(), json!({"at": at("10:00")}))),
        (DEPLOYMENTS.to_owned(), with(body.clone(), json!({"actor": "ana"}))),
        (step(1, "start"), json!({})),
    ];
    for (path, other) in others {
        let problem = keyed(&server, "run-1", &path, &other).problem(409, "idempotency-key-reused");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`run-1`"), "{detail}");
    }
    let ask = server.ask("POST", DEPLOYMENTS).header("Idempotency-Key", "run-1");
    let somebody_else = ask.header("Shiplog-Actor", "ana").json(&body).send();
    somebody_else.problem(409, "idempotency-key-reused");
    assert_eq!(server.position(), before);
}

#[test]
fn the_same_fields_in_another_order_are_the_same_request() {
    let server = Server::start();
    let send = |body: &str| {
        let ask = server.ask("POST", DEPLOYMENTS).header("Idempotency-Key", "run-1");
        ask.header("Content-Type", "application/json").body(body).send().expect(201)
    };
    let first = send(
        r#"{"service": "checkout", "environment": "production", "labels": {"a": "1", "b": "2"},
            "release": {"version": "1.0", "commit": "3f2c"}}"#,
    );
    let again = send(
        r#"{"release":{"commit":"3f2c","version":"1.0"},"labels":{"b":"2","a":"1"},"environment":"production","service":"checkout"}"#,
    );
    repeats(&again, &first);
}

#[test]
fn a_key_is_of_one_lane() {
    let server = Server::start();
    let lanes = [("checkout", "production"), ("checkout", "staging"), ("search", "production")];
    for (service, environment) in lanes {
        let body = with(asked("1.0"), json!({"service": service, "environment": environment}));
        let answer = keyed(&server, "run-1", DEPLOYMENTS, &body).expect(201);
        assert_eq!(answer.header("idempotency-replayed"), "");
        assert_eq!(
            (&answer.json()["service"], &answer.json()["number"]),
            (&json!(service), &json!(1))
        );
    }
    assert_eq!(server.get("/v1/events")["items"].as_array().unwrap().len(), 3);
}

#[test]
fn a_key_that_the_server_made_up_is_as_good() {
    let server = Server::start();
    let first = server.ask("POST", DEPLOYMENTS).json(&asked("1.0")).send().expect(201);
    let key = first.header("idempotency-key");
    repeats(&keyed(&server, key, DEPLOYMENTS, &asked("1.0")), &first);
    let other = server.ask("POST", DEPLOYMENTS).json(&asked("1.0")).send().expect(201);
    assert_ne!(other.header("idempotency-key"), key);
    assert_eq!(other.json()["number"], 2);
}

#[test]
fn what_was_refused_is_decided_again() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let rollback = back("previous");
    keyed(&server, "undo", DEPLOYMENTS, &rollback).problem(409, "nothing-before");
    succeeded(&server, &["1.0", "1.1"]);
    let taken = keyed(&server, "undo", DEPLOYMENTS, &rollback).expect(201);
    assert_eq!(taken.header("idempotency-replayed"), "");
    assert_eq!(taken.json()["release"]["version"], "1.0");
}

#[test]
fn every_write_takes_a_key() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let writes = [
        ("PUT", "/v1/environments/production", json!({"tier": "production"})),
        ("POST", "/v1/environments/production/freeze", json!({"reason": "inventory"})),
        ("POST", "/v1/environments/production/unfreeze", json!({})),
        ("PUT", "/v1/releases/checkout/2.0", json!({"commit": "3f2c"})),
        ("POST", "/v1/releases/checkout/2.0/block", json!({"reason": "it loses orders"})),
        ("POST", "/v1/releases/checkout/2.0/unblock", json!({"reason": "it does not"})),
        ("DELETE", LANE, json!({"reason": "retired"})),
        ("DELETE", "/v1/environments/production", json!({})),
    ];
    for (method, path, body) in writes {
        let send = || {
            let key = format!("{method} {path}");
            server.ask(method, path).header("Idempotency-Key", key).json(&body).send().expect(200)
        };
        let first = send();
        let before = server.position();
        repeats(&send(), &first);
        assert_eq!(server.position(), before, "{method} {path}");
    }
}

#[test]
fn of_many_at_once_with_one_key_one_is_recorded_and_all_get_its_answer() {
    let server = Server::start();
    let answers: Vec<_> = thread::scope(|scope| {
        let send = || keyed(&server, "run-1", DEPLOYMENTS, &asked("1.0"));
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let replayed = answers.iter().filter(|one| one.header("idempotency-replayed") == "true");
    assert_eq!(replayed.count(), 7);
    let texts: HashSet<_> = answers.iter().map(|one| (one.status, one.text.as_str())).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(server.get(LANE)["version"], 0);
}
