//! Which fields an answer has, whether there is anything to say or not.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, at, back, deployment, reported, step, succeeded, with},
    server::Server,
};

/// The fields of a deployment: those that the design promises, then those that came since.
const DEPLOYMENT: &str = "service environment number status intent classification release actor \
    reason external_id url labels requested_at started_at finished_at duration_ms replaced position \
    executor log_url error failed_step ended_because contradicted void blamed health targets notes \
    approvals approvals_needed approvals_missing override acknowledged corrections \
    configuration taken_back_by";

const RELEASE: &str = "version commit artifacts notes changes";
const ACTOR: &str = "kind id name via";
const LANE_FIELDS: &str = "service environment version uncertain current in_progress \
    queued queued_count last_failed upcoming damaged";
const PLACE: &str = "number version";

/// An object has these fields, and no others.
#[track_caller]
fn has(object: &Value, fields: &str) {
    let mut found: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected: Vec<_> = fields.split_whitespace().collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{object}");
}

/// A deployment of which everything is said that can be.
fn eloquent() -> Value {
    let release = json!({"version": "1.1", "commit": "3f2c9ab", "notes": "faster",
        "artifacts": [{"name": "image", "digest": "sha256:9f", "mediaType": "application/x-tar"}],
        "changes": [{"kind": "migration", "id": "0042", "description": "an index",
            "reversible": false, "url": "https://x/42"}]});
    json!({"service": "checkout", "environment": "production", "intent": "deploy",
        "release": release, "reason": "train 31", "external_id": "77",
        "url": "https://ci/77", "labels": {"train": "31"}, "configuration": {"app.yaml": "4d"},
        "actor": {"kind": "person", "id": "ana", "name": "Ana"}})
}

#[test]
fn a_deployment_has_the_same_fields_whoever_answers() {
    let server = Server::start();
    let first = server.post(DEPLOYMENTS, &asked("1.0"));
    let second = server.post(DEPLOYMENTS, &eloquent());
    let list = server.get(DEPLOYMENTS);
    has(&list, "items next");
    let read = [server.get(&deployment(1)), list["items"][0].clone(), list["items"][1].clone()];
    for answer in
        [first.clone(), second, server.post(&step(1, "start"), &json!({}))].iter().chain(&read)
    {
        has(answer, DEPLOYMENT);
        has(&answer["release"], RELEASE);
        has(&answer["actor"], ACTOR);
    }
    for field in ["reason", "external_id", "url", "started_at", "finished_at", "replaced", "health"]
    {
        assert_eq!(first[field], Value::Null, "there is nothing to say of `{field}`");
    }
    assert_eq!((&first["labels"], &first["release"]["artifacts"]), (&json!({}), &json!([])));
}

#[test]
fn a_deployment_says_what_was_said_of_it() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let whole = server
        .post(DEPLOYMENTS, &with(eloquent(), json!({"status": "succeeded", "at": at("10:00")})));
    let said = eloquent();
    let expected = json!({"number": 2, "status": "succeeded", "intent": {"kind": "deploy"},
        "classification": "new", "release": said["release"], "reason": "train 31",
        "actor": {"kind": "person", "id": "ana", "name": "Ana", "via": "claimed"},
        "external_id": "77", "url": "https://ci/77", "labels": {"train": "31"},
        "configuration": {"app.yaml": "4d"},
        "requested_at": at("10:00"), "finished_at": at("10:00"), "position": 4});
    assert_eq!(whole, with(whole.clone(), expected));
    assert_eq!(server.get(&deployment(2)), whole);
}

#[test]
fn what_stands_in_a_deployment_has_fields_of_its_own() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(&step(2, "targets"), &json!({"target": "eu-1", "status": "started"}));
    server.post(&step(2, "health"), &json!({"health": "healthy"}));
    let links = json!([{"kind": "ticket", "url": "https://t/1"}]);
    server.post(&step(2, "notes"), &json!({"text": "fine", "links": links}));
    let whole = server.post(&step(2, "corrections"), &json!({"kind": "blamed", "reason": "x"}));
    has(&whole["targets"][0], "target status error at");
    has(&whole["health"], "health source detail at");
    has(&whole["notes"][0], "text links at");
    has(&whole["notes"][0]["links"][0], "kind url");
    has(&whole["corrections"][0], "correction reason at");
    has(&whole["replaced"], PLACE);
    server.post(DEPLOYMENTS, &eloquent());
    let agreed = server
        .ask("POST", &step(3, "approve"))
        .header("Shiplog-Actor", "ben")
        .json(&json!({}))
        .send()
        .expect(200)
        .json();
    has(&agreed["approvals"][0], "by comment at");
    has(&agreed["release"]["artifacts"][0], "name digest mediaType");
    has(&agreed["release"]["changes"][0], "id kind description reversible url");
}

#[test]
fn a_lane_is_the_same_alone_and_on_its_board() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let failed = json!({"status": "failed", "error": "no disk"});
    server.post(DEPLOYMENTS, &with(asked("1.1"), failed));
    server.post(DEPLOYMENTS, &asked("1.2"));
    let lane = server.get(LANE);
    has(&lane, LANE_FIELDS);
    has(&lane["current"], "number release since actor intent");
    has(&lane["in_progress"], "number release progress approvals requested_at actor intent");
    has(&lane["last_failed"], "number release failed_at actor intent error");
    for place in ["current", "in_progress", "last_failed"] {
        has(&lane[place]["release"], "version commit");
        has(&lane[place]["actor"], ACTOR);
    }
    let board = server.get("/v1/environments/production");
    has(
        &board,
        "environment tier at known_at frozen planned_freezes lanes next declared retired damaged \
        damaged_total",
    );
    assert_eq!(board["lanes"], json!([lane]));
}

#[test]
fn an_environment_has_the_same_fields_declared_or_not() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let rules = json!({"tier": "staging", "approvals": 2});
    let ask = server.ask("PUT", "/v1/environments/production").json(&rules);
    let declared = ask.send().expect(200).json();
    has(
        &declared,
        "environment tier declared approvals self_approval one_at_a_time frozen planned_freezes \
            retired",
    );
    let freeze = json!({"reason": "inventory", "until": "2999-01-01T00:00:00Z"});
    let frozen = server.post("/v1/environments/production/freeze", &freeze);
    has(&frozen["frozen"], "reason since until");
    let list = server.get("/v1/environments");
    has(&list, "items next");
    has(&list["items"][0], "environment tier declared retired frozen lanes");
    assert_eq!(list["items"][0]["frozen"], frozen["frozen"]);
    assert_eq!(server.get("/v1/environments/production")["frozen"], frozen["frozen"]);
}

#[test]
fn a_rollback_in_the_audit_has_its_fields_from_the_start() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &back("previous"));
    let fields = "service environment number declared from to reverts reverts_count reason actor \
        requested_at finished_at status ran_for_ms left_at to_request_ms to_end_ms approvals_needed approvals \
        override irreversible irreversible_count shown fate afterwards corrections reported_intent evidence";
    has(&server.get("/v1/rollbacks")["items"][0], fields);
    server.post(&step(3, "succeed"), &json!({}));
    server
        .post(DEPLOYMENTS, &with(reported("1.1", "10:00"), json!({"at": "2999-01-01T00:00:00Z"})));
    let audit = server.get("/v1/rollbacks");
    has(&audit, "items next");
    let rollback = &audit["items"][0];
    has(rollback, fields);
    has(&rollback["actor"], ACTOR);
    for place in [&rollback["from"], &rollback["to"], &rollback["reverts"][0]] {
        has(place, PLACE);
    }
    has(&rollback["afterwards"], "deployed_again superseded_by");
    has(&rollback["afterwards"]["deployed_again"], "deployment at");
}

#[test]
fn a_release_is_listed_and_shown() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    server.post("/v1/releases/checkout/1.0/block", &json!({"reason": "it loses orders"}));
    let brief = "service version commit registered blocked first_seen_at runs_in";
    let list = server.get("/v1/releases");
    has(&list, "items next");
    has(&list["items"][0], &format!("{brief} contents_count"));
    has(&list["items"][0]["blocked"], "reason at");
    let whole = server.get("/v1/releases/checkout/1.0");
    has(&whole, &format!("{brief} release contents runs"));
    has(&whole["release"], RELEASE);
    has(&whole["runs"][0], "environment number since until");
}

#[test]
fn an_event_is_shown_as_the_log_has_it() {
    let server = Server::start();
    let ask = server.ask("POST", DEPLOYMENTS).header("Idempotency-Key", "run-77");
    ask.header("X-Request-Id", "trace-1").json(&eloquent()).send().expect(201);
    let events = server.get("/v1/events");
    has(&events, "items next");
    let event = &events["items"][0];
    has(
        event,
        "position stream version id type schema recorded_at actor data readable_from ignorable \
            idempotency_key request_digest correlation_id causation_id source",
    );
    let expected = json!({"position": 1, "stream": "lane-checkout@production", "version": 0,
        "type": "DeploymentRequested", "schema": 3, "idempotency_key": "run-77",
        "correlation_id": "trace-1"});
    assert_eq!(*event, with(event.clone(), expected));
    assert_eq!(event["data"]["release"]["commit"], "3f2c9ab");
}

#[test]
fn a_problem_has_the_fields_of_rfc_9457_and_three_more() {
    let server = Server::start();
    let fields = "type title status detail code errors request_id";
    has(&server.ask("GET", "/nowhere").send().problem(404, "not-found"), fields);
    let problem = server.ask("GET", "/v1/deployments?limit=0").send().problem(400, "malformed");
    has(&problem, fields);
    has(&problem["errors"][0], "pointer detail");
}
