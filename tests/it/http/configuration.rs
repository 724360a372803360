//! What a deployment is configured with: told, replayed, and compared.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, at, back, deployment, refused, reported, step, with},
    server::Server,
};

const SORT: &str = "application/vnd.oci.image.manifest.v1+json";

/// 1.0 under one configuration and another, then 1.1 under that one, all of them successes.
fn configured() -> Server {
    let server = Server::start();
    for (version, time, digest) in
        [("1.0", "10:00", "a"), ("1.0", "10:10", "b"), ("1.1", "10:20", "b")]
    {
        let image =
            json!({"name": "image", "digest": format!("sha256:{version}"), "mediaType": SORT});
        let fields = json!({
            "release": {"version": version, "artifacts": [image]},
            "configuration": {"app.yaml": digest, "flags.json": "f"}
        });
        server.post(DEPLOYMENTS, &with(reported(version, time), fields));
    }
    server
}

#[test]
fn a_deployment_tells_its_configuration_and_what_sort_of_thing_it_put_there() {
    let server = configured();
    let whole = server.get(&deployment(1));
    assert_eq!(whole["configuration"], json!({"app.yaml": "a", "flags.json": "f"}));
    let image = json!({"name": "image", "digest": "sha256:1.0", "mediaType": SORT});
    assert_eq!(whole["release"]["artifacts"], json!([image]));
    // What nobody said is neither there nor nothing.
    let other = with(reported("1", "11:00"), json!({"service": "other"}));
    assert_eq!(server.post(DEPLOYMENTS, &other)["configuration"], Value::Null);
    let bare = with(other, json!({"configuration": {}, "at": at("11:10")}));
    assert_eq!(server.post(DEPLOYMENTS, &bare)["configuration"], json!({}));
}

#[test]
fn a_rollback_and_a_retry_put_the_configuration_back_too() {
    let server = configured();
    let first = server.get(&deployment(1));
    let rollback = server.post(DEPLOYMENTS, &back(1));
    assert_eq!(rollback["configuration"], first["configuration"]);
    assert_eq!(rollback["release"], first["release"]);
    server.post(&step(4, "fail"), &json!({"at": at("10:30")}));
    let retry = json!({"service": "checkout", "environment": "production", "intent": "retry"});
    assert_eq!(server.post(DEPLOYMENTS, &retry)["configuration"], first["configuration"]);
    server.post(&step(5, "succeed"), &json!({"at": at("10:40")}));
    assert_eq!(server.get(LANE)["current"]["number"], 5);
}

#[test]
fn the_version_that_runs_can_be_put_back_as_it_was_configured() {
    let server = configured();
    let again = with(reported("1.1", "10:30"), json!({"configuration": {"app.yaml": "c"}}));
    server.post(DEPLOYMENTS, &again);
    let rollback = server.post(DEPLOYMENTS, &back("previous"));
    assert_eq!(rollback["intent"], json!({"kind": "rollback", "restores": 3, "reverts": [4]}));
    assert_eq!(rollback["configuration"], json!({"app.yaml": "b", "flags.json": "f"}));
    // The same version as the one that runs says nothing of its configuration here.
    server.post(&step(5, "succeed"), &json!({"at": at("10:40")}));
    refused(&server, DEPLOYMENTS, &back(3), ("already-runs", "already runs"));
}

#[test]
fn each_configuration_is_a_way_back_of_its_own_and_its_page_tells_what_differs() {
    let server = configured();
    server.post(&step(3, "fail"), &json!({"at": at("10:30"), "error": "it loses orders"}));
    let recovery = server.get(&format!("{}/recovery", deployment(3)));
    let candidates = recovery["rollback"]["candidates"].as_array().unwrap();
    let told: Vec<_> = candidates
        .iter()
        .map(|one| (one["number"].clone(), one["configuration"]["app.yaml"].clone()))
        .collect();
    assert_eq!(told, [(json!(2), json!("b")), (json!(1), json!("a"))], "{recovery}");
    let page = |to: u32| {
        let path = format!("/lanes/checkout/production/rollback?to={to}");
        server.ask("GET", &path).send().expect(200).text
    };
    let row = "configuration: app.yaml</th><td><code>b</code></td><td><code>a</code>";
    assert!(page(1).contains(row), "{}", page(1));
    assert!(!page(2).contains("configures otherwise"));
}

#[test]
fn what_differs_is_told_by_name_and_digest_where_both_said_it() {
    let server = configured();
    let changes = |number| server.get(&format!("{}/changes", deployment(number)));
    let from_nothing = json!([
        {"name": "app.yaml", "from": null, "to": "a"}, {"name": "flags.json", "from": null, "to": "f"}
    ]);
    assert_eq!(changes(1)["configuration"], from_nothing);
    let app = json!([{"name": "app.yaml", "from": "a", "to": "b"}]);
    assert_eq!(changes(2)["configuration"], app);
    assert_eq!(changes(2)["artifacts"], json!([]));
    assert_eq!(changes(3)["configuration"], json!([]));
    server.post(DEPLOYMENTS, &reported("1.2", "10:30"));
    assert_eq!(changes(4)["configuration"], Value::Null);

    let diff = |from: &str, to: &str| {
        let path = format!("/v1/environments/production/diff?from={}&to={}", at(from), at(to));
        server.get(&path)["items"].clone()
    };
    let reconfigured = diff("10:05", "10:15");
    assert_eq!(reconfigured[0]["change"], "changed", "{reconfigured}");
    assert_eq!(reconfigured[0]["from"]["version"], reconfigured[0]["to"]["version"]);
    assert_eq!(reconfigured[0]["configuration"], app);
    assert_eq!(diff("10:15", "10:25")[0]["configuration"], json!([]));
    assert_eq!(diff("10:25", "10:35")[0]["configuration"], Value::Null);
    assert_eq!(diff("10:11", "10:15"), json!([]));
}

#[test]
fn what_is_replayed_brings_no_configuration() {
    let server = configured();
    let things = json!({"configuration": {"app.yaml": "z"}});
    let retry = json!({"service": "checkout", "environment": "production", "intent": "retry"});
    for asked in [back(1), retry] {
        let answer = server.ask("POST", DEPLOYMENTS).json(&with(asked, things.clone())).send();
        let problem = answer.problem(400, "malformed");
        assert_eq!(problem["errors"][0]["pointer"], "/configuration", "{problem}");
    }
    // A report knows what is there.
    let told = with(back(1), json!({"status": "succeeded", "at": at("11:00")}));
    let told = server.post(DEPLOYMENTS, &with(told, things.clone()));
    assert_eq!(told["configuration"], things["configuration"]);
}
