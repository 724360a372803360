//! How far a deployment has come, in the same four words on every page.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, step, succeeded, with},
        server::Server,
    },
    open, says,
};

const LANE: &str = "/lanes/checkout/production";

/// A lane of which one approval is required.
fn guarded() -> Server {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let rules = json!({"tier": "production", "approvals": 1});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    server.post(DEPLOYMENTS, &with(asked("1.1"), json!({"actor": "ann"})));
    server
}

#[test]
fn what_waits_for_approval_says_so_everywhere() {
    let server = guarded();
    let waiting = "waiting for approval (0 of 1)";
    says(&server, "/", &["1 deployment waits for approval.", &format!("1.1 {waiting}")]);
    for path in [LANE, "/history", "/environments", &format!("{LANE}/2")] {
        let text = says(&server, path, &[waiting]);
        assert!(!text.contains("under way"), "{path}: {text}");
    }
    says(&server, &format!("{LANE}/1/recovery"), &[&format!("1.1 is {waiting} (#2)")]);
    let board = open(&server, "/").text;
    assert!(board.contains("<a href=\"/?only=waiting\">1 deployment waits"), "{board}");
    says(&server, "/?only=waiting", &["1 service", &format!("1.1 {waiting}")]);
    let approve = server.ask("POST", &step(2, "approve")).header("Shiplog-Actor", "bob");
    approve.json(&json!({})).send().expect(200);
    for path in ["/", LANE, "/history", &format!("{LANE}/2")] {
        let text = says(&server, path, &["requested"]);
        assert!(!text.contains("waiting for approval ("), "{path}: {text}");
    }
    says(&server, "/?only=waiting", &["0 of 1 service"]);
}

#[test]
fn what_waits_for_approval_is_decided_at_the_top_of_its_page_by_others_than_who_requested_it() {
    let server = guarded();
    let page = open(&server, &format!("{LANE}/2")).expect(200).text;
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no `{text}`: {page}"));
    assert!(place("<h1>") < place("/2/approve\"") && place("/2/reject\"") < place("id=\"facts\""));
    says(
        &server,
        &format!("{LANE}/2"),
        &["Waiting for approval: 0 of 1 Anyone but ann, who requested it, may approve it."],
    );
    let rules = json!({"tier": "production", "approvals": 1, "self_approval": true});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"actor": "ann"})));
    let own = "Anyone may approve it, also ann, who requested it.";
    says(&server, &format!("{LANE}/3"), &[own]);
}

#[test]
fn what_is_queued_does_not_hide_what_runs() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    server.post(DEPLOYMENTS, &asked("3"));
    says(&server, "/", &["1 deployment is running; 1 deployment is requested or queued."]);
    says(&server, "/", &["2 running, requested", "3 queued, requested"]);
    says(&server, LANE, &["2 is running (#2), requested", "3 is queued (#3), requested"]);
    says(&server, "/history", &["◐ running", "○ queued"]);
    says(&server, &format!("{LANE}/2"), &["◐ running"]);
    says(&server, &format!("{LANE}/3"), &["○ queued"]);
    let others = ["2 is running (#2)", "3 is queued (#3)", "Another deployment has not ended"];
    says(&server, &format!("{LANE}/1/recovery"), &others);
    server.post(&step(2, "succeed"), &json!({"at": at("10:05")}));
    says(&server, LANE, &["3 is requested (#3)"]);
    says(&server, &format!("{LANE}/3"), &["○ requested"]);
}
