//! What a deploy command finds in its environment.

use std::process::Command;

use serde_json::{Value, json};

use crate::{deployment, spool::Journal};

/// Sets what is known of the deployment, and takes out what a surrounding run may have set.
pub(crate) fn set(command: &mut Command, server: &str, journal: &Journal) {
    let head = journal.head();
    let release = |field: &str| {
        let value = journal.release().and_then(|release| release.get(field));
        value.and_then(Value::as_str).map(ToOwned::to_owned)
    };
    let number = journal.number();
    let name = number.map(|number| {
        deployment::name(&json!({
            "service": head.service, "environment": head.environment, "number": number,
        }))
    });
    let values = [
        ("SHIPLOG_SERVER", Some(server.to_owned())),
        ("SHIPLOG_SERVICE", Some(head.service.clone())),
        ("SHIPLOG_ENVIRONMENT", Some(head.environment.clone())),
        ("SHIPLOG_NUMBER", number.map(|number| number.to_string())),
        ("SHIPLOG_DEPLOYMENT", name),
        ("SHIPLOG_VERSION", release("version")),
        ("SHIPLOG_COMMIT", release("commit")),
        ("SHIPLOG_INTENT", journal.intent().map(ToOwned::to_owned)),
        ("SHIPLOG_MANIFEST", None),
        ("SHIPLOG_CONFIGURATION", None),
        ("SHIPLOG_TARGETS", None),
    ];
    for (variable, value) in values {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
}
