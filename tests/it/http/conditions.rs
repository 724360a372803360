//! Writes and reads that hold only for one version: `If-Match` and `If-None-Match`.

use std::{collections::BTreeSet, sync::Barrier, thread};

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, back, deployment, reported, step, succeeded, with},
    server::{Answer, Server},
};

fn send(server: &Server, (method, path): (&str, &str), tag: &str, body: &Value) -> Answer {
    let ask = server.ask(method, path).header("If-Match", tag).header("Shiplog-Actor", "ana");
    ask.json(body).send()
}

fn tag(server: &Server, path: &str) -> String {
    let ask = server.ask("GET", path).header("Shiplog-At-Least", server.position());
    ask.send().expect(200).header("etag").to_owned()
}

#[test]
fn of_two_who_act_on_one_version_one_wins_and_the_other_is_told() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    for round in 0..20 {
        let seen = tag(&server, LANE);
        let barrier = Barrier::new(2);
        let answers = thread::scope(|scope| {
            let race = |body: Value| {
                let (server, seen, barrier) = (&server, &seen, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    send(server, ("POST", DEPLOYMENTS), seen, &body)
                })
            };
            [race(back(1)), race(back(2))].map(|thread| thread.join().unwrap())
        });
        let statuses: BTreeSet<_> = answers.iter().map(|one| one.status).collect();
        assert_eq!(statuses, BTreeSet::from([201, 412]), "round {round}: {answers:?}");
        let loser = answers.iter().find(|one| one.status == 412).unwrap();
        let problem = loser.problem(412, "stale-version");
        let (now, then) = (tag(&server, LANE).replace('"', "`"), seen.replace('"', "`"));
        let said = format!("is at version {now}, not at version {then}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&said), "round {round}: {detail}");
    }
    assert_eq!(server.get(LANE)["version"], 5 + 20, "each round wrote once");
}

#[test]
fn who_lost_looks_again_and_wins() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let seen = tag(&server, LANE);
    server.post(DEPLOYMENTS, &reported("1.2", "10:30"));
    let rollback = back("previous");
    send(&server, ("POST", DEPLOYMENTS), &seen, &rollback).problem(412, "stale-version");
    let taken = send(&server, ("POST", DEPLOYMENTS), &tag(&server, LANE), &rollback).expect(201);
    assert_eq!(taken.json()["release"]["version"], "1.1");
}

#[test]
fn every_write_holds_for_one_version_and_answers_with_the_next() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    let writes = [
        ("start", json!({})),
        ("targets", json!({"target": "eu-1", "status": "started"})),
        ("approve", json!({})),
        ("notes", json!({"text": "half of it is there"})),
        ("health", json!({"health": "healthy"})),
        ("succeed", json!({})),
        ("corrections", json!({"kind": "blamed", "reason": "it loses orders"})),
    ];
    let mut seen = tag(&server, LANE);
    for (word, body) in writes {
        let path = step(1, word);
        send(&server, ("POST", &path), "\"99\"", &body).problem(412, "stale-version");
        let taken = send(&server, ("POST", &path), &seen, &body).expect(200);
        send(&server, ("POST", &path), &seen, &body).problem(412, "stale-version");
        seen = taken.header("etag").to_owned();
        assert_eq!(tag(&server, LANE), seen, "{word}");
    }
    send(&server, ("DELETE", LANE), "\"99\"", &json!({})).problem(412, "stale-version");
    let removed = send(&server, ("DELETE", LANE), &seen, &json!({})).expect(200);
    assert_eq!(tag(&server, LANE), removed.header("etag"));
}

#[test]
fn environments_and_releases_have_versions_of_their_own() {
    let server = Server::start();
    let writes = [
        ("/v1/environments/production", json!({"tier": "production"}), json!({"tier": "testing"})),
        ("/v1/releases/checkout/1.0", json!({"commit": "3f2c"}), json!({})),
    ];
    for (path, first, second) in writes {
        let made = server.ask("PUT", path).json(&first).send().expect(200);
        assert_eq!(made.header("etag"), "\"0\"");
        let ask = |tag| send(&server, ("PUT", path), tag, &second);
        ask("\"1\"").problem(412, "stale-version");
        assert_ne!(ask("\"0\"").status, 412, "{path}");
    }
}

#[test]
fn nothing_can_be_claimed_of_a_lane_that_does_not_exist() {
    let server = Server::start();
    let answer = send(&server, ("POST", DEPLOYMENTS), "\"0\"", &asked("1.0"));
    let problem = answer.problem(412, "stale-version");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("is new, not at version `0`"), "{detail}");
    assert_eq!(server.get("/v1/events")["items"], json!([]));
}

#[test]
fn a_retry_is_answered_although_its_version_has_passed() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let seen = tag(&server, LANE);
    let keyed = || {
        let ask = server.ask("POST", DEPLOYMENTS).header("Idempotency-Key", "run-1");
        ask.header("If-Match", &seen).json(&asked("1.1")).send().expect(201)
    };
    let first = keyed();
    server.post(DEPLOYMENTS, &asked("1.2"));
    let again = keyed();
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
}

#[test]
fn what_is_known_already_is_not_sent_again() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    for path in [LANE, &deployment(1)] {
        let seen = tag(&server, path);
        let ask = |tag: &str| server.ask("GET", path).header("If-None-Match", tag).send();
        let known = ask(&seen).expect(304);
        assert_eq!((known.text.as_str(), known.header("etag")), ("", seen.as_str()));
        ask(&format!("\"x\", {seen}")).expect(304);
        ask("\"x\"").expect(200);
        server.post(&step(1, "notes"), &json!({"text": "it is slow", "at": at("12:00")}));
        let ask = server.ask("GET", path).header("If-None-Match", &seen);
        let news = ask.header("Shiplog-At-Least", server.position()).send().expect(200);
        assert_ne!(news.header("etag"), seen, "{path}");
    }
}

#[test]
fn a_rollback_and_a_report_at_once_leave_a_lane_that_says_which_came_first() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let seen = tag(&server, LANE);
    let report = with(reported("1.2", "10:30"), json!({"actor": "service:ci"}));
    let (rollback, report) = thread::scope(|scope| {
        let rollback = scope.spawn(|| send(&server, ("POST", DEPLOYMENTS), &seen, &back(1)));
        let report = scope.spawn(|| server.post(DEPLOYMENTS, &report));
        (rollback.join().unwrap(), report.join().unwrap())
    });
    // A report claims nothing, so it is always taken.
    assert!(matches!(
        (rollback.status, report["number"].as_u64()),
        (201, Some(4)) | (412, Some(3))
    ));
}
