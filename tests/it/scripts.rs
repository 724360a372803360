//! Projections that users write: what they come to, what they are given, and what they cannot do.

mod by_hand;
pub(crate) mod examples;
mod hostile;
mod http;
mod laws;
mod rebuilds;

use serde_json::{Value, json};

use crate::support::{Answer, Client};

/// Defines a projection, and tells what the server answers.
pub(crate) fn define(client: &Client, name: &str, source: &str) -> Answer {
    let body = json!({ "language": "javascript", "source": source }).to_string();
    let path = format!("/v1/projections/{name}");
    let kind = [("Content-Type", "application/json")];
    client.send("PUT", &path, &kind, body.as_bytes())
}

/// What is said of a projection.
pub(crate) fn shown(client: &Client, name: &str) -> Value {
    client.get(&format!("/v1/projections/{name}")).expect(200).json()
}

/// Waits until a projection is as far as the log, which its script must get to.
pub(crate) fn is_level(client: &Client, name: &str, position: &str) {
    let path = format!("/v1/projections/{name}/partitions?limit=1");
    // The server waits for two seconds before it says that it is not there yet.
    while client.send("GET", &path, &[("Shiplog-At-Least", position)], b"").status == 503 {
        let shown = shown(client, name);
        assert!(shown["fault"].is_null(), "{shown}");
    }
}

/// The state of a projection without partitions, at the end of the log.
pub(crate) fn state(client: &Client, name: &str) -> Value {
    let position = client.position();
    is_level(client, name, &position);
    client.get_at(&format!("/v1/projections/{name}/state"), &position)
}

/// Every partition of a projection, at the end of the log.
pub(crate) fn partitions(client: &Client, name: &str) -> Vec<Value> {
    let position = client.position();
    is_level(client, name, &position);
    client.pages(&format!("/v1/projections/{name}/partitions"), &position)
}

/// Waits until a projection has stopped, and tells why.
pub(crate) fn fault(client: &Client, name: &str) -> Value {
    loop {
        let mut shown = shown(client, name);
        match shown["status"].as_str() {
            Some("faulted") => return shown["fault"].take(),
            Some("catching-up") => {}
            other => panic!("{other:?}: {shown}"),
        }
    }
}
