//! One name with two contents: a tag that moved.

use serde_json::{Value, json};

use super::{
    super::{
        lane::{DEPLOYMENTS, at},
        server::Server,
    },
    says,
};

fn report(server: &Server, environment: &str, (commit, digest, time): (&str, &str, &str)) {
    let artifacts = json!([{"name": "img", "digest": digest}]);
    let release = json!({"version": "main", "commit": commit, "artifacts": artifacts});
    let body: Value = json!({"service": "tag", "environment": environment, "status": "succeeded",
        "release": release, "at": at(time)});
    server.post(DEPLOYMENTS, &body);
}

#[test]
fn a_release_says_that_two_contents_bear_its_name() {
    let server = Server::start();
    report(&server, "production", ("1111111", "sha256:1", "10:01"));
    let before = says(&server, "/releases/tag", &["main"]);
    assert!(!before.contains("same name"), "{before}");
    report(&server, "production", ("2222222", "sha256:2", "10:02"));
    says(&server, "/releases", &["same name, 2 contents"]);
    let contents = ["same name, 2 contents", "1111111 sha256:1, first seen", "2222222 sha256:2"];
    says(&server, "/releases/tag", &contents);
    let differs = "Same name, other content: both are called main";
    says(&server, "/lanes/tag/production/2", &[differs]);
    says(&server, "/lanes/tag/production/2/changes?against=1", &[differs]);
    says(&server, "/lanes/tag/production/rollback", &["main #2 runs → to main #1 again"]);
}

#[test]
fn stages_that_run_two_contents_of_one_name_have_drifted() {
    let server = Server::start();
    report(&server, "production", ("1111111", "sha256:1", "10:01"));
    report(&server, "staging", ("2222222", "sha256:2", "10:02"));
    let other = "same name, other content than staging";
    says(&server, "/", &[other]);
    says(&server, "/?only=drift", &[other, "1 service"]);
    report(&server, "production", ("2222222", "sha256:2", "10:03"));
    let same = says(&server, "/", &["main"]);
    assert!(!same.contains("same name"), "{same}");
}
