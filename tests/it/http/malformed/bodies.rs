//! Bodies that are no JSON, too much of it, or something else.

use super::{BATCH, Case, DEPLOYMENTS, JSON, JSON_LINES, check, deployment};

/// Every path that takes a body.
const PATHS: [(&str, &str); 17] = [
    ("POST", DEPLOYMENTS),
    ("POST", "/v1/deployments/checkout/production/1/start"),
    ("POST", "/v1/deployments/checkout/production/1/succeed"),
    ("POST", "/v1/deployments/checkout/production/1/fail"),
    ("POST", "/v1/deployments/checkout/production/1/cancel"),
    ("POST", "/v1/deployments/checkout/production/1/approve"),
    ("POST", "/v1/deployments/checkout/production/1/reject"),
    ("POST", "/v1/deployments/checkout/production/1/targets"),
    ("POST", "/v1/deployments/checkout/production/1/health"),
    ("POST", "/v1/deployments/checkout/production/1/notes"),
    ("POST", "/v1/deployments/checkout/production/1/corrections"),
    ("DELETE", "/v1/lanes/checkout/production"),
    ("PUT", "/v1/environments/production"),
    ("POST", "/v1/environments/production/freeze"),
    ("PUT", "/v1/releases/checkout/1.0.0"),
    ("POST", "/v1/releases/checkout/1.0.0/block"),
    ("DELETE", "/v1/environments/production"),
];

#[test]
fn what_is_no_json_is_refused_wherever_a_body_is_taken() {
    let bodies: [(&[u8], &str); 9] = [
        (b"not json", "expected"),
        (b"{", "EOF"),
        (b"{} x", "trailing"),
        (b"[]", "invalid"),
        (b"7", "invalid type"),
        (b"null", "invalid type"),
        (b"\"text\"", "invalid type"),
        (b"{\"at\": \"\xff\"}", "UTF-8 from byte 8"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
    ];
    let cases: Vec<_> = PATHS
        .iter()
        .flat_map(|(method, path)| {
            bodies.iter().map(move |(body, says)| {
                let name = String::from_utf8_lossy(body);
                let case = Case { method, says, ..Case::body(path, JSON, *body) };
                case.called(&name)
            })
        })
        // An array stands for an object's fields in order; a path with fields of its own misses them.
        .filter(|case| case.name != "{} x" || case.path.ends_with("/start"))
        .collect();
    check(&cases);
}

#[test]
fn an_unknown_field_is_named_wherever_a_body_is_taken() {
    let case = |(method, path): &(&'static str, &str)| {
        let case = Case::body(path, JSON, r#"{"unheard_of": 1}"#);
        Case { method, ..case.at("/unheard_of", "unknown field `unheard_of`") }
    };
    check(&PATHS.iter().map(case).collect::<Vec<_>>());
}

#[test]
fn a_field_that_is_given_twice_is_named() {
    let twice = |body: &str, pointer| {
        Case::body(DEPLOYMENTS, JSON, body).at(pointer, "duplicate field").called(body)
    };
    check(&[
        twice(r#"{"service": "a", "service": "b"}"#, "/service"),
        twice(r#"{"release": {"version": "1", "version": "2"}}"#, "/release/version"),
        twice(r#"{"labels": {"a": "1", "a": "2"}}"#, "/labels/a"),
        twice(r#"{"intent": {"kind": "retry", "kind": "retry"}}"#, "/intent/kind"),
        twice(r#"{"actor": {"id": "a", "id": "b"}}"#, "/actor/id"),
        twice(
            r#"{"release": {"changes": [{"kind": "x"}, {"kind": "x", "kind": "x"}]}}"#,
            "/release/changes/1/kind",
        ),
    ]);
}

#[test]
fn nesting_without_end_is_refused() {
    let depth = 100_000;
    let deep = |start: &str, open: &str, name: &str| {
        let body = format!("{start}{}", open.repeat(depth));
        Case::body(DEPLOYMENTS, JSON, body).called(name)
    };
    check(&[
        deep("", "[", "arrays"),
        deep("", "{\"labels\":", "objects"),
        deep("{\"unheard_of\":", "[", "an unknown field"),
        deep("{\"labels\": {\"a\":", "[", "a label"),
        deep("{\"release\": {\"changes\":", "[", "changes"),
        deep("{\"intent\":", "{\"kind\":", "an intent"),
        Case::body(BATCH, "text/html", "[".repeat(depth)).is(415, "unsupported-media-type"),
    ]);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let large = |size: usize| format!("{{\"reason\": \"{}\"}}", "x".repeat(size));
    let too_large = |case: Case| case.is(413, "too-large");
    let paths = PATHS.iter().map(|(method, path)| {
        too_large(Case { method, ..Case::body(path, JSON, large(2 << 20)) }).called("2 MiB")
    });
    let others = [
        Case::body(DEPLOYMENTS, JSON, large(1 << 20)).called("a little over 1 MiB"),
        Case::body(DEPLOYMENTS, JSON, vec![b' '; 2 << 20]).called("blanks"),
        Case::body(BATCH, JSON_LINES, vec![b'x'; (16 << 20) + 1]).called("over 16 MiB"),
        Case::body(BATCH, JSON_LINES, "{}\n".repeat(10_001)).called("10,001 lines"),
    ];
    check(&paths.chain(others.into_iter().map(too_large)).collect::<Vec<_>>());
}

#[test]
fn a_body_of_another_kind_is_refused() {
    let other = |case: Case| case.is(415, "unsupported-media-type");
    let kinds = ["text/plain", "application/xml", "application/jsonl", "json", "", "\u{fc}"];
    let cases = kinds.iter().map(|kind| {
        let case = Case::body(DEPLOYMENTS, kind, deployment(&serde_json::json!({})));
        Case { says: "application/json", ..other(case).called(kind) }
    });
    let none = Case {
        headers: Vec::new(),
        ..Case::body(DEPLOYMENTS, JSON, deployment(&serde_json::json!({})))
    };
    let batch = Case { says: "application/jsonl", ..other(Case::body(BATCH, JSON, "{}")) };
    check(&cases.chain([other(none).called("no kind"), batch]).collect::<Vec<_>>());
}
