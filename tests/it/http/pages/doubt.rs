//! What leaves a lane in doubt leads to the recovery options, whether it failed or was cancelled.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, step, succeeded, with},
        server::Server,
    },
    open, says,
};

const LANE: &str = "/lanes/checkout/production";

#[test]
fn what_was_cancelled_half_way_leads_to_its_recovery_options() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    let target = json!({"target": "eu", "status": "succeeded", "at": at("10:03")});
    server.post(&step(2, "targets"), &target);
    server.post(&step(2, "cancel"), &json!({"reason": "pipeline cancelled", "at": at("10:04")}));
    says(&server, "/", &["1 lane is in doubt.", "2 was cancelled half-way", "recovery options"]);
    says(
        &server,
        LANE,
        &["#2 was cancelled half-way. What is there since is uncertain: recovery options."],
    );
    for path in ["/", LANE, &format!("{LANE}/2")] {
        let page = open(&server, path).text;
        assert!(page.contains(&format!("href=\"{LANE}/2/recovery\"")), "{path}: {page}");
    }
    says(
        &server,
        &format!("{LANE}/2/recovery"),
        &["#2 was cancelled half-way: what is there since"],
    );
}

#[test]
fn what_was_cancelled_before_it_began_leaves_no_doubt() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &asked("2"));
    server.post(&step(2, "cancel"), &json!({"reason": "not today"}));
    let board = says(&server, "/", &["All is quiet."]);
    assert!(!board.contains("recovery options"), "{board}");
    for path in [LANE, &format!("{LANE}/2")] {
        let page = open(&server, path).text;
        assert!(!page.contains("/2/recovery"), "{path}: {page}");
    }
}

#[test]
fn what_failed_on_some_targets_leads_to_its_recovery_options() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    let target = json!({"target": "eu", "status": "failed", "at": at("10:03")});
    server.post(&step(2, "targets"), &target);
    server.post(&step(2, "succeed"), &json!({"at": at("10:04")}));
    says(&server, "/", &["2 failed on some targets", "recovery options"]);
    says(&server, LANE, &["#2 failed on some targets. What is there since is uncertain"]);
    says(&server, &format!("{LANE}/2"), &["Recovery options"]);
}
