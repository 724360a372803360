//! The examples about failures, over a few deployments whose answers are counted by hand.

use serde_json::json;

use super::{
    define,
    examples::{Named, is_same, result, source},
};
use crate::support::{Client, Server};

const NAMED: Named = Named { staging: "staging", production: "production" };

/// Reports a deployment that came to an end at this minute of an hour.
fn report(client: &Client, service: &str, version: &str, status: &str, minute: u32) {
    let at = format!("2026-03-06T10:{minute:02}:00Z");
    let body = json!({
        "service": service, "environment": "production", "release": { "version": version },
        "status": status, "at": at,
    });
    let kind = [("Content-Type", "application/json")];
    client.send("POST", "/v1/deployments", &kind, body.to_string().as_bytes()).expect(201);
}

#[test]
fn failures_and_what_followed_them_are_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    for name in ["failure-rate", "time-to-restore", "deployments-per-week"] {
        define(&client, name, &source(name, NAMED)).expect(201);
    }
    // checkout: fails at 01 and at 03, is well at 11; fails at 20 and stays so.
    report(&client, "checkout", "1", "failed", 1);
    report(&client, "checkout", "1", "failed", 3);
    report(&client, "checkout", "2", "succeeded", 11);
    report(&client, "checkout", "3", "failed", 20);
    report(&client, "search", "1", "succeeded", 5);

    let rates = json!({
        "checkout": { "succeeded": 1, "failed": 3, "rate": 0.75 },
        "search": { "succeeded": 1, "failed": 0, "rate": 0.0 },
    });
    let found = result(&client, "failure-rate");
    assert!(is_same(&found, &rates), "{found:#}");
    let restored = json!({ "lane-checkout@production":
        { "count": 1, "mean": 10.0, "openSince": "2026-03-06T10:20:00Z" } });
    let found = result(&client, "time-to-restore");
    assert!(is_same(&found, &restored), "{found:#}");
    let weeks = json!({ "2026-W10": { "no team": 2 } });
    let found = result(&client, "deployments-per-week");
    assert!(is_same(&found, &weeks), "{found:#}");
}
