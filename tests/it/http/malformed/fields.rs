//! Fields of the wrong type, out of range, or that do not go together.

use serde_json::{Value, json};

use super::{Case, DEPLOYMENTS, JSON, check, deployment, long};

/// Where it is wrong, what it says, and the fields that make it so.
type Row = (&'static str, &'static str, Value);

/// The fields that a name stands in.
type Fields = fn(&str) -> Value;

#[track_caller]
fn deployments(rows: impl IntoIterator<Item = Row>) {
    let case = |(pointer, says, fields): Row| {
        let case = Case::body(DEPLOYMENTS, JSON, deployment(&fields)).at(pointer, says);
        case.called(&fields.to_string().chars().take(100).collect::<String>())
    };
    check(&rows.into_iter().map(case).collect::<Vec<_>>());
}

#[test]
fn names_are_1_to_200_characters_without_control_characters() {
    let fields: [(&'static str, Fields); 4] = [
        ("/service", |name| json!({ "service": name })),
        ("/environment", |name| json!({ "environment": name })),
        ("/release/version", |name| json!({"release": {"version": name}})),
        (
            "/intent/to",
            |name| json!({"reason": "x", "intent": {"kind": "rollback", "to": name}, "release": null}),
        ),
    ];
    let names = [
        ("", "1 to 200"),
        (&long(201), "1 to 200"),
        ("a\u{0}b", "control character"),
        ("a\nb", "control character"),
        ("a\u{7f}", "control character"),
        ("a\u{85}", "control character"),
    ];
    let rows = fields
        .iter()
        .flat_map(|(pointer, fields)| names.map(|(name, says)| (*pointer, says, fields(name))));
    deployments(rows);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_where_it_stands() {
    deployments([
        ("/service", "expected", json!({"service": 7})),
        ("/service", "expected", json!({"service": null})),
        ("/service", "expected", json!({"service": ["checkout"]})),
        ("/environment", "expected", json!({"environment": {"name": "production"}})),
        ("/release", "expected", json!({"release": "1.1.0"})),
        ("/release/version", "expected", json!({"release": {"version": 1.1}})),
        ("/release/commit", "expected", json!({"release": {"version": "1", "commit": 7}})),
        ("/release/artifacts", "expected", json!({"release": {"version": "1", "artifacts": {}}})),
        (
            "/release/changes/0/reversible",
            "expected a boolean",
            json!({"release": {"version": "1", "changes": [{"kind": "x", "reversible": "yes"}]}}),
        ),
        ("/reason", "expected a string", json!({"reason": true})),
        ("/url", "expected a string", json!({"url": 7})),
        ("/labels", "an object", json!({"labels": ["a"]})),
        ("/labels/a", "expected a string", json!({"labels": {"a": 1}})),
        ("/labels/a", "expected a string", json!({"labels": {"a": null}})),
        ("/status", "unknown variant", json!({"status": "done"})),
        ("/status", "unknown variant", json!({"status": "cancelled"})),
        ("/intent", "unknown variant", json!({"intent": "undo"})),
        ("/intent", "one of deploy", json!({"intent": 7})),
        ("/actor", "an actor", json!({"actor": 7})),
        ("/actor/kind", "unknown variant", json!({"actor": {"kind": "robot", "id": "r2"}})),
        ("/at", "expected a string", json!({"at": 1_700_000_000})),
    ]);
}

#[test]
fn unknown_fields_are_named_however_deep_they_are() {
    deployments([
        ("/servcie", "unknown field `servcie`", json!({"servcie": "x"})),
        ("/release/sha", "unknown field", json!({"release": {"version": "1", "sha": "x"}})),
        (
            "/release/artifacts/1/size",
            "unknown field",
            json!({"release": {"version": "1", "artifacts":
                [{"name": "a", "digest": "b"}, {"name": "a", "digest": "b", "size": 1}]}}),
        ),
        ("/intent/why", "unknown field", json!({"intent": {"kind": "deploy", "why": "x"}})),
        ("/actor/role", "unknown field", json!({"actor": {"id": "ana", "role": "x"}})),
        ("/a~1b~0c", "unknown field", json!({"a/b~c": 1})),
    ]);
}

#[test]
fn times_are_rfc_3339_and_within_the_years_0000_to_9999() {
    let times = [
        ("10000-01-01T00:00:00Z", ""),
        ("+010000-01-01T00:00:00Z", ""),
        ("-000001-01-01T00:00:00Z", ""),
        ("9999-12-31T23:59:59.999999Z", "9999"),
        ("2026-02-30T00:00:00Z", "no day 30 in 2026-02, which has 28 days"),
        ("2025-02-29T00:00:00Z", "no day 29 in 2025-02, which has 28 days"),
        ("2026-13-01T00:00:00Z", "months go from 01 to 12"),
        ("2026-01-01T24:00:00Z", "the end of a day is 00:00 of the next one"),
        ("2026-01-01T25:00:00Z", "hours go from 00 to 23"),
        ("2026-01-01T12:60:00Z", "minutes go from 00 to 59"),
        ("2026-01-01T12:30:60Z", "no second 60 here"),
        ("2026-01-01T12:00:00+25:00", "offsets go from -23:59 to +23:59"),
        ("2026-01-01T12:00:00-24:00", "offsets go from -23:59 to +23:59"),
        ("2026-01-01T00:00:00", "is not a time"),
        ("2026-01-01", "is not a time"),
        ("2026-01-01T00:00:00Z[UTC]", "is not a time"),
        ("yesterday", "`yesterday` is not a time"),
        ("", "is not a time"),
    ];
    deployments(times.map(|(at, says)| ("/at", says, json!({ "at": at }))));
}

#[test]
fn numbers_are_whole_and_in_range() {
    let numbers = ["0", "-1", "4294967296", "1.5", "1e400", &"9".repeat(400), "-0.5", "true"];
    let bodies = numbers.iter().flat_map(|number| {
        let intents = [
            ("/intent/to", format!(r#"{{"kind": "rollback", "to": {number}}}"#)),
            ("/intent/of", format!(r#"{{"kind": "retry", "of": {number}}}"#)),
            ("/intent/mends", format!(r#"{{"kind": "roll_forward", "mends": {number}}}"#)),
        ];
        intents.map(|(pointer, intent)| {
            let body = format!(
                r#"{{"service": "checkout", "environment": "production", "reason": "x", "intent": {intent}}}"#
            );
            Case::body(DEPLOYMENTS, JSON, body).at(pointer, "").called(number)
        })
    });
    let approvals = ["256", "-1", "1.5", "1e400", "\"1\""].map(|number| {
        let body = format!(r#"{{"tier": "production", "approvals": {number}}}"#);
        let case = Case::body("/v1/environments/production", JSON, body).at("/approvals", "");
        Case { method: "PUT", ..case.called(number) }
    });
    check(&bodies.chain(approvals).collect::<Vec<_>>());
}

#[test]
fn texts_have_a_length() {
    let release = |field: &str, value: Value| {
        let mut release = json!({"version": "1"});
        release[field] = value;
        json!({ "release": release })
    };
    let artifact = json!({"name": "a", "digest": "b"});
    let change = json!({"kind": "x"});
    let labels: Value = (0..65).map(|n| (format!("l{n}"), json!("x"))).collect();
    deployments([
        ("/reason", "it takes 0 to 10000", json!({"reason": long(10_001)})),
        ("/url", "it takes 0 to 2000", json!({"url": long(2_001)})),
        ("/external_id", "it takes 0 to 200", json!({"external_id": long(201)})),
        ("/error", "10000", json!({"error": long(10_001), "status": "failed"})),
        ("/labels", "up to 64", json!({ "labels": labels })),
        ("/labels/a", "it takes 0 to 4000", json!({"labels": {"a": long(4_001)}})),
        ("/labels/", "it takes 1 to 200", json!({"labels": {"": "x"}})),
        ("/actor", "1 to 200", json!({"actor": ""})),
        ("/actor", "1 to 200", json!({"actor": long(201)})),
        ("/actor", "control", json!({"actor": "a\u{7}"})),
        ("/actor/id", "1 to 200", json!({"actor": {"id": long(201)}})),
        ("/actor/name", "200", json!({"actor": {"id": "a", "name": long(201)}})),
        ("/release/commit", "it takes 1 to 200", release("commit", json!(long(201)))),
        ("/release/commit", "it takes 1 to 200", release("commit", json!(""))),
        ("/release/notes", "10000", release("notes", json!(long(10_001)))),
        ("/release/artifacts", "up to 200", release("artifacts", json!(vec![artifact; 201]))),
        (
            "/release/artifacts/0/digest",
            "it takes 1 to 500",
            release("artifacts", json!([{"name": "a", "digest": long(501)}])),
        ),
        ("/release/changes", "up to 1000", release("changes", json!(vec![change; 1_001]))),
        ("/release/changes/0/kind", "missing", release("changes", json!([{}]))),
    ]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let rollback = json!({"kind": "rollback"});
    deployments([
        ("/release", "missing", json!({"release": null})),
        ("/release/version", "missing", json!({"release": {}})),
        ("/error", "only a deployment that `failed`", json!({"error": "x"})),
        ("/error", "only", json!({"error": "x", "status": "succeeded"})),
        ("/reason", "say why", json!({"release": null, "intent": rollback})),
        ("/reason", "say why", json!({"release": null, "intent": rollback, "reason": ""})),
        ("/release", "replays", json!({"intent": rollback, "reason": "x"})),
        ("/release", "repeats", json!({"intent": "retry"})),
        ("/intent", "says nothing", json!({"intent": {"kind": "deploy", "to": "1"}})),
        ("/intent/kind", "missing", json!({"intent": {"to": "previous"}})),
        ("/removed", "unknown field", json!({"removed": true})),
    ]);
}

#[test]
fn what_happens_next_has_fields_of_its_own() {
    let links = vec![json!({"kind": "ticket", "url": "x"}); 101];
    let reverts = vec![1; 1_001];
    let rows = [
        ("start", "/executor", json!({"executor": long(201)})),
        ("start", "/at", json!({"at": "10000-01-01T00:00:00Z"})),
        ("fail", "/error", json!({"error": 7})),
        ("cancel", "/reason", json!({"reason": long(10_001)})),
        ("targets", "/target", json!({"status": "started"})),
        ("targets", "/target", json!({"status": "started", "target": "a\u{1}"})),
        ("targets", "/status", json!({"target": "a", "status": "done"})),
        ("targets", "/error", json!({"target": "a", "status": "started", "error": "x"})),
        ("health", "/health", json!({"health": "sick"})),
        ("health", "/health", json!({})),
        ("notes", "/text", json!({"text": ""})),
        ("notes", "/links", json!({"text": "x", "links": links})),
        ("notes", "/links/0/kind", json!({"text": "x", "links": [{"kind": "x", "url": "y"}]})),
        ("corrections", "/kind", json!({"kind": "gone", "reason": "x"})),
        ("corrections", "/reason", json!({"kind": "void"})),
        ("corrections", "/intent", json!({"kind": "intent", "reason": "x"})),
        (
            "corrections",
            "/intent",
            json!({"kind": "void", "reason": "x", "intent": {"kind": "retry"}}),
        ),
        (
            "corrections",
            "/intent/reverts",
            json!({"kind": "intent", "reason": "x", "intent": {"kind": "rollback", "reverts": reverts}}),
        ),
        (
            "corrections",
            "/intent/restores",
            json!({"kind": "intent", "reason": "x", "intent": {"kind": "rollback", "restores": 0}}),
        ),
    ];
    let cases = rows.map(|(step, pointer, body)| {
        let path = format!("{DEPLOYMENTS}/checkout/production/1/{step}");
        Case::body(&path, JSON, body.to_string()).at(pointer, "").called(pointer)
    });
    check(&cases);
}
