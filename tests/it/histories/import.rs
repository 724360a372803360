//! The real `shiplog import`, and reports without it.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::data::{History, Line};
use crate::{
    home::Home,
    support::{Client, Server, ask, say, shiplog},
};

/// Imports all of a history and tells the summary.
pub(crate) fn import(history: &History, server: &Server) -> Value {
    let summary = ask(command(history).args(["--server", server.url()]));
    tell_rate(&summary);
    summary
}

/// Imports all of a history without a server and tells the summary.
pub(crate) fn import_into(history: &History, home: &Home) -> Value {
    let mut command = home.with_log(&["import", "changes", "--quiet"], "one");
    let summary = ask(command.arg(&history.file));
    tell_rate(&summary);
    summary
}

fn command(history: &History) -> Command {
    let mut command = shiplog();
    command.args(["import", "changes", "--quiet"]).arg(&history.file);
    command
}

fn tell_rate(summary: &Value) {
    let of = |field: &str| summary[field].to_string();
    say(&format!(
        "import: {} lines, {} of them new, at {} lines/s",
        of("lines"),
        of("recorded"),
        of("lines_per_second")
    ));
}

/// Whether a summary counts what the files count, whatever was known before.
pub(crate) fn is_summary_of(summary: &Value, history: &History) {
    let count = |field: &str| usize::try_from(summary[field].as_u64().unwrap()).unwrap();
    assert_eq!(count("lines"), history.lines.len(), "{summary}");
    assert_eq!(count("recorded") + count("known"), history.lines.len(), "{summary}");
    assert_eq!(count("skipped"), 0, "{summary}");
    assert_eq!(count("deployments"), history.deployments(), "{summary}");
    assert_eq!(count("removals"), history.count("removed"), "{summary}");
    for kind in ["new", "rollback", "reapply", "restore"] {
        assert_eq!(count(kind), history.count(kind), "{kind} in {summary}");
    }
}

/// An import under way, which ends with the test.
pub(crate) struct Import(Child);

impl Import {
    /// Starts one.
    pub(crate) fn start(history: &History, url: &str) -> Self {
        let mut command = command(history);
        command.args(["--server", url, "--output", "json"]);
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Returns when the log has so many events.
    pub(crate) fn until(&mut self, client: &Client, events: u64) {
        let path = format!("/v1/events?limit=1&after={}", events - 1);
        while client.get(&path).expect(200).json()["items"][0].is_null() {
            let ended = self.0.try_wait().unwrap();
            assert!(ended.is_none(), "the import ended before {events} events: {ended:?}");
        }
    }

    /// Waits until it ends by itself, and tells the summary.
    pub(crate) fn end(mut self) -> Value {
        let stdout = self.0.stdout.take().unwrap();
        let summary: Value = serde_json::from_reader(stdout).unwrap();
        assert!(self.0.wait().unwrap().success(), "{summary}");
        tell_rate(&summary);
        summary
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        // Fails only for a child that was waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Sends lines as reports with their own times, in one batch; tells the deployments' numbers.
pub(crate) fn send(client: &Client, lines: &[&Line]) -> Vec<Option<u64>> {
    batch(client, &lines.iter().map(|line| report(line)).collect::<Vec<_>>())
}

/// Sends reports in one batch, all of which have to be new; tells the deployments' numbers.
pub(crate) fn batch(client: &Client, reports: &[Value]) -> Vec<Option<u64>> {
    let body: Vec<_> = reports.iter().map(Value::to_string).collect();
    let kind = [("Content-Type", "application/jsonl")];
    let answer =
        client.send("POST", "/v1/deployments:batch", &kind, body.join("\n").as_bytes()).expect(200);
    let text = answer.text();
    let answers: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), reports.len());
    assert!(answers.iter().all(|answer| answer["status"] == "recorded"), "{text}");
    answers.iter().map(|answer| answer["number"].as_u64()).collect()
}

fn report(line: &Line) -> Value {
    let Line { time, actor, environment, service, version, commit } = line;
    match version {
        Some(version) => json!({
            "service": service, "environment": environment, "status": "succeeded", "at": time,
            "release": {"version": version, "commit": commit}, "actor": actor
        }),
        None => json!({
            "removed": true, "service": service, "environment": environment, "at": time,
            "actor": actor
        }),
    }
}
