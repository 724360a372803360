//! Rollbacks, requested and inferred, are marked alike on every page.

use serde_json::{Value, json};

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, back, reported, step, succeeded, with},
        server::Server,
    },
    open, says,
};

const LANE: &str = "/lanes/checkout/production";

#[test]
fn a_rollback_that_nobody_called_so_is_marked_as_one() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.0"]);
    says(&server, "/rollbacks", &["1.1 → 1.0", "↩ rollback (inferred)", "not redeployed yet"]);
    for path in ["/", "/history", LANE, &format!("{LANE}/3")] {
        says(&server, path, &["↩ rollback (inferred)"]);
    }
    says(&server, LANE, &["#1 to #3; #3 went back to #1."]);
    let unsaid: Value = server.get("/v1/rollbacks");
    assert_eq!(unsaid["items"][0]["declared"], false);
}

#[test]
fn a_declared_rollback_is_called_one_in_its_headline() {
    let server = Server::start();
    succeeded(&server, &["build-1071", "build-1074"]);
    server.post(DEPLOYMENTS, &back("previous"));
    let headline = "Rollback of checkout in production: build-1074 → build-1071";
    for end in [None, Some("succeed")] {
        if let Some(end) = end {
            server.post(&step(3, end), &json!({}));
        }
        let page = open(&server, &format!("{LANE}/3")).text;
        assert!(page.contains(&format!("<h1>{headline}</h1>")), "{page}");
        assert!(page.contains(&format!("<title>{headline} ·")), "{page}");
        says(&server, &format!("{LANE}/3"), &["↩ rollback"]);
    }
    says(&server, LANE, &["#3 went back to #1."]);
}

#[test]
fn a_rollback_that_brought_nothing_back_has_no_arc() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    for end in ["cancel", "fail"] {
        server.post(DEPLOYMENTS, &back("previous"));
        let open = says(&server, LANE, &["↩ rollback"]);
        assert!(!open.contains("went back to"), "{open}");
        let number = if end == "cancel" { 3 } else { 4 };
        server.post(&step(number, end), &json!({}));
        let page = open_picture(&server);
        assert!(!page.contains("class=\"arc\"") && !page.contains("taken back</title>"), "{page}");
    }
    // The first that failed still leads to what it was to bring back.
    says(&server, &format!("{LANE}/4"), &["Rollback of checkout in production: 1.1 → 1.0"]);
}

fn open_picture(server: &Server) -> String {
    let page = open(server, LANE).text;
    let (_, picture) = page.split_once("<svg").unwrap();
    picture.split("</svg>").next().unwrap().to_owned()
}

/// A rollback that had begun before what it left came.
fn overtaken() -> Server {
    let server = Server::start();
    succeeded(&server, &["1", "2"]);
    let rollback = json!({"intent": {"kind": "rollback"}, "reason": "r", "status": "started",
        "at": at("10:05")});
    let body = with(json!({"service": "checkout", "environment": "production"}), rollback);
    server.post(DEPLOYMENTS, &body);
    server.post(DEPLOYMENTS, &reported("3", "10:10"));
    server.post(&step(3, "succeed"), &json!({"at": at("10:20")}));
    server
}

#[test]
fn no_time_before_the_request_is_negative_on_the_page_in_the_report_or_in_the_table() {
    let server = overtaken();
    let page = says(
        &server,
        "/rollbacks",
        &["3 → 1", "what it left ran for 10 min", "not redeployed yet"],
    );
    assert!(!page.contains("after that deployment") && !page.contains("-5 min"), "{page}");
    let report = server.ask("GET", "/v1/rollbacks?format=report").send().expect(200).text;
    assert!(report.contains("what it left ran for: 10m"), "{report}");
    assert!(!report.contains("ago") && report.contains("not redeployed yet"), "{report}");
    let csv = server.ask("GET", "/v1/rollbacks?format=csv").send().expect(200).text;
    assert!(!csv.contains("'-") && csv.contains(",600000,,"), "{csv}");
    assert!(csv.contains("not_redeployed"), "{csv}");
}

#[test]
fn what_became_of_what_was_taken_back_is_told() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.0"]);
    server
        .post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "succeeded", "at": at("10:30")})));
    says(&server, "/rollbacks", &["superseded by 1.2, 2026-03-02 10:30 UTC"]);
    server
        .post(DEPLOYMENTS, &with(asked("1.1"), json!({"status": "succeeded", "at": at("10:40")})));
    let page = says(
        &server,
        "/rollbacks?declared=false&until=2026-03-02T10:03:30Z",
        &["superseded by 1.2"],
    );
    assert!(!page.contains("deployed again as"), "the first of the two counts: {page}");
}
