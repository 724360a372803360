//! Headers that say nothing a server could go by.

use serde_json::json;

use super::{BATCH, Case, DEPLOYMENTS, JSON, JSON_LINES, check, deployment};

#[track_caller]
fn written_with(rows: &[(&'static str, &[u8], &'static str)]) {
    let case = |(name, value, says): &(&'static str, &[u8], &'static str)| {
        let case = Case::body(DEPLOYMENTS, JSON, deployment(&json!({})));
        case.header(name, *value).at(name, says).called(&String::from_utf8_lossy(value))
    };
    check(&rows.iter().map(case).collect::<Vec<_>>());
}

#[test]
fn a_key_is_1_to_200_printable_characters() {
    let long = "k".repeat(201);
    written_with(&[
        ("Idempotency-Key", b"", "1 to 200"),
        ("Idempotency-Key", long.as_bytes(), "1 to 200"),
        ("Idempotency-Key", b"a\tb", ""),
        ("Idempotency-Key", b"\xff", "UTF-8"),
    ]);
}

#[test]
fn an_actor_is_somebody() {
    let long = "a".repeat(201);
    written_with(&[
        ("Shiplog-Actor", b"", "1 to 200"),
        ("Shiplog-Actor", long.as_bytes(), "1 to 200"),
        ("Shiplog-Actor", b"a\tb", "control"),
        ("Shiplog-Actor", b"\xff", "UTF-8"),
    ]);
    let batch = Case::body(BATCH, JSON_LINES, "{}").header("Shiplog-Actor", "");
    check(&[batch.at("Shiplog-Actor", "1 to 200")]);
}

#[test]
fn a_claim_is_one_strong_tag() {
    let values: [&[u8]; 9] =
        [b"*", b"17", b"\"\"", b"\"x\"", b"W/\"1\"", b"\"1\", \"2\"", b"\"-1\"", b"", b"\"1"];
    let mut rows: Vec<_> = values.iter().map(|value| ("If-Match", *value, "one version")).collect();
    rows.push(("If-Match", b"\"99999999999999999999\"", "one version"));
    rows.push(("If-Match", b"\xff", "UTF-8"));
    written_with(&rows);
}

#[test]
fn a_token_is_a_log_and_a_position() {
    let paths = [
        "/v1/deployments",
        "/v1/deployments/checkout/production/1",
        "/v1/lanes/checkout/production",
        "/v1/environments",
        "/v1/environments/production",
        "/v1/environments/production/diff?from=2026-01-01&to=2026-01-02",
        "/v1/rollbacks",
        "/v1/releases",
        "/v1/releases/checkout/1.0.0",
    ];
    let tokens = ["nonsense", "9f2c01aa", "9f2c01aa:", ":1", "9f2c01aa:-1", "9f2c01aa:1:1"];
    let case = |path: &str, token: &str| {
        let case = Case::new("GET", path).header("Shiplog-At-Least", token);
        case.at("Shiplog-At-Least", "").called(token)
    };
    let cases = paths.iter().flat_map(|path| tokens.map(|token| case(path, token)));
    check(&cases.collect::<Vec<_>>());
}

#[test]
fn a_last_event_id_is_a_position() {
    let ids = ["nonsense", "-1", "1.5", "+1", "99999999999999999999", ""];
    let case = |id| Case::new("GET", "/v1/events/live").header("Last-Event-ID", id);
    check(&ids.map(|id| case(id).at("Last-Event-ID", "position").called(id)));
}
