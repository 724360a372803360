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

/// Every object of JavaScript has something under these names, of which an example must not think that
/// it had counted it.
#[test]
fn what_is_called_as_the_language_calls_something_is_counted_as_all_else() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    let examples =
        ["deployments-per-week", "rollbacks-by-actor", "friday-rollbacks", "drift", "lead-time"];
    for name in examples {
        define(&client, name, &source(name, NAMED)).expect(201);
    }
    let names = ["constructor", "__proto__", "toString"];
    let report = |environment: &str, version: &str, name: &str, minute: u32| {
        let at = format!("2026-03-06T10:{minute:02}:00Z");
        let body = json!({
            "service": "checkout", "environment": environment, "release": { "version": version },
            "status": "succeeded", "at": at, "labels": { "team": name }, "actor": name,
        });
        let kind = [("Content-Type", "application/json")];
        client.send("POST", "/v1/deployments", &kind, body.to_string().as_bytes()).expect(201);
    };
    // Each of three goes back to a version with an odd name, twice, on a Friday.
    let mut minute = 0;
    for name in names {
        for version in [name, "valueOf", name, "valueOf", name] {
            minute += 1;
            report("production", version, name, minute);
        }
    }
    report("staging", "hasOwnProperty", "ann", 40);
    report("constructor", "1", "ann", 41);

    let weeks =
        json!({ "2026-W10": { "constructor": 5, "__proto__": 5, "toString": 5, "ann": 2 } });
    let found = result(&client, "deployments-per-week");
    assert!(is_same(&found, &weeks), "{found:#}");
    // What came first is what one goes back to: `valueOf` is the second version of them all.
    let people = json!({ "lane-checkout@production":
        { "constructor": 2, "__proto__": 2, "toString": 2 } });
    let found = result(&client, "rollbacks-by-actor");
    assert!(is_same(&found, &people), "{found:#}");
    let fridays = result(&client, "friday-rollbacks");
    let lane = &fridays["lane-checkout@production"];
    assert_eq!(lane["fridays"], 15, "{fridays:#}");
    let back = lane["rolledBack"].as_array().unwrap().iter();
    let back: Vec<_> = back.map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(back, [2, 4, 6, 8, 11, 13]);
    let drift = &result(&client, "drift")["checkout"];
    assert_eq!(drift["staging"]["version"], "hasOwnProperty", "{drift:#}");
    assert_eq!(drift["production"]["version"], "toString", "{drift:#}");
    assert_eq!(result(&client, "lead-time")["checkout"]["count"], 4);
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
