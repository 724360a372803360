//! A change as the report that is sent.

use jiff::Timestamp;
use serde::Serialize;

use super::change::{Change, Fingerprint, key};
use crate::actor::Actor;

/// The label that keeps what a line said where another time counts.
const ORIGINAL_TIME: &str = "shiplog.original-time";

#[derive(Serialize)]
#[serde(untagged)]
enum Report<'a> {
    Deployment {
        service: &'a str,
        environment: &'a str,
        intent: Intent,
        release: Release<'a>,
        status: String,
        at: Timestamp,
        actor: &'a Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<&'a str>,
        #[serde(skip_serializing_if = "Labels::is_empty")]
        labels: Labels<'a>,
        idempotency_key: String,
    },
    Removal {
        removed: bool,
        service: &'a str,
        environment: &'a str,
        at: Timestamp,
        actor: &'a Actor,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        idempotency_key: String,
    },
}

#[derive(Serialize)]
struct Intent {
    kind: &'static str,
}

#[derive(Serialize)]
struct Release<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
}

type Labels<'a> = std::collections::BTreeMap<&'a str, String>;

/// The line that `POST /v1/deployments:batch` takes; `at` is the time that counts.
pub(super) fn report(
    change: &Change,
    at: Timestamp,
    fingerprint: &Fingerprint,
) -> serde_json::Result<String> {
    let Change { actor, commit, environment, labels, reason, service, status, time, url, version } =
        change;
    let idempotency_key = key(fingerprint);
    let reason = reason.as_deref();
    let report = match version {
        Some(version) => {
            let mut labels: Labels<'_> =
                labels.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            if at != *time {
                labels.insert(ORIGINAL_TIME, time.to_string());
            }
            Report::Deployment {
                service,
                environment,
                intent: Intent { kind: "unknown" },
                release: Release { version, commit: commit.as_deref() },
                status: status.to_string(),
                at,
                actor,
                reason,
                url: url.as_deref(),
                labels,
                idempotency_key,
            }
        }
        None => Report::Removal {
            removed: true,
            service,
            environment,
            at,
            actor,
            reason,
            idempotency_key,
        },
    };
    serde_json::to_string(&report)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn reported(line: &Value, at: &str) -> Value {
        let change = Change::read(line.to_string().as_bytes()).unwrap();
        let line = report(&change, at.parse().unwrap(), &[7; 16]).unwrap();
        assert!(!line.contains('\n'));
        serde_json::from_str(&line).unwrap()
    }

    const KEY: &str = "import-07070707070707070707070707070707";

    #[test]
    fn a_change_is_a_report_of_a_deployment_that_ended() {
        let line = json!({
            "time": "2026-01-01T00:00:00Z", "actor": "bot-1", "environment": "production",
            "service": "shop/checkout", "version": "1.4.2", "commit": "3f2c", "labels": {"a": "b"}
        });
        let expected = json!({
            "service": "shop/checkout", "environment": "production", "intent": {"kind": "unknown"},
            "release": {"version": "1.4.2", "commit": "3f2c"}, "status": "succeeded",
            "at": "2026-01-01T00:00:00Z", "actor": {"kind": "service", "id": "bot-1"},
            "labels": {"a": "b"}, "idempotency_key": KEY
        });
        assert_eq!(reported(&line, "2026-01-01T00:00:00Z"), expected);
    }

    #[test]
    fn a_time_that_does_not_count_is_kept_as_a_label() {
        let line = json!({
            "time": "2026-01-01T00:00:00Z", "actor": "ann", "environment": "p", "service": "s",
            "version": "1", "status": "failed"
        });
        let report = reported(&line, "2026-01-01T00:10:00Z");
        assert_eq!(report["labels"], json!({"shiplog.original-time": "2026-01-01T00:00:00Z"}));
        assert_eq!(
            (&report["at"], &report["status"]),
            (&json!("2026-01-01T00:10:00Z"), &json!("failed"))
        );
    }

    #[test]
    fn no_version_is_a_removal() {
        let line = json!({
            "time": "2026-01-01T00:00:00Z", "actor": "ann", "environment": "p", "service": "s",
            "version": null, "commit": "3f2c", "reason": "retired"
        });
        let expected = json!({
            "removed": true, "service": "s", "environment": "p", "at": "2026-01-01T00:00:00Z",
            "actor": {"kind": "person", "id": "ann"}, "reason": "retired", "idempotency_key": KEY
        });
        assert_eq!(reported(&line, "2026-01-01T00:00:00Z"), expected);
    }
}
