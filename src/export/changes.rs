//! Folds the log into lines that can be imported.

use std::collections::HashMap;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::{actor::Actor, deployment::text};

/// The deployments and removals of the events so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// In the order in which the log learned of them.
    changes: Vec<Change>,
    /// Where a deployment is in `changes`, by stream and number.
    places: HashMap<(String, u64), usize>,
}

/// One deployment or removal.
#[derive(Debug)]
struct Change {
    at: Timestamp,
    /// Whether it is to be left out.
    is_void: bool,
    line: Map<String, Value>,
}

impl Fold {
    /// Takes the next event; those that no line tells of change nothing.
    pub(super) fn take(&mut self, event: &Value) {
        let stream = text(event, "stream");
        let Some((service, environment)) = lane(stream) else { return };
        let Some(data) = event.get("data") else { return };
        let Ok(at) = text(data, "at").parse::<Timestamp>() else { return };
        let key = || Some((stream.to_owned(), data.get("number")?.as_u64()?));
        match text(event, "type") {
            "DeploymentRequested" => {
                if let Some(key) = key() {
                    self.places.insert(key, self.changes.len());
                }
                let line = line(event, data, &service, &environment);
                self.changes.push(Change { at, is_void: false, line });
            }
            "ServiceRemoved" => {
                let line = line(event, data, &service, &environment);
                self.changes.push(Change { at, is_void: false, line });
            }
            "DeploymentStarted" => self.end(key(), at, "started"),
            "DeploymentSucceeded" => self.end(key(), at, "succeeded"),
            "DeploymentFailed" => self.end(key(), at, "failed"),
            "DeploymentCancelled" => self.end(key(), at, "cancelled"),
            "DeploymentRejected" => self.end(key(), at, "rejected"),
            "DeploymentCorrected" if data.pointer("/correction/kind") == Some(&json!("void")) => {
                if let Some(change) = self.change(key()) {
                    change.is_void = true;
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, key: Option<(String, u64)>) -> Option<&mut Change> {
        let place = *self.places.get(&key?)?;
        self.changes.get_mut(place)
    }

    /// The later report counts, whichever came first.
    fn end(&mut self, key: Option<(String, u64)>, at: Timestamp, status: &str) {
        let Some(change) = self.change(key) else { return };
        let has_ended = matches!(
            change.line.get("status").and_then(Value::as_str),
            Some("succeeded" | "failed" | "cancelled" | "rejected")
        );
        if has_ended && (status == "started" || at < change.at) {
            return;
        }
        change.at = at;
        change.line.insert("status".into(), status.into());
    }

    /// The lines in the order in which things happened, and how many deployments are left out.
    pub(super) fn into_lines(mut self) -> (Vec<Value>, usize) {
        let all = self.changes.len();
        self.changes.retain(|change| {
            let status = change.line.get("status").and_then(Value::as_str);
            !change.is_void && !matches!(status, Some("cancelled" | "rejected" | "requested"))
        });
        self.changes.sort_by_key(|change| change.at);
        let left_out = all - self.changes.len();
        let lines = self.changes.into_iter().map(|Change { at, is_void: _, mut line }| {
            line.insert("time".into(), at.to_string().into());
            Value::Object(line)
        });
        (lines.collect(), left_out)
    }
}

/// Service and environment of `lane-<service>@<environment>`.
fn lane(stream: &str) -> Option<(String, String)> {
    let (service, environment) = stream.strip_prefix("lane-")?.split_once('@')?;
    let decode = |part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    Some((decode(service)?, decode(environment)?))
}

fn line(event: &Value, data: &Value, service: &str, environment: &str) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("actor".into(), actor(event));
    line.insert("environment".into(), environment.into());
    line.insert("service".into(), service.into());
    let version = data.pointer("/release/version").cloned().unwrap_or_default();
    if !version.is_null() {
        line.insert("status".into(), "requested".into());
    }
    line.insert("version".into(), version);
    let commit = data.pointer("/release/commit");
    let others = ["reason", "url", "labels"].map(|name| (name, data.get(name)));
    for (name, value) in [("commit", commit)].into_iter().chain(others) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            line.insert(name.into(), value.clone());
        }
    }
    line
}

/// The id alone where the kind can be told from it, else kind, id and name.
fn actor(event: &Value) -> Value {
    let actor = event.get("actor").unwrap_or(&Value::Null);
    let id = text(actor, "id");
    let name = actor.get("name").and_then(Value::as_str);
    let is_plain = name.is_none() && json!(Actor::guess(id).kind) == text(actor, "kind");
    if is_plain {
        return id.into();
    }
    let mut whole = json!({"id": id, "kind": text(actor, "kind")});
    if let (Some(name), Value::Object(fields)) = (name, &mut whole) {
        fields.insert("name".into(), name.into());
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: &Value) -> Value {
        json!({
            "stream": "lane-shop/a%40b@production", "type": kind, "data": data,
            "actor": {"kind": "person", "id": "ann", "via": "claimed"}
        })
    }

    fn requested(number: u64, at: &str) -> Value {
        let release = json!({"version": format!("v{number}"), "commit": "c1"});
        event("DeploymentRequested", &json!({"number": number, "at": at, "release": release}))
    }

    fn lines(events: &[Value]) -> (Vec<Value>, usize) {
        let mut fold = Fold::default();
        for event in events {
            fold.take(event);
        }
        fold.into_lines()
    }

    #[test]
    fn a_deployment_is_one_line_at_the_time_of_its_end() {
        let end = json!({"number": 1, "at": "2026-01-01T00:05:00Z"});
        let (lines, _) =
            lines(&[requested(1, "2026-01-01T00:00:00Z"), event("DeploymentSucceeded", &end)]);
        let expected = json!({
            "time": "2026-01-01T00:05:00Z", "actor": "ann", "environment": "production",
            "service": "shop/a@b", "version": "v1", "commit": "c1", "status": "succeeded"
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn lines_are_in_the_order_in_which_things_happened() {
        let removed = event("ServiceRemoved", &json!({"at": "2026-01-01T00:30:00Z"}));
        let (lines, left_out) = lines(&[
            requested(1, "2026-01-01T01:00:00Z"),
            requested(2, "2026-01-01T00:00:00Z"),
            requested(3, "2026-01-01T00:00:00Z"),
            removed,
            event("DeploymentSucceeded", &json!({"number": 1, "at": "2026-01-01T01:00:00Z"})),
            event("DeploymentStarted", &json!({"number": 2, "at": "2026-01-01T00:00:00Z"})),
        ]);
        let versions: Vec<_> = lines.iter().map(|line| line["version"].clone()).collect();
        assert_eq!(versions, [json!("v2"), Value::Null, json!("v1")]);
        assert_eq!(lines[1].get("status"), None);
        // Nothing has become of the third one yet.
        assert_eq!(left_out, 1);
    }

    #[test]
    fn the_later_report_counts() {
        let at = |at: &str| json!({"number": 1, "at": at});
        let (lines, _) = lines(&[
            requested(1, "2026-01-01T00:00:00Z"),
            event("DeploymentFailed", &at("2026-01-01T00:09:00Z")),
            event("DeploymentSucceeded", &at("2026-01-01T00:05:00Z")),
            event("DeploymentStarted", &at("2026-01-01T00:10:00Z")),
        ]);
        assert_eq!(
            (&lines[0]["status"], &lines[0]["time"]),
            (&json!("failed"), &json!("2026-01-01T00:09:00Z"))
        );
    }

    #[test]
    fn what_never_took_place_is_left_out_and_counted() {
        let void =
            json!({"number": 1, "at": "2026-01-02T00:00:00Z", "correction": {"kind": "void"}});
        let cancelled = json!({"number": 2, "at": "2026-01-02T00:00:00Z"});
        let (lines, left_out) = lines(&[
            requested(1, "2026-01-01T00:00:00Z"),
            requested(2, "2026-01-01T00:00:00Z"),
            event("DeploymentCorrected", &void),
            event("DeploymentCancelled", &cancelled),
        ]);
        assert_eq!((lines.len(), left_out), (0, 2));
    }

    #[test]
    fn an_actor_whose_kind_cannot_be_told_is_written_whole() {
        let of = |value: Value| actor(&json!({"actor": value}));
        assert_eq!(of(json!({"kind": "service", "id": "bot-1"})), json!("bot-1"));
        let whole = json!({"id": "ci", "kind": "service"});
        assert_eq!(of(whole.clone()), whole);
        let named = json!({"id": "ann", "kind": "person", "name": "Ann"});
        assert_eq!(of(named.clone()), named);
    }
}
