//! What can be said of a deployment when: reports always, commands until it has ended.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, deployment, refused, step, succeeded, with},
    server::Server,
};

/// A deployment that has ended this way, and its number.
fn ended(server: &Server, status: &str) -> u32 {
    let number = server.post(DEPLOYMENTS, &asked("1.0"))["number"].as_u64().unwrap();
    let number = u32::try_from(number).unwrap();
    let word = match status {
        "succeeded" => "succeed",
        "failed" => "fail",
        "cancelled" => "cancel",
        _ => "reject",
    };
    assert_eq!(server.post(&step(number, word), &json!({}))["status"], status);
    number
}

#[test]
fn what_has_ended_is_not_called_off_agreed_to_or_turned_down() {
    let server = Server::start();
    for status in ["succeeded", "failed", "cancelled", "rejected"] {
        let number = ended(&server, status);
        let says = format!("`#{number}` has already ended: it is `{status}`");
        for (word, result) in [("cancel", "cancelled"), ("reject", "rejected"), ("approve", "")] {
            if result != status {
                let path = step(number, word);
                refused(&server, &path, &json!({}), ("already-ended", &says));
            }
        }
    }
}

#[test]
fn ending_it_the_same_way_again_changes_nothing() {
    let server = Server::start();
    for (word, status) in [
        ("succeed", "succeeded"),
        ("fail", "failed"),
        ("cancel", "cancelled"),
        ("reject", "rejected"),
    ] {
        let number = ended(&server, status);
        let (position, known) = (server.position(), server.get(&deployment(number)));
        let again = server.post(&step(number, word), &json!({}));
        assert_eq!(again, known, "{status}");
        assert_eq!(server.position(), position, "{status} was written twice");
    }
}

#[test]
fn what_never_took_place_is_not_called_off() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    server.post(&step(1, "corrections"), &json!({"kind": "void", "reason": "a test"}));
    for word in ["cancel", "reject", "approve"] {
        let says = "`#1` was voided: it never took place";
        refused(&server, &step(1, word), &json!({}), ("void-deployment", says));
    }
}

#[test]
fn nothing_can_be_said_of_a_deployment_that_does_not_exist() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let before = server.position();
    for word in ["start", "succeed", "fail", "cancel", "approve", "reject"] {
        let answer = server.ask("POST", &step(3, word)).send();
        let problem = answer.problem(404, "unknown-deployment");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`#3`") && detail.contains("the last is `#2`"), "{detail}");
    }
    assert_eq!(server.position(), before);
}

#[test]
fn an_intent_that_names_no_deployment_is_refused() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let retry = json!({"service": "checkout", "environment": "production",
        "intent": {"kind": "retry", "of": 7}});
    refused(&server, DEPLOYMENTS, &retry, ("unknown-deployment", "the last is `#1`"));
    let elsewhere = json!({"service": "search", "environment": "production", "intent": "retry"});
    refused(&server, DEPLOYMENTS, &elsewhere, ("nothing-to-retry", "nothing was ever deployed"));
}

#[test]
fn of_two_reports_that_disagree_the_later_time_decides_and_both_are_kept() {
    let server = Server::start();
    succeeded(&server, &["0.9"]);
    server.post(DEPLOYMENTS, &asked("1.0"));
    let succeeded = server.post(&step(2, "succeed"), &json!({"at": at("11:00")}));
    assert_eq!(succeeded["contradicted"], false);
    // It happened before, and the log learns of it later.
    let earlier = server.post(&step(2, "fail"), &json!({"at": at("10:45"), "error": "slow"}));
    assert_eq!((&earlier["status"], &earlier["contradicted"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(server.get(LANE)["current"]["number"], 2);

    let later = server.post(&step(2, "fail"), &json!({"at": at("11:30"), "error": "gone"}));
    assert_eq!((&later["status"], &later["finished_at"]), (&json!("failed"), &json!(at("11:30"))));
    assert_eq!(server.get(LANE)["current"]["number"], 1);
    assert_eq!(server.get(&deployment(2)), later);
    assert_eq!(
        types(&server.get(&step(2, "events"))),
        ["DeploymentRequested", "DeploymentSucceeded", "DeploymentFailed", "DeploymentFailed"]
    );
}

#[test]
fn an_end_may_be_reported_before_the_start() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    server.post(&step(1, "succeed"), &json!({"at": at("10:05")}));
    let late = server.post(&step(1, "start"), &json!({"at": at("10:01")}));
    assert_eq!(late["status"], "succeeded");
    assert_eq!((&late["started_at"], &late["duration_ms"]), (&json!(at("10:01")), &json!(240_000)));
}

#[test]
fn a_late_report_of_an_old_success_does_not_displace_a_newer_one() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let old = with(asked("0.9"), json!({"status": "succeeded", "at": at("09:00")}));
    assert_eq!(server.post(DEPLOYMENTS, &old)["number"], 3);
    let lane = server.get(LANE);
    assert_eq!(lane["current"]["release"]["version"], "1.1");
    assert_eq!(lane["version"], 5, "and it is recorded");
}

#[test]
fn the_events_of_a_deployment_are_its_own_in_order() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    server.post(DEPLOYMENTS, &asked("1.1"));
    server.post(&step(1, "start"), &json!({}));
    server.post(&step(2, "cancel"), &json!({}));
    server.post(&step(1, "succeed"), &json!({}));
    let first = server.get(&step(1, "events"));
    assert_eq!(types(&first), ["DeploymentRequested", "DeploymentStarted", "DeploymentSucceeded"]);
    let versions: Vec<_> =
        first["items"].as_array().unwrap().iter().map(|one| one["version"].clone()).collect();
    assert_eq!(versions, [0, 2, 4]);
    assert_eq!(
        types(&server.get(&step(2, "events"))),
        ["DeploymentRequested", "DeploymentCancelled"]
    );
}

fn types(events: &Value) -> Vec<&str> {
    events["items"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect()
}
