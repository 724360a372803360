//! The audit of rollbacks: who, how long, over what, and what became of it.

use serde_json::{Value, json};
use shiplog_domain::{
    environment::Frozen,
    lane::{
        Approvals, Asked, Command, DeploymentNumber, Happened, Override, Rail, Rails, Request,
        RollbackTo,
    },
};

use super::{
    lane::{DEPLOYMENTS, at, reported, step, with},
    server::Server,
};
use crate::past;

/// 1.0 and 1.1, which migrates, ran; 1.2 failed at 10:35; ana asked for 1.0 at 10:45, ben agreed,
/// and at 10:50 it was there, across a freeze.
fn audited(shown: &Value) -> Server {
    let server = Server::start();
    let rules = json!({"tier": "production", "approvals": 1});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    server.post(DEPLOYMENTS, &reported("1.0", "10:00"));
    let migrates = json!({"release": {"version": "1.1", "changes": [
        {"id": "0042", "kind": "migration", "description": "renames a column", "reversible": false},
        {"kind": "feature", "description": "gift cards"}]}});
    server.post(DEPLOYMENTS, &with(reported("1.1", "10:10"), migrates));
    let failed = json!({"status": "failed", "at": at("10:35"), "error": "timed out"});
    server.post(DEPLOYMENTS, &with(reported("1.2", "10:35"), failed));
    server.post("/v1/environments/production/freeze", &json!({"reason": "peak hour"}));
    let back = Asked::Rollback { to: RollbackTo::Number(DeploymentNumber(1)), release: None };
    let shown = shown.as_array().unwrap().iter();
    let request = Request {
        reason: Some("it loses orders".into()),
        acknowledged: shown.map(|one| serde_json::from_value(one.clone()).unwrap()).collect(),
        ..past::request("ana", &at("10:45"), back)
    };
    let frozen =
        Frozen { at: past::instant(&at("10:40")), reason: "peak hour".into(), until: None };
    let back = Command::Request {
        request,
        rails: Rails {
            freeze: Some(frozen),
            approvals: Approvals { needed: 1, by_requester: false },
            ..Rails::default()
        },
        crosses: Some(Override { rails: vec![Rail::Freeze], reason: "it is the fix".into() }),
    };
    let started = Happened::Started { executor: None, log_url: None };
    let decided = [
        ("ana", back),
        ("ben", past::happens(4, &at("10:46"), past::approval("ben"))),
        ("ana", past::happens(4, &at("10:47"), started)),
        ("ana", past::happens(4, &at("10:50"), Happened::Succeeded)),
    ];
    server.meanwhile(|data| past::decide(data, decided))
}

fn crossed() -> Value {
    json!([{"version": "1.1", "id": "0042", "description": "renames a column"}])
}

fn one(server: &Server, query: &str) -> Value {
    let items = server.get(&format!("/v1/rollbacks?{query}"))["items"].take();
    let [one] = items.as_array().unwrap().as_slice() else { panic!("{items}") };
    one.clone()
}

#[test]
fn a_rollback_is_told_with_who_when_over_what_and_from_which_events() {
    let audit = one(&audited(&crossed()), "");
    assert_eq!(audit["actor"]["id"], "ana");
    assert_eq!(audit["actor"]["via"], "claimed");
    assert_eq!(audit["approvals"][0]["by"], "ben");
    assert_eq!(audit["approvals_needed"], 1);
    assert_eq!(audit["override"], json!({"rails": ["freeze"], "reason": "it is the fix"}));
    assert_eq!(audit["left_at"], at("10:35"));
    assert_eq!((&audit["to_request_ms"], &audit["to_end_ms"]), (&json!(600_000), &json!(900_000)));
    assert_eq!(audit["ran_for_ms"], Value::Null, "what failed never ran");
    assert_eq!(audit["irreversible"], crossed());
    assert_eq!((&audit["shown"], &audit["status"]), (&json!(true), &json!("succeeded")));
    assert_eq!(audit["fate"], "not_redeployed");
    let events = json!([
        {"of": "request", "number": 4, "version": null}, {"of": "end", "number": 4, "version": 9},
        {"of": "left", "number": 3, "version": 5}, {"of": "restored", "number": 1, "version": 1}]);
    assert_eq!(audit["evidence"], events);
}

#[test]
fn what_was_not_shown_is_told_as_not_shown() {
    let audit = one(&audited(&json!([])), "");
    assert_eq!((&audit["irreversible"], &audit["shown"]), (&crossed(), &json!(false)));
}

#[test]
fn what_became_of_what_was_taken_back_is_told_in_a_word() {
    for (version, fate) in [("1.3", "fixed"), ("1.2", "deployed_again"), ("1.1", "not_redeployed")]
    {
        let server = audited(&json!([]));
        server.post(DEPLOYMENTS, &reported(version, "11:00"));
        let declared = one(&server, "declared=true");
        assert_eq!(declared["fate"], fate, "{declared}");
    }
}

#[test]
fn a_correction_changes_the_account_of_it_and_never_the_record() {
    let server = audited(&json!([]));
    let was = json!({"kind": "intent", "intent": {"kind": "deploy"}, "reason": "a wrong click"});
    server.post(&step(4, "corrections"), &was);
    let corrected = one(&server, "");
    assert_eq!(
        (&corrected["declared"], &corrected["reported_intent"]["restores"]),
        (&json!(false), &json!(1)),
        "it still went back, by what it put there"
    );
    let recorded = one(&server, "account=reported");
    assert_eq!(
        (&recorded["declared"], &recorded["corrections"][0]["reason"]),
        (&json!(true), &json!("a wrong click"))
    );
    server.post(&step(4, "corrections"), &json!({"kind": "void", "reason": "it was a drill"}));
    assert_eq!(server.get("/v1/rollbacks")["items"], json!([]));
    assert_eq!(one(&server, "account=reported")["number"], 4);
}

#[test]
fn the_audit_is_a_table_and_a_report_too() {
    let server = audited(&crossed());
    let table = server.ask("GET", "/v1/rollbacks?format=csv").send().expect(200);
    let table = table.text;
    let rows: Vec<_> = table.lines().collect();
    assert!(
        rows[0].ends_with(
            "approved_by,override,override_reason,irreversible,shown,fate,reverts_count"
        )
    );
    assert!(
        rows[1].contains(",600000,900000,ben,freeze,it is the fix,1.1 0042 renames a column,true,")
    );
    let report = server.ask("GET", "/v1/rollbacks?format=report").send().expect(200);
    assert_eq!(report.header("content-type"), "text/markdown; charset=utf-8");
    let report = report.text.clone();
    for line in [
        "## checkout/production \\#4: 1.2 (\\#3) to 1.0 (\\#1)",
        "- **Asked for by**: ana (person, claimed)",
        "- **Approved by**: ben at 2026-03-02T10:46:00Z",
        "- **Overridden**: freeze: it is the fix",
        "- **Irreversible changes crossed**: 1.1: 0042 renames a column",
        "- **Shown to whoever asked**: yes",
        "- **Outcome**: succeeded at 2026-03-02T10:50:00Z",
    ] {
        assert!(report.lines().any(|one| one == line), "`{line}` is not in\n{report}");
    }
}
