//! What was taken back, blamed, found unhealthy or blocked says so wherever it is shown or offered.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, at, back, reported, step, succeeded, with},
        server::Server,
    },
    open, says,
};

const LANE: &str = "/lanes/checkout/production";

/// 1, 2 and 3 worked; 3 was taken back by #4, which put 2 there again.
fn taken_back() -> Server {
    let server = Server::start();
    succeeded(&server, &["1", "2", "3"]);
    let back = json!({"intent": {"kind": "rollback"}, "reason": "3 is bad",
        "actor": {"id": "ann", "kind": "person"}, "at": at("10:10"), "status": "succeeded"});
    let body = with(json!({"service": "checkout", "environment": "production"}), back);
    server.post(DEPLOYMENTS, &body);
    server
}

#[test]
fn a_deployment_that_was_taken_back_says_so_wherever_it_is_shown() {
    let server = taken_back();
    let said = "taken back by #4, by ann, 2026-03-02 10:10 UTC: 3 is bad";
    for path in [&format!("{LANE}/3"), LANE, "/history", "/releases/checkout", "/"] {
        says(&server, path, &[said]);
    }
    let page = open(&server, &format!("{LANE}/3")).text;
    assert!(page.contains(&format!("by <a href=\"{LANE}/4\">#4</a>")), "{page}");
    let unharmed = says(&server, &format!("{LANE}/2"), &["succeeded"]);
    assert!(!unharmed.contains("taken back by"), "{unharmed}");
}

#[test]
fn what_speaks_against_a_release_stands_where_it_is_offered() {
    let server = taken_back();
    server.post(&step(3, "corrections"), &json!({"kind": "blamed", "reason": "loses orders"}));
    let health =
        json!({"health": "unhealthy", "source": "probe", "detail": "5xx", "at": at("10:04")});
    server.post(&step(3, "health"), &health);
    server.post("/v1/releases/checkout/3/block", &json!({"reason": "never again"}));
    for path in [&format!("{LANE}/3"), LANE, "/history"] {
        says(&server, path, &["blamed: loses orders", "unhealthy: 5xx", "blocked: never again"]);
    }
    says(&server, "/releases/checkout", &["blamed: loses orders", "unhealthy: 5xx"]);
    let offered = [
        "3 #3 ↩ taken back by #4, by ann, 2026-03-02 10:10 UTC: 3 is bad ✕ blamed (#3): loses orders",
        "✕ unhealthy",
        "⊘ blocked: never again",
    ];
    let page = says(&server, &format!("{LANE}/4/recovery"), &offered);
    assert!(page.contains("1 #1, the default"), "{page}");
    let against = "taken back by #4: 3 is bad; blamed: loses orders; reported as unhealthy: 5xx; \
        blocked: never again";
    let rollback = format!("{LANE}/rollback");
    says(&server, &rollback, &["2 #4 runs → to 1 #1 again", &format!("3 (#3): {against}")]);
    let chosen = format!("What speaks against 3: {against}.");
    says(&server, &format!("{rollback}?to=3"), &[&chosen]);
}

#[test]
fn where_something_speaks_against_every_release_one_is_chosen() {
    let server = taken_back();
    server.post(&step(1, "corrections"), &json!({"kind": "blamed", "reason": "slow"}));
    let choose = [
        "something speaks against every earlier release",
        "3 #3: taken back by #4: 3 is bad",
        "1 #1: blamed: slow",
    ];
    says(&server, &format!("{LANE}/rollback"), &choose);
    let page = open(&server, &format!("{LANE}/rollback")).text;
    assert!(page.contains(&format!("href=\"{LANE}/rollback?to=1\"")), "{page}");
    let recovery =
        ["Something speaks against every one of them, so none is the default: choose one."];
    says(&server, &format!("{LANE}/4/recovery"), &recovery);
}

#[test]
fn the_default_is_not_what_was_taken_back_nor_what_is_blocked() {
    let server = taken_back();
    says(&server, &format!("{LANE}/rollback"), &["2 #4 runs → to 1 #1 again"]);
    server.post("/v1/releases/checkout/1/block", &json!({"reason": "old"}));
    says(&server, &format!("{LANE}/rollback"), &["This cannot be done", "1 #1: blocked: old"]);
}

#[test]
fn what_a_rollback_takes_out_is_not_told_as_coming_in() {
    let server = Server::start();
    for (version, time) in [("1.0", "10:01"), ("1.1", "10:02"), ("1.2", "10:03")] {
        let changes = json!([{"kind": "ticket", "id": format!("T-{version}")}]);
        let release = json!({"release": {"version": version, "changes": changes}});
        server.post(DEPLOYMENTS, &with(reported(version, time), release));
    }
    server.post(DEPLOYMENTS, &back("1.0"));
    server.post(&step(4, "succeed"), &json!({}));
    let page = says(&server, &format!("{LANE}/3"), &["New in this environment 1.2 ticket T-1.2"]);
    assert!(!page.contains("Taken out"), "{page}");
}
