//! The ways out of a deployment: the facts, and calls that can be sent as they are.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, reported, step, with},
    server::Server,
};

const RECOVERY: &str = "/v1/deployments/checkout/production/3/recovery";

/// 1.0 and 1.1, which migrates, ran; 1.2 failed on one of two targets; 1.3 runs in staging.
fn incident() -> Server {
    let server = Server::start();
    let change = |id: &str, reversible: Value| {
        json!([{"id": id, "kind": "migration", "description": "renames a column",
            "reversible": reversible}])
    };
    let release = |version: &str, changes: Value| {
        json!({"release": {"version": version, "commit": format!("c-{version}"),
            "artifacts": [{"name": "image", "digest": format!("sha256:{version}")}],
            "changes": changes}})
    };
    server.post(DEPLOYMENTS, &with(reported("1.0", "10:00"), release("1.0", json!([]))));
    let migrates = release("1.1", change("0042", json!(false)));
    server.post(DEPLOYMENTS, &with(reported("1.1", "10:10"), migrates));
    let third = json!({"status": "started", "at": at("10:30"), "intent": "deploy"});
    let release = release("1.2", change("0043", json!(true)));
    server.post(DEPLOYMENTS, &with(with(asked("1.2"), third), release));
    for (target, status, error) in
        [("web-1", "succeeded", Value::Null), ("web-2", "failed", json!("disk full"))]
    {
        let target = json!({"target": target, "status": status, "error": error, "at": at("10:34")});
        server.post(&step(3, "targets"), &target);
    }
    let failed = json!({"error": "timed out", "failed_step": "rollout", "at": at("10:35"),
        "log_url": "https://ci.example.com/runs/3"});
    server.post(&step(3, "fail"), &failed);
    let elsewhere = with(reported("1.3", "10:40"), json!({"environment": "staging"}));
    server.post(DEPLOYMENTS, &elsewhere);
    server
}

#[test]
fn all_that_is_known_is_told() {
    let server = incident();
    let elsewhere = json!({"environment": "staging", "status": "failed", "error": "timed out"});
    server.post(DEPLOYMENTS, &with(reported("1.2", "10:05"), elsewhere));
    let recovery = server.get(RECOVERY);
    assert_eq!(recovery["deployment"], server.get("/v1/deployments/checkout/production/3"));
    let facts = &recovery["facts"];
    assert_eq!((&facts["error"], &facts["failed_step"]), (&json!("timed out"), &json!("rollout")));
    assert_eq!(facts["log_url"], "https://ci.example.com/runs/3");
    assert_eq!(facts["failed_targets"][0]["target"], "web-2");
    assert_eq!(facts["failed_targets"][0]["error"], "disk full");
    assert_eq!(facts["targets"], 2);
    assert_eq!(facts["evidence"]["stream"], "lane-checkout@production");
    assert_eq!(facts["elsewhere"][0]["environment"], "staging");
    assert_eq!(facts["elsewhere"][0]["status"], "failed");
    assert_eq!(facts["settled_by"], Value::Null);
    let changes = &facts["changes"];
    assert_eq!(changes["from"], json!({"number": 2, "version": "1.1"}));
    assert_eq!(changes["commits"], json!({"from": "c-1.1", "to": "c-1.2"}));
    let image = json!([{"name": "image", "from": "sha256:1.1", "to": "sha256:1.2"}]);
    assert_eq!(changes["artifacts"], image);
    assert_eq!(changes["releases"][0]["changes"][0]["id"], "0043");
    assert_eq!(server.get("/v1/deployments/checkout/production/3/changes"), *changes);
}

#[test]
fn a_way_back_tells_what_it_crosses_release_by_release() {
    let server = incident();
    let back = &server.get(RECOVERY)["rollback"];
    assert_eq!(back["previous"], 2);
    let [last, first] = back["candidates"].as_array().unwrap().as_slice() else {
        panic!("{back}");
    };
    assert_eq!((&last["number"], &last["version"]), (&json!(2), &json!("1.1")));
    assert_eq!((&last["irreversible"], &last["blocked"]), (&json!([]), &Value::Null));
    assert_eq!(last["ran_for_ms"], 20 * 60 * 1000, "until the one that failed began");
    let crossed = json!([{"version": "1.1", "id": "0042", "description": "renames a column"}]);
    assert_eq!((&first["number"], &first["irreversible"]), (&json!(1), &crossed));
    assert_eq!(first["ran_for_ms"], 10 * 60 * 1000);
    assert_eq!(first["call"]["body"]["acknowledged"], crossed);
}

#[test]
fn a_blocked_release_is_no_secret() {
    let server = incident();
    for version in ["1.1", "1.3"] {
        let block = format!("/v1/releases/checkout/{version}/block");
        server.post(&block, &json!({"reason": "it leaks"}));
    }
    let recovery = server.get(RECOVERY);
    assert_eq!(recovery["rollback"]["candidates"][0]["blocked"]["reason"], "it leaks");
    assert_eq!(recovery["roll_forward"]["candidates"][0]["blocked"]["reason"], "it leaks");
}

#[test]
fn every_call_can_be_sent_as_it_is_and_is_what_it_says() {
    for (way, kind, version) in [
        ("/rollback/candidates/1/call", "rollback", "1.0"),
        ("/roll_forward/candidates/0/call", "roll_forward", "1.3"),
        ("/retry/call", "retry", "1.2"),
    ] {
        let server = incident();
        let answer = server.ask("GET", RECOVERY).send().expect(200);
        let recovery = answer.json();
        let call = recovery.pointer(way).unwrap();
        assert_eq!(call["method"], "POST");
        let sent = server.ask("POST", call["path"].as_str().unwrap());
        let sent = sent.header("If-Match", answer.header("etag")).json(&call["body"]);
        let taken = sent.send().expect(201).json();
        assert_eq!(
            (&taken["intent"]["kind"], &taken["release"]["version"]),
            (&json!(kind), &json!(version))
        );
        assert_eq!(taken["reason"], "#3 (1.2) failed: timed out");
        // The same look at the lane does not serve twice.
        let again = server.ask("POST", call["path"].as_str().unwrap());
        let again = again.header("If-Match", answer.header("etag")).json(&call["body"]);
        again.send().problem(412, "stale-version");
    }
}

#[test]
fn what_was_shown_is_recorded_with_the_rollback() {
    let server = incident();
    let recovery = server.get(RECOVERY);
    let call = &recovery["rollback"]["candidates"][1]["call"];
    let rollback = server.post(DEPLOYMENTS, &call["body"]);
    assert_eq!(rollback["acknowledged"][0]["id"], "0042");
}

#[test]
fn tries_are_counted_and_a_lane_that_has_moved_on_says_so() {
    let server = incident();
    let again = json!({"service": "checkout", "environment": "production", "intent": "retry",
        "status": "failed", "error": "timed out", "at": at("10:50")});
    server.post(DEPLOYMENTS, &again);
    let recovery = server.get("/v1/deployments/checkout/production/4/recovery");
    assert_eq!(recovery["retry"]["attempts"], 2);
    let numbers: Vec<_> = (0..2).map(|at| &recovery["retry"]["outcomes"][at]["number"]).collect();
    assert_eq!(numbers, [4, 3]);
    assert_eq!(recovery["facts"]["failed_alike"][0]["number"], 3);
    server.post(DEPLOYMENTS, &reported("1.3", "11:00"));
    let recovery = server.get(RECOVERY);
    assert_eq!(recovery["facts"]["settled_by"]["version"], "1.3");
    assert_eq!(server.get(LANE)["current"]["number"], 5);
}

#[test]
fn of_what_is_not_there_nothing_is_known() {
    let server = incident();
    for path in ["recovery", "changes"] {
        let path = format!("/v1/deployments/checkout/production/9/{path}");
        server.ask("GET", &path).send().problem(404, "unknown-deployment");
    }
}
