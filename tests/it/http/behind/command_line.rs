//! What the command line says of answers that are behind, and how it waits for them.

use serde_json::{Value, json};

use super::{COUNTS, Shop, report, send};
use crate::{scripts::define, support::succeed};

#[test]
fn the_command_line_says_it_on_standard_error() {
    let shop = Shop::open();
    let held = shop.hold("history");
    report(&shop.client(), "search", "production", "7");
    let said = succeed(&mut shop.command(&["history", "--quiet"]));
    let errors = String::from_utf8(said.stderr).unwrap();
    assert_eq!(
        errors,
        "shiplog: this answer is 2 events behind what is recorded; ask again shortly\n"
    );
    assert!(String::from_utf8(said.stdout).unwrap().contains("checkout"));
    let nothing = shop.command(&["history", "--service", "search"]).output().unwrap();
    let errors = String::from_utf8(nothing.stderr).unwrap();
    assert_eq!(nothing.status.code(), Some(6), "{errors}");
    assert!(!errors.contains("nothing matches") && errors.contains("`history` is at"), "{errors}");
    drop(held);
    shop.is_level();
    let said = succeed(&mut shop.command(&["history", "--service", "search"]));
    assert_eq!(String::from_utf8(said.stderr).unwrap(), "");
}

#[test]
fn states_right_after_a_definition_are_complete_on_the_command_line() {
    let shop = Shop::open();
    let line = |nth: u32| {
        json!({"service": format!("m{}", nth % 7), "environment": "bulk", "status": "succeeded",
            "release": {"version": nth.to_string()}, "at": "2026-05-01T00:00:00Z"})
        .to_string()
    };
    let batch = (0..700).map(line).collect::<Vec<_>>().join("\n");
    let kind = [("Content-Type", "application/jsonl")];
    shop.client().send("POST", "/v1/deployments:batch", &kind, batch.as_bytes()).expect(200);
    define(&shop.client(), "fresh", COUNTS).expect(201);
    let words = ["projections", "partitions", "fresh", "--all", "--output", "json"];
    let listed = succeed(&mut shop.command(&words)).stdout;
    let listed: Vec<Value> = serde_json::from_slice(&listed).unwrap();
    let of_bulk = |one: &&Value| one["partition"].as_str().unwrap().ends_with("/bulk");
    let counts: Vec<_> = listed.iter().filter(of_bulk).map(|one| &one["state"]["n"]).collect();
    assert_eq!(counts, [100; 7].map(|_| json!(100)).iter().collect::<Vec<_>>());

    // What does not go on is shown as it is, and said to be behind.
    send(&shop.client(), "POST", "/v1/projections/fresh/pause", &json!({})).expect(200);
    report(&shop.client(), "m1", "bulk", "8");
    let said = succeed(&mut shop.command(&["projections", "partitions", "fresh"]));
    let errors = String::from_utf8(said.stderr).unwrap();
    assert!(errors.contains("events behind what is recorded"), "{errors}");
}
