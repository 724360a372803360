//! What a rollback puts back, what it takes back, and when there is no way back.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, back, refused, reported, step, succeeded, with},
    server::Server,
};

#[test]
fn a_rollback_goes_to_the_release_before_unless_something_else_is_said() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    for intent in [
        json!("rollback"),
        json!({"kind": "rollback"}),
        json!({"kind": "rollback", "to": "previous"}),
    ] {
        let rollback = server.post(DEPLOYMENTS, &with(back(1), json!({ "intent": intent })));
        assert_eq!(rollback["release"]["version"], "1.1", "{intent}");
        assert_eq!(rollback["intent"], json!({"kind": "rollback", "restores": 2, "reverts": [3]}));
    }
}

#[test]
fn a_rollback_to_a_number_or_a_version_takes_back_all_that_came_since() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2", "1.3"]);
    for to in [json!(1), json!("1.0")] {
        let rollback = server.post(DEPLOYMENTS, &back(to.clone()));
        assert_eq!(rollback["release"]["version"], "1.0", "{to}");
        let intent = json!({"kind": "rollback", "restores": 1, "reverts": [4, 3, 2]});
        assert_eq!(rollback["intent"], intent, "{to}: newest first");
        assert_eq!(rollback["reason"], "it loses orders");
    }
}

#[test]
fn after_a_failure_a_rollback_goes_to_the_last_success_and_leaves_what_failed() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "failed", "at": at("10:10")})));
    let rollback = server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(rollback["release"]["version"], "1.1");
    assert_eq!(rollback["intent"], json!({"kind": "rollback", "restores": 2, "reverts": [3]}));
    server.post(&step(4, "succeed"), &json!({"at": at("10:20")}));
    let lane = server.get(LANE);
    assert_eq!((&lane["current"]["number"], &lane["uncertain"]), (&json!(4), &Value::Null));
    let audit = &server.get("/v1/rollbacks")["items"][0];
    assert_eq!(audit["from"], json!({"number": 3, "version": "1.2"}), "{audit}");
    assert_eq!(audit["to"], json!({"number": 2, "version": "1.1"}), "{audit}");
    assert_eq!(audit["reverts"], json!([{"number": 3, "version": "1.2"}]), "{audit}");
    assert_eq!(audit["ran_for_ms"], Value::Null, "what failed never ran: {audit}");
}

#[test]
fn a_number_as_text_is_a_version() {
    let server = Server::start();
    succeeded(&server, &["3", "2", "1"]);
    assert_eq!(server.post(DEPLOYMENTS, &back("2"))["intent"]["restores"], 2);
    assert_eq!(server.post(DEPLOYMENTS, &back(1))["release"]["version"], "3");
    refused(&server, DEPLOYMENTS, &back("1"), ("already-runs", "put there by `#3`"));
}

#[test]
fn a_rollback_replays_the_whole_release_as_it_was_deployed() {
    let server = Server::start();
    let release = json!({"version": "1.0", "commit": "3f2c9ab", "notes": "the good one",
        "artifacts": [{"name": "image", "digest": "sha256:9f"}],
        "changes": [{"kind": "migration", "id": "0042", "reversible": false}]});
    let first = with(reported("1.0", "10:00"), json!({ "release": release }));
    let first = server.post(DEPLOYMENTS, &first);
    succeeded(&server, &["1.1"]);
    let rollback = server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(rollback["release"], first["release"]);
    assert_eq!(rollback["release"]["artifacts"][0]["digest"], "sha256:9f");
}

#[test]
fn a_rollback_is_a_deployment_that_changes_what_runs_when_it_succeeds() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(server.get(LANE)["current"]["number"], 2, "it is only asked for");
    server.post(&step(3, "start"), &json!({}));
    let ended = server.post(&step(3, "succeed"), &json!({}));
    assert_eq!(ended["classification"], "rollback");
    assert_eq!(ended["replaced"], json!({"number": 2, "version": "1.1"}));
    let current = server.get(LANE)["current"].take();
    assert_eq!((&current["number"], &current["release"]["version"]), (&json!(3), &json!("1.0")));
    assert_eq!(current["intent"]["restores"], 1);
}

#[test]
fn only_what_took_effect_is_taken_back() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "failed", "at": at("10:10")})));
    server.post(DEPLOYMENTS, &asked("1.3"));
    server.post(&step(4, "cancel"), &json!({}));
    server.post(DEPLOYMENTS, &reported("1.4", "10:20"));
    let rollback = server.post(DEPLOYMENTS, &back(1));
    assert_eq!(rollback["intent"]["reverts"], json!([5, 2]));
}

#[test]
fn where_nothing_succeeded_there_is_no_way_back() {
    let server = Server::start();
    let rollback = back("previous");
    refused(&server, DEPLOYMENTS, &rollback, ("nothing-runs", "name the deployment or version"));
    server.post(DEPLOYMENTS, &with(asked("0.1"), json!({"status": "failed", "at": at("10:00")})));
    refused(&server, DEPLOYMENTS, &rollback, ("nothing-runs", "nothing runs here"));
    refused(&server, DEPLOYMENTS, &back(1), ("never-succeeded", "`#1` is `failed`"));
    succeeded(&server, &["1.0"]);
    let says = "no other release worked here before `#2`; there is none";
    refused(&server, DEPLOYMENTS, &rollback, ("nothing-before", says));
}

#[test]
fn what_cannot_be_put_back_is_refused_and_says_why() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    server.post(DEPLOYMENTS, &with(asked("1.3"), json!({"status": "started"})));
    server.post(&step(2, "corrections"), &json!({"kind": "void", "reason": "a test"}));
    for (to, code, says) in [
        (json!(3), "already-runs", "version `1.2` already runs, put there by `#3`"),
        (json!("1.2"), "already-runs", "version `1.2` already runs"),
        (json!(4), "never-succeeded", "`#4` is `started`, not succeeded"),
        (json!("1.3"), "never-ran", "version `1.3` never ran here; deploy it instead"),
        (json!(9), "unknown-deployment", "the last is `#4`"),
        (json!(2), "void-deployment", "`#2` was voided"),
    ] {
        refused(&server, DEPLOYMENTS, &back(to), (code, says));
    }
    let previous = server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(previous["intent"]["restores"], 1, "what never took place is no release before");
}

#[test]
fn a_number_where_a_version_was_meant_is_told_so_and_the_other_way_round() {
    let server = Server::start();
    succeeded(&server, &["101", "102", "103"]);
    for (to, code, says) in [
        (json!(102), "unknown-deployment", "version `102` ran here: as a text, it means that one"),
        (
            json!("2"),
            "never-ran",
            "deployment `#2`, of `102`, is here: as a number, it means that one",
        ),
    ] {
        refused(&server, DEPLOYMENTS, &back(to), (code, says));
    }
    assert_eq!(server.post(DEPLOYMENTS, &back(json!("102")))["intent"]["restores"], 2);
}

#[test]
fn a_rollback_that_took_place_is_recorded_whatever_it_went_back_to() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let told = |to: Value, release: &str, time: &str| {
        let fields =
            json!({"status": "succeeded", "at": at(time), "release": {"version": release}});
        server.post(DEPLOYMENTS, &with(back(to), fields))
    };
    let known = told(json!("previous"), "1.0", "11:00");
    assert_eq!(known["intent"], json!({"kind": "rollback", "restores": 1, "reverts": [2]}));
    let unheard = told(json!("0.1"), "0.1", "12:00");
    assert_eq!(unheard["intent"], json!({"kind": "rollback", "restores": null, "reverts": []}));
    assert_eq!(server.get(LANE)["current"]["release"]["version"], "0.1");
}

#[test]
fn the_audit_tells_who_took_back_what_and_why() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    let asked = server.post(DEPLOYMENTS, &with(back(1), json!({"actor": "ana"})));
    server.post(&step(4, "succeed"), &json!({"at": at("11:05")}));
    let place = |number: u32, version: &str| json!({"number": number, "version": version});
    let rollback = &server.get("/v1/rollbacks")["items"][0];
    let expected = json!({"number": 4, "declared": true, "from": place(3, "1.2"),
        "to": place(1, "1.0"), "reverts": [place(3, "1.2"), place(2, "1.1")],
        "reason": "it loses orders", "requested_at": asked["requested_at"], "finished_at": at("11:05"),
        "status": "succeeded"});
    assert_eq!(*rollback, with(rollback.clone(), expected));
    assert_eq!(rollback["actor"]["id"], "ana");
}

#[test]
fn a_rollback_that_nobody_called_one_is_in_the_audit() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &reported("1.0", "11:00"));
    let audit = server.get("/v1/rollbacks");
    let rollback = &audit["items"][0];
    assert_eq!((&rollback["number"], &rollback["declared"]), (&json!(3), &json!(false)));
    assert_eq!(rollback["reverts"], json!([{"number": 2, "version": "1.1"}]));
    server.post(DEPLOYMENTS, &reported("1.1", "12:00"));
    let after = server.get("/v1/rollbacks")["items"][0]["afterwards"].take();
    assert_eq!(after["deployed_again"]["deployment"], json!({"number": 4, "version": "1.1"}));
    assert_eq!(server.get("/v1/rollbacks?declared=true")["items"], json!([]));
}
