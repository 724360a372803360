//! Names that are new: how they are kept, and what is said of those that look like known ones.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, asked, at, refused, reported, with},
    server::{Answer, Server},
};
use crate::{future, support::encode};

/// Names that a reader takes for `live` or `checkout`, each with what it is taken for.
const ALIKE: [(&str, &str); 5] = [
    ("Live", "live"),
    ("li ve", "live"),
    ("ＬＩＶＥ", "live"),
    ("caFE\u{301}", "café"),
    ("ca\u{a0}f\u{e9}", "café"),
];

fn into(environment: &str, deployment: Value) -> Value {
    with(deployment, json!({"environment": environment}))
}

fn send(server: &Server, body: &Value) -> Answer {
    server.ask("POST", DEPLOYMENTS).json(body).send()
}

/// A server that knows `checkout` in `live` and `café`, of which `live` is frozen.
fn known() -> Server {
    let server = Server::start();
    server.post(DEPLOYMENTS, &into("live", reported("1.0", "10:00")));
    server.post(DEPLOYMENTS, &into("café", reported("1.0", "10:00")));
    server.post("/v1/environments/live/freeze", &json!({"reason": "peak hour"}));
    server
}

#[test]
fn what_is_asked_for_under_a_name_like_a_known_one_is_refused_unless_it_is_meant() {
    let server = known();
    for (name, like) in ALIKE {
        let says = format!("tell it from `{like}`, which is known");
        refused(&server, DEPLOYMENTS, &into(name, asked("1.1")), ("similar-name", &says));
        for (method, step, body) in [
            ("PUT", "", json!({"tier": "production"})),
            ("POST", "/freeze", json!({"reason": "peak hour"})),
            ("POST", "/unfreeze", json!({})),
        ] {
            let path = format!("/v1/environments/{}{step}", encode(name));
            server.ask(method, &path).json(&body).send().problem(409, "similar-name");
        }
    }
    let service = |name: &str| with(into("live", asked("1.1")), json!({"service": name}));
    let says = ("similar-name", "service `Checkout` is new");
    refused(&server, DEPLOYMENTS, &service("Checkout"), says);
    let problem = send(&server, &into("Live", asked("1.1"))).problem(409, "similar-name");
    assert_eq!(problem["errors"][0]["pointer"], "/environment");
    assert!(problem["detail"].as_str().unwrap().contains("set `new_name` to true"), "{problem}");
    let block = json!({"reason": "it leaks"});
    let path = "/v1/releases/Checkout/1.0/block";
    server.ask("POST", path).json(&block).send().problem(409, "similar-name");

    let meant = with(into("Live", asked("1.1")), json!({"new_name": true}));
    assert_eq!(server.post(DEPLOYMENTS, &meant)["environment"], "Live");
    // It is known now.
    server.post(DEPLOYMENTS, &into("Live", asked("1.2")));
    // What differs by more is another name.
    server.post(DEPLOYMENTS, &into("live-2", asked("1.1")));
}

#[test]
fn what_is_reported_under_a_name_like_a_known_one_is_recorded_and_warned_of() {
    let server = known();
    let told = server.post(DEPLOYMENTS, &into("Live", reported("1.1", "11:00")));
    assert_eq!((&told["environment"], &told["number"]), (&json!("Live"), &json!(1)));
    let warning = &told["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["pointer"]),
        (&json!("similar-name"), &json!("/environment"))
    );
    let said = warning["detail"].as_str().unwrap();
    assert!(said.contains("tell it from `live`, which is known"), "{said}");
    let again = server.post(DEPLOYMENTS, &into("Live", reported("1.2", "12:00")));
    assert_eq!(again.get("warnings"), None);

    let lines = [
        into("LIVE", reported("1.1", "11:00")),
        into("LIVE", reported("1.2", "11:10")),
        into("new", reported("1.1", "11:00")),
        into("New", reported("1.1", "11:00")),
        with(into("NEW", asked("1.1")), json!({"idempotency_key": "wish"})),
    ];
    let answers = super::rails::batch(&server, &lines);
    let warned: Vec<_> = answers.iter().map(|one| one["warnings"][0]["code"].clone()).collect();
    let (warns, none) = (json!("similar-name"), Value::Null);
    assert_eq!(warned, [warns.clone(), none.clone(), none.clone(), warns, none], "{answers:#?}");
    assert_eq!(answers[4]["problem"]["code"], "similar-name");
}

#[test]
fn a_new_name_is_kept_in_one_form_and_without_blanks_around_it() {
    let server = Server::start();
    let raw = json!({"service": " cafe\u{301}\u{200B}", "environment": "production ",
        "release": {"version": "1.0 "}, "status": "started", "at": at("10:00")});
    let told = server.post(DEPLOYMENTS, &raw);
    assert_eq!(
        (&told["service"], &told["environment"], &told["release"]["version"]),
        (&json!("caf\u{e9}"), &json!("production"), &json!("1.0"))
    );
    // The same once more is another report of the same lane.
    let more = server.post(DEPLOYMENTS, &with(raw, json!({"at": at("11:00")})));
    assert_eq!(more["number"], 2);
    let path = format!("{DEPLOYMENTS}/{}/production/2/targets", encode("caf\u{e9}"));
    let target = server.post(&path, &json!({"target": " eu\u{FEFF}", "status": "started"}));
    assert_eq!(target["targets"][0]["target"], "eu");
    let release = server.ask("PUT", "/v1/releases/search/2.0%20").json(&json!({})).send();
    assert_eq!(release.expect(200).json()["version"], "2.0");
}

#[test]
fn an_invisible_character_within_a_new_name_is_refused_with_its_place() {
    let server = Server::start();
    let before = server.position();
    let wrong = |fields: Value, pointer: &str, says: &str| {
        for status in ["requested", "succeeded"] {
            let body = with(asked("1.0"), json!({"status": status}));
            let problem = send(&server, &with(body, fields.clone())).problem(400, "malformed");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        }
    };
    wrong(json!({"service": "a\u{200B}b"}), "/service", "U+200B as its character 2");
    wrong(json!({"environment": "pro\u{202E}d"}), "/environment", "U+202E as its character 4");
    wrong(json!({"release": {"version": "1\u{AD}0"}}), "/release/version", "U+00AD");
    wrong(json!({"environment": " \u{200B}"}), "/environment", "the environment's name is empty");
    assert_eq!(server.position(), before);
    // What scripts and emoji are written with stays.
    let told = server.post(DEPLOYMENTS, &into("👩\u{200D}🚀", asked("1.0")));
    assert_eq!(told["environment"], "👩\u{200D}🚀");
}

#[test]
fn a_new_name_is_not_a_step_within_a_path() {
    let server = Server::start();
    let before = server.position();
    let wrong = |fields: Value, pointer: &str| {
        for status in ["requested", "succeeded"] {
            let body = with(with(asked("1.0"), json!({"status": status})), fields.clone());
            let problem = send(&server, &body).problem(400, "malformed");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("choose another name"));
        }
    };
    wrong(json!({"service": ".."}), "/service");
    wrong(json!({"environment": "."}), "/environment");
    wrong(json!({"release": {"version": ".."}}), "/release/version");
    let declared = server.ask("PUT", "/v1/environments/..").json(&json!({"tier": "testing"}));
    assert_eq!(declared.send().problem(400, "malformed")["errors"][0]["pointer"], "{name}");
    assert_eq!(server.position(), before);
}

#[test]
fn a_lane_that_was_recorded_as_a_step_within_a_path_is_read_and_linked_to_its_history() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    future::deploy(&data, "lane-..@production");
    let server = Server::on(&data);
    assert_eq!(server.get("/v1/lanes/../production")["service"], "..");
    assert_eq!(server.get("/v1/deployments?service=..")["items"][0]["number"], 1);
    let board = server.ask("GET", "/").send().expect(200).text;
    assert!(board.contains("/history?service=..&#38;environment=production#items"), "{board}");
    for page in [board, server.ask("GET", "/history").send().expect(200).text] {
        assert!(!page.contains("/lanes/..") && !page.contains("/releases/.."), "{page}");
    }
}

#[test]
fn a_lane_that_was_recorded_under_another_form_is_used_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    future::deploy(&data, "lane-ws@production ");
    let server = Server::on(&data);
    let plain = with(reported("9.0", "10:00"), json!({"service": "ws"}));
    server.post(DEPLOYMENTS, &plain);
    let lane = |name: &str| server.get(&format!("/v1/lanes/ws/{}", encode(name)));
    assert_eq!(lane("production ")["environment"], "production ");
    let deploy = |name: &str| with(into(name, asked("9.1")), json!({"service": "ws"}));
    let asked = server.post(DEPLOYMENTS, &deploy("production "));
    assert_eq!((&asked["environment"], &asked["number"]), (&json!("production "), &json!(2)));
    let path = format!("{DEPLOYMENTS}/ws/{}/2/succeed", encode("production "));
    assert_eq!(server.post(&path, &json!({}))["status"], "succeeded");
    let version = |name: &str| lane(name)["version"].as_u64().unwrap();
    assert_eq!((version("production "), version("production")), (3, 1));
    // Its environment is known, to other services too.
    let other = server.post(DEPLOYMENTS, &into("production ", super::lane::asked("1.0")));
    assert_eq!(other["environment"], "production ");
    let freeze = format!("/v1/environments/{}/freeze", encode("production "));
    assert_eq!(server.post(&freeze, &json!({"reason": "peak"}))["environment"], "production ");
}
