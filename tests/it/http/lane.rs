//! One lane, `checkout` in `production`, and what is done to it.

use serde_json::{Value, json};

use super::server::Server;

pub(super) const DEPLOYMENTS: &str = "/v1/deployments";
pub(super) const LANE: &str = "/v1/lanes/checkout/production";

/// An instant of one day: `10:05`.
pub(super) fn at(time: &str) -> String {
    format!("2026-03-02T{time}:00Z")
}

/// Asks for a version.
pub(super) fn asked(version: &str) -> Value {
    json!({"service": "checkout", "environment": "production", "release": {"version": version}})
}

/// Reports that a version was put there at that time.
pub(super) fn reported(version: &str, time: &str) -> Value {
    with(asked(version), json!({"status": "succeeded", "intent": "deploy", "at": at(time)}))
}

/// Asks for a rollback to something.
pub(super) fn back(to: impl Into<Value>) -> Value {
    json!({"service": "checkout", "environment": "production", "reason": "it loses orders",
        "intent": {"kind": "rollback", "to": to.into()}})
}

/// The same with these fields, whatever it had in their place.
pub(super) fn with(mut whole: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("these are no fields: {fields}") };
    whole.as_object_mut().unwrap().extend(fields);
    whole
}

/// The path of a deployment.
pub(super) fn deployment(number: u32) -> String {
    format!("{DEPLOYMENTS}/checkout/production/{number}")
}

/// The path of a step of a deployment.
pub(super) fn step(number: u32, step: &str) -> String {
    format!("{}/{step}", deployment(number))
}

/// Puts these versions there, a minute apart from 10:01 on.
pub(super) fn succeeded(server: &Server, versions: &[&str]) {
    for (version, minute) in versions.iter().zip(1..) {
        server.post(DEPLOYMENTS, &reported(version, &format!("10:{minute:02}")));
    }
}

/// Refuses a request with this code and with these words, and writes nothing.
#[track_caller]
pub(super) fn refused(server: &Server, path: &str, body: &Value, (code, says): (&str, &str)) {
    let before = server.position();
    let problem = server.ask("POST", path).json(body).send().problem(409, code);
    assert_eq!(problem["type"], "/problems/refused", "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{path} {body}: it does not say `{says}`: {detail}");
    assert_eq!(server.position(), before, "{path} {body} was written");
}
