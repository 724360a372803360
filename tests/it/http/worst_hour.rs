//! What somebody is told in the hour in which they need it: each of these was wrong once.

use serde_json::{Value, json};

use super::{
    lane::{
        DEPLOYMENTS, LANE, asked, at, back, deployment, refused, reported, step, succeeded, with,
    },
    server::Server,
};

fn failed(version: &str, time: &str) -> Value {
    with(asked(version), json!({"status": "failed", "at": at(time)}))
}

fn intent(restores: u32, reverts: &[u32]) -> Value {
    json!({"kind": "rollback", "restores": restores, "reverts": reverts})
}

fn places(of: &[(u32, &str)]) -> Value {
    of.iter().map(|(number, version)| json!({"number": number, "version": version})).collect()
}

#[test]
fn a_rollback_that_failed_is_tried_again_towards_what_it_was_to_restore() {
    let server = Server::start();
    succeeded(&server, &["1", "2"]);
    server.post(DEPLOYMENTS, &failed("3", "10:03"));
    assert_eq!(server.post(DEPLOYMENTS, &back("previous"))["intent"], intent(2, &[3]));
    server.post(&step(4, "fail"), &json!({"error": "image pull"}));
    assert_eq!(server.post(DEPLOYMENTS, &back("previous"))["intent"], intent(2, &[4, 3]));
    let told = server.get(&format!("{}/recovery", deployment(4)));
    assert_eq!(told["rollback"]["previous"], 2, "{told}");
    assert_eq!(told["rollback"]["candidates"][0]["number"], 2, "{told}");
}

#[test]
fn a_rollback_that_failed_is_tried_again_towards_the_only_release_that_worked() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &failed("2", "10:02"));
    server.post(DEPLOYMENTS, &back("previous"));
    server.post(&step(3, "fail"), &json!({}));
    assert_eq!(server.post(DEPLOYMENTS, &back("previous"))["intent"], intent(1, &[3, 2]));
}

#[test]
fn what_was_cancelled_half_way_leaves_doubt_and_a_way_back() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    server.post(&step(2, "targets"), &json!({"target": "eu", "status": "succeeded"}));
    server.post(&step(2, "cancel"), &json!({"reason": "pipeline cancelled"}));
    assert_eq!(server.get(LANE)["uncertain"], "#2 was cancelled half-way");
    for to in [json!("previous"), json!(1)] {
        assert_eq!(server.post(DEPLOYMENTS, &back(to))["intent"], intent(1, &[2]));
    }
}

#[test]
fn what_was_cancelled_before_it_began_leaves_none() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &asked("2"));
    server.post(&step(2, "cancel"), &json!({}));
    assert_eq!(server.get(LANE)["uncertain"], Value::Null);
    refused(
        &server,
        DEPLOYMENTS,
        &back("previous"),
        ("nothing-before", "no other release worked here"),
    );
}

#[test]
fn targets_that_failed_or_have_not_ended_leave_doubt_whatever_else_is_said() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    let target =
        |name: &str, status: &str| json!({"target": name, "status": status, "at": at("10:03")});
    server.post(&step(2, "targets"), &target("eu", "failed"));
    assert_eq!(server.get(LANE)["uncertain"], "#2 failed on some targets");
    server.post(&step(2, "targets"), &target("us", "started"));
    server.post(&step(2, "succeed"), &json!({"at": at("10:04")}));
    assert_eq!(server.get(LANE)["uncertain"], "#2 failed on some targets");
    server.post(&step(2, "targets"), &target("eu", "succeeded"));
    assert_eq!(server.get(LANE)["uncertain"], "#2 has targets that have not ended");
    assert_eq!(server.post(DEPLOYMENTS, &back("previous"))["intent"], intent(1, &[2]));
    server.post(&step(2, "targets"), &target("us", "succeeded"));
    assert_eq!(server.get(LANE)["uncertain"], Value::Null);
}

#[test]
fn what_is_recorded_for_later_does_not_run_yet_anywhere() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &reported("1.0", "10:00"));
    let later = json!({"status": "succeeded", "at": "2062-03-02T10:00:00Z"});
    server.post(DEPLOYMENTS, &with(asked("1.1"), later));
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "succeeded"})));
    server.post(DEPLOYMENTS, &with(asked("1.3"), json!({"status": "started"})));
    server.post(&step(4, "fail"), &json!({"at": "2062-03-02T11:00:00Z"}));

    let lane = server.get(LANE);
    let now = server.get(&format!("{LANE}?at={}", jiff::Timestamp::now()));
    assert_eq!(lane, now, "without `at` it is the lane of now");
    assert_eq!(lane["current"]["release"]["version"], "1.2");
    assert_eq!((&lane["uncertain"], &lane["last_failed"]), (&Value::Null, &Value::Null));
    assert_eq!(lane["in_progress"]["number"], 4);
    assert_eq!(lane["upcoming"]["release"]["version"], "1.1");
    let then = server.get(&format!("{LANE}?at=2062-03-02T12:00:00Z"));
    assert_eq!(then["current"]["release"]["version"], "1.1");
    assert_eq!(then["uncertain"], "#4 failed half-way");

    let runs_in =
        |version: &str| server.get(&format!("/v1/releases/checkout/{version}"))["runs_in"].take();
    assert_eq!((runs_in("1.1"), runs_in("1.2")), (json!([]), json!(["production"])));
    let sql = json!({"query": "SELECT version, uncertain, in_progress FROM lanes"});
    assert_eq!(server.post("/v1/sql", &sql)["rows"], json!([["1.2", 0, 4]]));
    let rollback = server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(rollback["intent"], intent(1, &[3]));
}

#[test]
fn rolled_back_twice_it_does_not_come_back_to_what_was_taken_back_and_says_so() {
    let server = Server::start();
    succeeded(&server, &["1", "2", "3"]);
    let ann = |path: &str, body: &Value| {
        let answer = server.ask("POST", path).header("Shiplog-Actor", "person:ann").json(body);
        answer.send().json()
    };
    ann(DEPLOYMENTS, &with(back("previous"), json!({"reason": "3 is bad"})));
    server.post(&step(4, "succeed"), &json!({}));
    server.post(&step(3, "corrections"), &json!({"kind": "blamed", "reason": "loses orders"}));

    let told = server.get(&format!("{}/recovery", deployment(4)));
    assert_eq!(told["rollback"]["previous"], 1, "{told}");
    let bad = &told["rollback"]["candidates"][0];
    assert_eq!(bad["number"], 3, "{told}");
    assert_eq!(bad["taken_back_by"]["number"], 4);
    assert_eq!(bad["taken_back_by"]["reason"], "3 is bad");
    assert_eq!(bad["taken_back_by"]["actor"]["id"], "ann");
    assert_eq!(bad["blamed"]["reason"], "loses orders");

    let second =
        server.post(DEPLOYMENTS, &with(back("previous"), json!({"reason": "2 is bad too"})));
    assert_eq!(second["intent"], intent(1, &[4, 3, 2]));
    server.post(&step(5, "succeed"), &json!({}));
    let says = "`2` (#4) was taken back by #5: 2 is bad too; `3` (#3) was taken back by #4: 3 is bad, \
                blamed: loses orders";
    refused(&server, DEPLOYMENTS, &back("previous"), ("nothing-sound", says));

    let taken_back = server.get(&deployment(3))["taken_back_by"].take();
    assert_eq!((&taken_back["number"], &taken_back["declared"]), (&json!(4), &json!(true)));
    let found = server.get("/v1/deployments?q=is:taken-back");
    let numbers: Vec<_> =
        found["items"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [&json!(4), &json!(3), &json!(2)], "{found}");
    assert_eq!(server.get(&deployment(1))["taken_back_by"], Value::Null);
}

#[test]
fn the_default_target_is_not_blocked_and_not_unhealthy() {
    let server = Server::start();
    succeeded(&server, &["1", "2", "3", "4"]);
    server.post("/v1/releases/checkout/3/block", &json!({"reason": "leaks"}));
    server.post(&step(2, "health"), &json!({"health": "unhealthy", "detail": "503s"}));
    let told = server.get(&format!("{}/recovery", deployment(4)));
    assert_eq!(told["rollback"]["previous"], 1, "{told}");
    assert_eq!(told["rollback"]["candidates"][0]["blocked"]["reason"], "leaks");
    assert_eq!(told["rollback"]["candidates"][1]["health"]["health"], "unhealthy");
    assert_eq!(server.post(DEPLOYMENTS, &back("previous"))["intent"], intent(1, &[4, 3, 2]));
}

#[test]
fn the_audit_of_a_rollback_that_something_overtook_is_of_one_moment() {
    let server = Server::start();
    succeeded(&server, &["1", "2"]);
    let asked =
        json!({"status": "started", "intent": "rollback", "reason": "r", "at": at("10:05")});
    let rollback = with(asked, json!({"service": "checkout", "environment": "production"}));
    server.post(DEPLOYMENTS, &rollback);
    server.post(DEPLOYMENTS, &reported("3", "10:10"));
    server.post(&step(3, "succeed"), &json!({"at": at("10:20")}));
    let audit = &server.get("/v1/rollbacks")["items"][0];
    assert_eq!(audit["from"], json!({"number": 4, "version": "3"}), "{audit}");
    assert_eq!(audit["to"], json!({"number": 1, "version": "1"}), "{audit}");
    assert_eq!(audit["reverts"], places(&[(4, "3"), (2, "2")]), "{audit}");
    assert_eq!((&audit["ran_for_ms"], &audit["to_request_ms"]), (&json!(600_000), &Value::Null));
    let csv = server.ask("GET", "/v1/rollbacks?format=csv").send().expect(200).text;
    assert!(!csv.contains("'-"), "{csv}");
}

#[test]
fn how_long_the_bad_release_ran_survives_a_try_that_failed() {
    let server = Server::start();
    succeeded(&server, &["1", "2", "3"]);
    let told = |time: &str, status: &str| {
        let lane = json!({"service": "checkout", "environment": "production"});
        let intent = json!({"kind": "rollback", "to": 2});
        with(lane, json!({"status": status, "intent": intent, "at": at(time)}))
    };
    server.post(DEPLOYMENTS, &told("10:10", "failed"));
    server.post(DEPLOYMENTS, &told("10:13", "succeeded"));
    let audit = &server.get("/v1/rollbacks")["items"][0];
    assert_eq!(audit["from"], json!({"number": 3, "version": "3"}), "{audit}");
    assert_eq!(audit["reverts"], places(&[(4, "2"), (3, "3")]), "{audit}");
    assert_eq!(audit["ran_for_ms"], 600_000, "{audit}");
}

#[test]
fn what_is_reported_again_and_again_has_run_since_the_first_report() {
    let server = Server::start();
    let day = |version: &str, day: u32| {
        let at = format!("2026-03-0{day}T00:00:00Z");
        server.post(DEPLOYMENTS, &with(reported(version, "10:00"), json!({ "at": at })));
    };
    day("4.0", 1);
    for again in [4, 5, 6] {
        day("5.0", again);
    }
    let current = server.get(LANE)["current"].take();
    assert_eq!(
        (&current["number"], &current["since"]),
        (&json!(4), &json!("2026-03-04T00:00:00Z"))
    );
    day("4.0", 7);
    let audit = &server.get("/v1/rollbacks")["items"][0];
    assert_eq!(audit["reverts"], places(&[(4, "5.0"), (3, "5.0"), (2, "5.0")]), "{audit}");
    assert_eq!(audit["ran_for_ms"], 72 * 3_600_000, "{audit}");
    let told = server.get(&format!("{}/recovery", deployment(5)));
    assert_eq!(told["rollback"]["candidates"][0]["ran_for_ms"], 72 * 3_600_000, "{told}");
    let sql = json!({"query": "SELECT since, (SELECT ran_for_ms FROM rollbacks) FROM lanes"});
    let expected = json!([["2026-03-07T00:00:00.000000Z", 72 * 3_600_000]]);
    assert_eq!(server.post("/v1/sql", &sql)["rows"], expected);
}

#[test]
fn a_tag_that_moved_is_another_release() {
    let server = Server::start();
    for minute in [1, 2] {
        let release = json!({"version": "main", "commit": minute.to_string().repeat(7),
            "artifacts": [{"name": "img", "digest": format!("sha256:{minute}")}]});
        let put = with(reported("main", &format!("10:0{minute}")), json!({ "release": release }));
        server.post(DEPLOYMENTS, &put);
    }
    assert_eq!(server.get(&deployment(2))["classification"], "new");
    let diff = "/v1/environments/production/diff?from=2026-03-02T10:01:30Z&to=2026-03-02T10:03:00Z";
    let changed = server.get(diff);
    assert_eq!(changed["items"].as_array().unwrap().len(), 1, "{changed}");
    let contents = server.get("/v1/releases/checkout/main")["contents"].take();
    let commits: Vec<_> = contents.as_array().unwrap().iter().map(|one| &one["commit"]).collect();
    assert_eq!(commits, [&json!("1111111"), &json!("2222222")]);
    assert_eq!(server.get("/v1/rollbacks")["items"], json!([]));
    for to in [json!("previous"), json!(1)] {
        let rollback = server.post(DEPLOYMENTS, &back(to));
        assert_eq!(rollback["intent"], intent(1, &[2]));
        assert_eq!(rollback["release"]["commit"], "1111111");
    }
}

#[test]
fn what_is_queued_does_not_hide_what_runs() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    server.post(DEPLOYMENTS, &with(asked("2"), json!({"status": "started", "at": at("10:02")})));
    server.post(DEPLOYMENTS, &asked("3"));
    let lane = server.get(LANE);
    let told = |field: &str| json!([lane[field]["number"], lane[field]["progress"]]);
    assert_eq!(told("in_progress"), json!([2, "running"]), "{lane}");
    assert_eq!(told("queued"), json!([3, "queued"]), "{lane}");
    assert_eq!(lane["queued_count"], 1, "{lane}");
}

#[test]
fn what_waits_for_approval_says_so_and_how_many_have_agreed() {
    let server = Server::start();
    succeeded(&server, &["1"]);
    let rules = json!({"tier": "production", "approvals": 2, "self_approval": true});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    server.post(DEPLOYMENTS, &asked("2"));
    let waits = |given: u32| {
        let lane = server.get(LANE);
        let open = &lane["in_progress"];
        assert_eq!(open["progress"], "waiting for approval", "{lane}");
        assert_eq!(open["approvals"], json!({"given": given, "needed": 2}), "{lane}");
    };
    waits(0);
    let agree = |who: &str| {
        let ask = server.ask("POST", &step(2, "approve")).header("Shiplog-Actor", who);
        ask.json(&json!({})).send().expect(200);
    };
    agree("person:ann");
    waits(1);
    agree("person:ben");
    assert_eq!(server.get(LANE)["in_progress"]["progress"], "requested");
}

#[test]
fn what_a_rollback_changes_is_told_from_where_it_starts() {
    let server = Server::start();
    for (version, minute) in [("1.0", 1), ("1.1", 2), ("1.2", 3)] {
        let changes = json!([{"kind": "ticket", "id": format!("T-{version}")}]);
        let release = json!({"version": version, "changes": changes});
        let put = with(reported(version, &format!("10:0{minute}")), json!({ "release": release }));
        server.post(DEPLOYMENTS, &put);
    }
    server.post(DEPLOYMENTS, &back("1.0"));
    server.post(&step(4, "succeed"), &json!({}));
    for path in ["changes", "changes?against=3"] {
        let changes = server.get(&step(4, path));
        let tickets = |field: &str| -> Vec<String> {
            let releases = changes[field].as_array().unwrap().iter();
            releases.map(|one| one["changes"][0]["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(tickets("taken_out"), ["T-1.2", "T-1.1"], "{changes}");
        assert_eq!(tickets("releases"), Vec::<String>::new(), "{changes}");
    }
    let forth = server.get(&step(3, "changes?against=1"));
    assert_eq!(forth["releases"].as_array().unwrap().len(), 2, "{forth}");
    assert_eq!(forth["taken_out"], json!([]), "{forth}");
}
