//! What cannot be read is told so: what is wrong and where, and nothing is written.

mod bodies;
mod fields;
mod heads;
mod parts;
mod searches;

use serde_json::Value;

use super::server::{Ask, Server};

const DEPLOYMENTS: &str = "/v1/deployments";
const BATCH: &str = "/v1/deployments:batch";
const JSON: &str = "application/json";
const JSON_LINES: &str = "application/jsonl";

/// A request that no server should take.
struct Case {
    name: String,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Option<Vec<u8>>,
    status: u16,
    code: &'static str,
    /// Where it is wrong; none if the whole request is.
    pointer: Option<&'static str>,
    /// What the problem has to say.
    says: &'static str,
}

impl Case {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            name: String::new(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            status: 400,
            code: "malformed",
            pointer: None,
            says: "",
        }
    }

    /// A body for a path.
    fn body(path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type", kind.into())];
        Self { headers, body: Some(body.into()), ..Self::new("POST", path) }
    }

    fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Where it is wrong, and what about it.
    fn at(self, pointer: &'static str, says: &'static str) -> Self {
        Self { pointer: Some(pointer), says, ..self }
    }

    fn is(self, status: u16, code: &'static str) -> Self {
        Self { status, code, ..self }
    }

    fn called(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    fn check(&self, server: &Server) {
        let Self { name, method, path, headers, body, status, code, pointer, says } = self;
        let what = format!("{name} {method} {}", path.chars().take(100).collect::<String>());
        let ask = server.ask(method, path);
        let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        let answer = match body {
            Some(body) => Ask::body(ask, body.as_slice()),
            None => ask,
        }
        .send();
        assert_eq!(answer.status, *status, "{what}: {answer:?}");
        let problem = answer.problem(*status, code);
        if let Some(pointer) = pointer {
            let error = &problem["errors"][0];
            assert_eq!(error["pointer"], *pointer, "{what}: {problem}");
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains(says) && !detail.is_empty(), "{what}: {problem}");
        }
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says) && !detail.is_empty(), "{what}: {problem}");
        assert!(answer.text.len() < 2_000, "{what}: it says too much, {problem}");
    }
}

/// Each case is refused as it should be, and the log is where it was.
#[track_caller]
fn check(cases: &[Case]) {
    assert!(!cases.is_empty(), "there is nothing to check");
    let server = Server::start();
    seed(&server);
    let before = server.position();
    for case in cases {
        case.check(&server);
        assert_eq!(server.position(), before, "{} {} was written", case.name, case.path);
    }
    assert_eq!(server.get("/v1/lanes/checkout/production")["version"], 1, "it still answers");
}

fn seed(server: &Server) {
    let report = serde_json::json!({"service": "checkout", "environment": "production",
        "status": "succeeded", "release": {"version": "1.0.0"}});
    server.post(DEPLOYMENTS, &report);
}

/// A request for a deployment that is right, but for these fields.
fn deployment(fields: &Value) -> Vec<u8> {
    let mut whole = serde_json::json!({"service": "checkout", "environment": "production",
        "release": {"version": "1.1.0"}});
    for (field, value) in fields.as_object().unwrap() {
        whole[field] = value.clone();
    }
    whole.to_string().into_bytes()
}

fn long(length: usize) -> String {
    "ü".repeat(length)
}
