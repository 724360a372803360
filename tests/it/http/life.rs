//! What a deployment goes through, and what its lane shows meanwhile.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, deployment, reported, step, succeeded, with},
    server::Server,
};

#[test]
fn a_deployment_is_asked_for_and_starts_and_succeeds() {
    let server = Server::start();
    let fields = json!({"reason": "release train 31"});
    let answer = server.ask("POST", DEPLOYMENTS).json(&with(asked("1.0"), fields)).send();
    let answer = answer.expect(201);
    assert_eq!(answer.header("location"), deployment(1));
    let lane = server.get(LANE);
    assert_eq!((&lane["current"], &lane["in_progress"]["number"]), (&Value::Null, &json!(1)));

    let started = json!({"at": at("10:01"), "executor": "argo", "log_url": "https://ci/1"});
    let started = server.post(&step(1, "start"), &started);
    assert_eq!(started["status"], "started");
    let requested_at = &answer.json()["requested_at"];
    assert_eq!(server.get(LANE)["in_progress"]["requested_at"], *requested_at);

    let ended = server.post(&step(1, "succeed"), &json!({"at": at("10:03")}));
    let expected = json!({"status": "succeeded", "started_at": at("10:01"),
        "finished_at": at("10:03"), "duration_ms": 120_000, "executor": "argo",
        "log_url": "https://ci/1", "reason": "release train 31", "replaced": null});
    assert_eq!(ended, with(ended.clone(), expected));
    assert_eq!(server.get(&deployment(1)), ended, "it reads as the write answered");
    let lane = server.get(LANE);
    assert_eq!(lane["in_progress"], Value::Null);
    assert_eq!(lane["current"]["number"], 1);
    assert_eq!(lane["current"]["since"], at("10:03"));
}

#[test]
fn a_failure_leaves_what_ran_and_a_doubt() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    server.post(DEPLOYMENTS, &asked("1.1"));
    let failed = json!({"error": "it timed out", "failed_step": "migrate", "log_url": "https://x"});
    let failed = server.post(&step(2, "fail"), &failed);
    let expected = json!({"status": "failed", "error": "it timed out", "failed_step": "migrate",
        "log_url": "https://x"});
    assert_eq!(failed, with(failed.clone(), expected));
    let lane = server.get(LANE);
    assert_eq!(lane["current"]["number"], 1);
    assert_eq!(lane["last_failed"]["number"], 2);
    assert_eq!(lane["last_failed"]["error"], "it timed out");
    let doubt = lane["uncertain"].as_str().unwrap();
    assert!(doubt.contains("#2"), "{doubt}");
}

#[test]
fn a_retry_repeats_the_release_and_settles_the_doubt() {
    let server = Server::start();
    let release = json!({"version": "1.0", "commit": "3f2c9ab", "notes": "faster",
        "artifacts": [{"name": "image", "digest": "sha256:9f"}]});
    let fields = json!({"status": "failed", "error": "no disk", "release": release});
    server.post(DEPLOYMENTS, &with(asked(""), fields));
    let retry = json!({"service": "checkout", "environment": "production", "intent": "retry"});
    let retry = server.post(DEPLOYMENTS, &retry);
    assert_eq!(retry["intent"], json!({"kind": "retry", "of": 1}));
    assert_eq!(retry["release"], server.get(&deployment(1))["release"]);
    assert_eq!(retry["release"]["artifacts"][0]["digest"], "sha256:9f");
    server.post(&step(2, "succeed"), &json!({}));
    let lane = server.get(LANE);
    assert_eq!((&lane["current"]["number"], &lane["uncertain"]), (&json!(2), &Value::Null));
}

#[test]
fn a_roll_forward_mends_a_failure_with_another_release() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    server.post(DEPLOYMENTS, &with(asked("1.1"), json!({"status": "failed"})));
    let intent = json!({"intent": {"kind": "roll_forward", "mends": 2}});
    let forward = server.post(DEPLOYMENTS, &with(asked("1.2"), intent));
    assert_eq!(forward["intent"], json!({"kind": "roll_forward", "mends": 2}));
    let ended = server.post(&step(3, "succeed"), &json!({}));
    assert_eq!(ended["replaced"], json!({"number": 1, "version": "1.0"}));
    assert_eq!(server.get(LANE)["uncertain"], Value::Null);
}

#[test]
fn what_is_called_off_or_turned_down_never_runs() {
    for (word, status) in [("cancel", "cancelled"), ("reject", "rejected")] {
        let server = Server::start();
        succeeded(&server, &["1.0"]);
        server.post(DEPLOYMENTS, &asked("1.1"));
        let ended = server.post(&step(2, word), &json!({"reason": "not on a Friday"}));
        assert_eq!(ended["status"], status);
        assert_eq!(ended["ended_because"], "not on a Friday");
        let lane = server.get(LANE);
        assert_eq!((&lane["in_progress"], &lane["uncertain"]), (&Value::Null, &Value::Null));
        assert_eq!(lane["current"]["release"]["version"], "1.0", "{status}");
    }
}

#[test]
fn everyone_who_agrees_is_named_once() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    let approve = |who: &str, comment: &str| {
        let ask = server.ask("POST", &step(1, "approve")).header("Shiplog-Actor", who);
        ask.json(&json!({ "comment": comment })).send().expect(200).json()
    };
    approve("ana", "go");
    let position = server.position();
    approve("ana", "go, again");
    assert_eq!(server.position(), position, "she agreed before");
    let approvals = approve("bo", "go")["approvals"].take();
    let said = |nth: usize| (approvals[nth]["by"].clone(), approvals[nth]["comment"].clone());
    assert_eq!([said(0), said(1)], [(json!("ana"), json!("go")), (json!("bo"), json!("go"))]);
    assert_eq!(approvals.as_array().unwrap().len(), 2);
}

#[test]
fn targets_health_and_notes_stand_with_the_deployment() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &with(asked("1.0"), json!({"status": "started"})));
    let target = |name: &str, status: &str, time: &str| json!({"target": name, "status": status, "at": at(time)});
    server.post(&step(1, "targets"), &target("eu-1", "started", "10:01"));
    server.post(&step(1, "targets"), &target("us-1", "started", "10:01"));
    server.post(&step(1, "targets"), &target("eu-1", "succeeded", "10:02"));
    let failed = with(target("us-1", "failed", "10:03"), json!({"error": "no disk"}));
    server.post(&step(1, "targets"), &failed);
    let health =
        json!({"health": "degraded", "source": "probe", "detail": "slow", "at": at("10:04")});
    server.post(&step(1, "health"), &health);
    let links = json!([{"kind": "incident", "url": "https://i/7"}]);
    let note = json!({"text": "half of it is there", "links": links, "at": at("10:05")});
    let whole = server.post(&step(1, "notes"), &note);

    let ended = |name, status, error: Value, time| json!({"target": name, "status": status, "error": error, "at": at(time)});
    let targets = json!([
        ended("eu-1", "succeeded", Value::Null, "10:02"),
        ended("us-1", "failed", json!("no disk"), "10:03"),
    ]);
    let expected =
        json!({"targets": targets, "health": health, "notes": [note], "status": "started"});
    assert_eq!(whole, with(whole.clone(), expected));
    assert_eq!(server.get(&deployment(1)), whole);
}

#[test]
fn a_correction_is_another_fact_and_the_last_word() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let correct = |fields: Value| {
        server.post(&step(2, "corrections"), &with(json!({"reason": "we looked"}), fields))
    };
    assert_eq!(correct(json!({"kind": "blamed"}))["blamed"], true);
    assert_eq!(correct(json!({"kind": "cleared"}))["blamed"], false);
    let truly = json!({"kind": "roll_forward", "mends": 1});
    assert_eq!(correct(json!({"kind": "intent", "intent": truly}))["intent"], truly);
    let void = correct(json!({"kind": "void"}));
    assert_eq!((&void["void"], &void["status"]), (&json!(true), &json!("succeeded")));
    let kinds = void["corrections"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|one| one["correction"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["blamed", "cleared", "intent", "void"]);
    assert_eq!(server.get(LANE)["current"]["number"], 1, "what never took place does not run");
    assert_eq!(server.get(&deployment(2)), void);
}

#[test]
fn a_service_that_is_removed_runs_no_more_and_keeps_its_history() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let removal = json!({"at": at("11:00"), "reason": "retired"});
    let lane = server.ask("DELETE", LANE).json(&removal).send().expect(200).json();
    assert_eq!((&lane["current"], &lane["version"]), (&Value::Null, &json!(2)));
    assert_eq!(server.get(LANE), lane);
    assert_eq!(server.get(&deployment(1))["status"], "succeeded");
    let again = server.post(DEPLOYMENTS, &reported("1.0", "12:00"));
    assert_eq!((&again["number"], &again["classification"]), (&json!(2), &json!("restore")));
}

#[test]
fn a_report_tells_of_a_whole_deployment_in_one_request() {
    let server = Server::start();
    let report = |status: &str, more: Value| {
        let fields = json!({"status": status, "at": at("10:00")});
        server.post(DEPLOYMENTS, &with(with(asked("1.0"), fields), more))
    };
    let started = report("started", json!({}));
    assert_eq!(
        (&started["status"], &started["started_at"]),
        (&json!("started"), &json!(at("10:00")))
    );
    let succeeded = report("succeeded", json!({}));
    assert_eq!(succeeded["finished_at"], at("10:00"));
    assert_eq!(succeeded["intent"]["kind"], "unknown", "it did not say why");
    let failed = report("failed", json!({"error": "no disk"}));
    assert_eq!((&failed["status"], &failed["error"]), (&json!("failed"), &json!("no disk")));
    let numbers = [started, succeeded, failed].map(|one| one["number"].as_u64());
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
}
