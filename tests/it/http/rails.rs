//! Guard rails: what they refuse, how they are crossed, and what is recorded of that.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, back, deployment, refused, reported, step, succeeded, with},
    server::Server,
};

const PRODUCTION: &str = "/v1/environments/production";
const FREEZE: &str = "/v1/environments/production/freeze";
const UNFREEZE: &str = "/v1/environments/production/unfreeze";

fn declare(server: &Server, rules: &Value) {
    let rules = with(json!({"tier": "production"}), rules.clone());
    server.ask("PUT", PRODUCTION).json(&rules).send().expect(200);
}

fn crossing(request: Value, rail: &str) -> Value {
    with(request, json!({"override": {"rails": [rail], "reason": "orders are lost"}}))
}

/// Asked for by ana.
fn by_ana(request: Value) -> Value {
    with(request, json!({"actor": "ana"}))
}

#[test]
fn a_frozen_environment_takes_no_wishes_but_reports() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(FREEZE, &json!({"reason": "peak hour", "until": "2999-01-01T00:00:00Z"}));
    for wish in [
        asked("1.2"),
        back("previous"),
        json!({"intent": "retry", "service": "checkout",
        "environment": "production"}),
    ] {
        refused(&server, DEPLOYMENTS, &wish, ("frozen", "until `2999-01-01T00:00:00Z`: peak hour"));
    }
    let told = server.post(DEPLOYMENTS, &reported("1.2", "11:00"));
    assert_eq!((&told["status"], &told["override"]), (&json!("succeeded"), &Value::Null));
    let crossed = server.post(DEPLOYMENTS, &crossing(back(1), "freeze"));
    let expected = json!({"rails": ["freeze"], "reason": "orders are lost"});
    assert_eq!(crossed["override"], expected);
    assert_eq!(server.get(&deployment(4))["override"], expected);
    server.post(UNFREEZE, &json!({}));
    assert_eq!(server.post(DEPLOYMENTS, &asked("1.3"))["override"], Value::Null);
}

#[test]
fn a_planned_freeze_is_told_of_begins_by_itself_and_can_be_called_off() {
    let server = Server::start();
    let from = "2998-12-24T00:00:00Z";
    let window = json!({"reason": "holidays", "at": from, "until": "2999-01-02T00:00:00Z"});
    let planned = server.post(FREEZE, &window);
    assert_eq!(planned["frozen"], Value::Null);
    assert_eq!(planned["planned_freezes"][0]["since"], from);
    server.post(DEPLOYMENTS, &asked("1.0"));
    let board = server.get(PRODUCTION);
    assert_eq!(
        (&board["frozen"], &board["planned_freezes"][0]["reason"]),
        (&Value::Null, &json!("holidays"))
    );
    let then = server.get(&format!("{PRODUCTION}?at=2998-12-25T00:00:00Z"));
    assert_eq!(then["frozen"]["reason"], "holidays");
    // Lifting what is in force now leaves it alone.
    server.post(UNFREEZE, &json!({}));
    assert_eq!(server.get(PRODUCTION)["planned_freezes"][0]["since"], from);
    server.post(UNFREEZE, &json!({"at": from, "reason": "we work"}));
    assert_eq!(server.get(PRODUCTION)["planned_freezes"], json!([]));
}

#[test]
fn a_lane_that_takes_one_at_a_time_refuses_the_second() {
    let server = Server::start();
    declare(&server, &json!({"one_at_a_time": true}));
    server.post(DEPLOYMENTS, &asked("1.0"));
    refused(&server, DEPLOYMENTS, &asked("1.1"), ("in-progress", "`#1` is `requested`"));
    server.post(&step(1, "start"), &json!({}));
    refused(&server, DEPLOYMENTS, &asked("1.1"), ("in-progress", "`#1` is `started`"));
    let crossed = server.post(DEPLOYMENTS, &crossing(asked("1.1"), "one_at_a_time"));
    assert_eq!(crossed["override"]["rails"], json!(["one_at_a_time"]));
    // Another lane is another matter.
    server.post(DEPLOYMENTS, &with(asked("1.1"), json!({"service": "search"})));
}

#[test]
fn a_blocked_release_goes_no_further_whichever_way_it_is_asked_for() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post("/v1/releases/checkout/1.0/block", &json!({"reason": "it leaks"}));
    let says = ("blocked-release", "version `1.0` is blocked: it leaks");
    for wish in [asked("1.0"), back(1), back("1.0")] {
        refused(&server, DEPLOYMENTS, &wish, says);
    }
    let nowhere = ("nothing-sound", "`1.0` (#1) was blocked");
    refused(&server, DEPLOYMENTS, &back("previous"), nowhere);
    let retry = json!({"service": "checkout", "environment": "production",
        "intent": {"kind": "retry", "of": 1}});
    refused(&server, DEPLOYMENTS, &retry, says);
    // What is blocked where it runs may stay.
    server.post("/v1/releases/checkout/1.1/block", &json!({"reason": "it leaks, too"}));
    server.post(DEPLOYMENTS, &asked("1.1"));
    assert_eq!(
        server.post(DEPLOYMENTS, &crossing(back(1), "block"))["override"]["rails"][0],
        "block"
    );
}

#[test]
fn who_asked_does_not_approve_and_nobody_begins_before_somebody_else_has() {
    let server = Server::start();
    declare(&server, &json!({"approvals": 1}));
    let wanted = server.post(DEPLOYMENTS, &by_ana(asked("1.0")));
    assert_eq!((&wanted["approvals_needed"], &wanted["approvals_missing"]), (&json!(1), &json!(1)));
    let claim = json!({"claim": true, "executor": "agent-1"});
    refused(&server, &step(1, "start"), &claim, ("not-approved", "still needs 1 approval"));
    let own =
        server.ask("POST", &step(1, "approve")).header("Shiplog-Actor", "ana").json(&json!({}));
    own.send().problem(409, "self-approval");
    let approved_by = |who: &str| {
        let ask = server.ask("POST", &step(1, "approve")).header("Shiplog-Actor", who);
        ask.json(&json!({})).send()
    };
    approved_by("person:Ana").problem(409, "self-approval");
    for program in ["service:ci", "system:cron"] {
        let problem = approved_by(program).problem(409, "not-a-person");
        let says = format!("approvals are given by people, and `{program}` is a ");
        assert!(problem["detail"].as_str().unwrap().starts_with(&says), "{problem}");
    }
    let nobody = server.ask("POST", &step(1, "approve")).json(&json!({})).send();
    nobody.problem(409, "not-a-person");
    assert_eq!(server.get(&deployment(1))["approvals"], json!([]));
    let other = server.ask("POST", &step(1, "approve")).header("Shiplog-Actor", "ben");
    assert_eq!(other.json(&json!({})).send().expect(200).json()["approvals_missing"], 0);
    assert_eq!(server.post(&step(1, "start"), &claim)["executor"], "agent-1");
    let late = json!({"claim": true, "executor": "agent-2"});
    refused(&server, &step(1, "start"), &late, ("already-started", "carried out by `agent-1`"));
}

#[test]
fn a_claim_is_answered_as_before_when_it_is_sent_again() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    let claim = || {
        let ask = server.ask("POST", &step(1, "start")).header("Idempotency-Key", "claim-1");
        ask.json(&json!({"claim": true, "executor": "agent-1"})).send().expect(200)
    };
    let (first, second) = (claim(), claim());
    assert_eq!(first.json(), second.json());
    assert_eq!(second.header("idempotency-replayed"), "true");
}

#[test]
fn what_is_put_up_after_the_wish_keeps_it_from_beginning_until_it_is_gone() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &asked("1.0"));
    let claim = json!({"claim": true});
    server.post(FREEZE, &json!({"reason": "peak hour"}));
    refused(&server, &step(1, "start"), &claim, ("frozen", "peak hour"));
    server.post(UNFREEZE, &json!({}));
    server.post("/v1/releases/checkout/1.0/block", &json!({"reason": "it leaks"}));
    refused(&server, &step(1, "start"), &claim, ("blocked-release", "it leaks"));
    server.post("/v1/releases/checkout/1.0/unblock", &json!({"reason": "it does not"}));
    assert_eq!(server.post(&step(1, "start"), &claim)["status"], "started");
}

/// Sends lines, and tells what became of each.
pub(super) fn batch(server: &Server, lines: &[Value]) -> Vec<Value> {
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let ask = server.ask("POST", "/v1/deployments:batch");
    let answer = ask.header("Content-Type", "application/jsonl").body(text).send().expect(200);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A line of its own key.
pub(super) fn keyed(line: Value, key: &str) -> Value {
    with(line, json!({"idempotency_key": key}))
}

/// What became of a line: its number, or the code of the problem.
pub(super) fn became(answer: &Value) -> Value {
    let number = &answer["number"];
    if number.is_null() { answer["problem"]["code"].clone() } else { number.clone() }
}

#[test]
fn a_line_that_asks_meets_every_guard_rail_and_one_that_reports_meets_none() {
    let server = Server::start();
    declare(&server, &json!({"approvals": 1, "one_at_a_time": true}));
    succeeded(&server, &["1.0", "1.1"]);
    server.post("/v1/releases/checkout/1.0/block", &json!({"reason": "it leaks"}));
    let lines = [
        keyed(asked("1.0"), "blocked"),
        keyed(back("previous"), "blocked, too"),
        keyed(asked("1.2"), "waits"),
        // The line before is in its way, whether it names its release or not.
        keyed(asked("1.3"), "second"),
        keyed(with(back(2), json!({"intent": {"kind": "retry", "of": 2}})), "third"),
        keyed(reported("1.4", "11:00"), "report"),
        keyed(crossing(asked("1.5"), "one_at_a_time"), "crosses"),
    ];
    let expected = [
        json!("blocked-release"),
        json!("nothing-sound"),
        json!(3),
        json!("in-progress"),
        json!("in-progress"),
        json!(4),
        json!(5),
    ];
    let answers = batch(&server, &lines);
    assert_eq!(answers.iter().map(became).collect::<Vec<_>>(), expected, "{answers:#?}");
    let waits = server.get(&deployment(3));
    assert_eq!((&waits["approvals_needed"], &waits["approvals_missing"]), (&json!(1), &json!(1)));
    let claim = json!({"claim": true, "executor": "agent-1"});
    refused(&server, &step(3, "start"), &claim, ("not-approved", "still needs 1 approval"));
    assert_eq!(server.get(&deployment(4))["approvals_needed"], 0);
    assert_eq!(server.get(&deployment(5))["override"]["rails"], json!(["one_at_a_time"]));

    server.post(FREEZE, &json!({"reason": "peak hour"}));
    let frozen = batch(&server, &[keyed(asked("1.6"), "frozen"), keyed(back(2), "frozen, too")]);
    assert_eq!(frozen.iter().map(became).collect::<Vec<_>>(), ["frozen", "frozen"]);
    let again = batch(&server, &lines);
    let statuses: Vec<_> = again.iter().map(|line| line["status"].clone()).collect();
    let refused = json!("refused");
    assert_eq!(statuses[2], "known", "a line that is sent again is answered as it was: {again:#?}");
    assert_eq!((&statuses[0], &statuses[5]), (&refused, &json!("known")));
}

#[test]
fn what_is_asked_for_or_decided_is_of_now_whatever_it_states() {
    let server = Server::start();
    let then = "2021-01-01T00:00:00Z";
    let dated = |body: Value| with(body, json!({ "at": then }));
    let wanted = server.post(DEPLOYMENTS, &dated(asked("1.0")));
    assert_ne!(wanted["requested_at"], then, "{wanted}");
    let warning = &wanted["warnings"][0];
    assert_eq!((&warning["code"], &warning["pointer"]), (&json!("dated-request"), &json!("/at")));
    let line = keyed(dated(asked("1.1")), "old");
    let answer = &batch(&server, &[line])[0];
    assert_eq!(
        (&answer["number"], &answer["warnings"][0]["code"]),
        (&json!(2), &json!("dated-request"))
    );
    let past = format!("{LANE}?at=2022-01-01T00:00:00Z");
    server.ask("GET", &past).send().problem(404, "not-found");
    for (word, body) in
        [("approve", json!({})), ("start", json!({"claim": true, "executor": "agent-1"}))]
    {
        let ask = server.ask("POST", &step(1, word)).header("Shiplog-Actor", "ben");
        ask.json(&dated(body)).send().expect(200);
    }
    let told = server.get(&deployment(1));
    assert_ne!(told["approvals"][0]["at"], then, "{told}");
    assert_ne!(told["started_at"], then, "{told}");
    // A report says when it was.
    let started = server.post(&step(2, "start"), &dated(json!({})));
    assert_eq!(started["started_at"], then);
}

#[test]
fn a_registered_release_is_asked_for_as_it_is_registered_and_reported_as_it_was() {
    let server = Server::start();
    let image = |digest: &str| json!([{"name": "image", "digest": digest}]);
    let registered = json!({"commit": "3f2c9ab1", "artifacts": image("sha256:1")});
    server.ask("PUT", "/v1/releases/checkout/1.0").json(&registered).send().expect(200);
    let of = |release: Value| {
        with(asked("1.0"), json!({"release": with(json!({"version": "1.0"}), release)}))
    };
    let commit = of(json!({"commit": "b19d3e0"}));
    let says = "`1.0` is registered with commit `3f2c9ab1`, not `b19d3e0`";
    refused(&server, DEPLOYMENTS, &commit, ("other-content", says));
    let digest = of(json!({"artifacts": image("sha256:2")}));
    let says = "`image` with digest `sha256:1`, not `sha256:2`";
    refused(&server, DEPLOYMENTS, &digest, ("other-content", says));
    assert_eq!(became(&batch(&server, &[keyed(digest, "line")])[0]), "other-content");
    let reported = with(commit, json!({"status": "succeeded"}));
    let told = server.post(DEPLOYMENTS, &reported);
    assert_eq!(told["warnings"][0]["code"], "other-content", "{told}");
    // What says less, or abbreviates, is the same; what ran otherwise is replayed as it ran.
    server.post(DEPLOYMENTS, &asked("1.0"));
    server.post(DEPLOYMENTS, &of(json!({"commit": "3F2C9AB"})));
    let retry = json!({"service": "checkout", "environment": "production",
        "intent": {"kind": "retry", "of": 1}});
    assert_eq!(server.post(DEPLOYMENTS, &retry)["release"]["commit"], "b19d3e0");
}
