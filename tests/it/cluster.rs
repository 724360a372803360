//! Servers whose log is on a cluster: side by side, without it, copied to it and back, and in a storm.

mod away;
mod hands;
mod histories;
mod noise;
mod older_copy;
mod storm;
mod together;
pub(crate) mod transfer;

use serde_json::{Value, json};

use crate::support::Server;

fn report(version: &str) -> Value {
    json!({"service": "checkout", "environment": "production", "status": "succeeded",
        "release": {"version": version}})
}

/// Reports a version; tells the answer's status, its token and the deployment.
fn post(server: &Server, key: &str, version: &str) -> (u16, String, Value) {
    let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
    let body = report(version).to_string();
    let answer = server.client().send("POST", "/v1/deployments", &headers, body.as_bytes());
    let token = answer.headers.get("shiplog-position");
    let token = token.map(|token| token.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status, token, answer.json())
}

fn lane(server: &Server, token: &str) -> Value {
    server.client().get_at("/v1/lanes/checkout/production", token)
}
