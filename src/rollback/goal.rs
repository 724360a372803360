//! What a rollback goes back to: a deployment by its number, or a version, which may be a number too.

use serde_json::Value;

use crate::{
    client::{Client, deployment_path, path},
    exit::{Exit, Failure},
    reference::Reference,
};

/// What to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Previous,
    /// `#38`.
    Number(u64),
    /// `38`: a deployment's number, unless a version is called so too.
    Plain(u64),
    Version(String),
}

impl Goal {
    pub(super) fn read(to: &str, to_version: Option<String>) -> Self {
        if let Some(version) = to_version {
            return Self::Version(version);
        }
        let number =
            |text: &str| text.parse().ok().filter(|number: &u32| number.to_string() == text);
        match (to.strip_prefix('#').map(str::parse), number(to)) {
            (Some(Ok(number)), _) => Self::Number(number),
            (_, Some(number)) => Self::Plain(number.into()),
            _ if to == "previous" => Self::Previous,
            _ => Self::Version(to.into()),
        }
    }

    pub(super) fn wire(&self) -> Value {
        match self {
            Self::Previous => "previous".into(),
            Self::Number(number) | Self::Plain(number) => (*number).into(),
            Self::Version(version) => version.as_str().into(),
        }
    }

    /// Refuses a bare number by which two deployments could be meant, and finds a version that the
    /// wire has another meaning for.
    pub(super) fn settle(self, client: &Client, reference: &Reference) -> anyhow::Result<Self> {
        match self {
            Self::Plain(number) => {
                let ran = last_success(client, reference, &number.to_string())?;
                let deployment = version_of(client, reference, number)?;
                match (deployment, ran) {
                    (Some(version), Some(ran)) if ran != number => {
                        Err(ambiguous(reference, number, &version, ran).into())
                    }
                    (Some(_) | None, _) => Ok(Self::Plain(number)),
                }
            }
            Self::Version(version) if version == "previous" => {
                let ran = last_success(client, reference, &version)?;
                Ok(ran.map_or(Self::Version(version), Self::Number))
            }
            Self::Previous | Self::Number(_) | Self::Version(_) => Ok(self),
        }
    }

    /// How to say what else may have been meant, where this was refused.
    pub(super) fn other(&self, client: &Client, reference: &Reference) -> Option<String> {
        match self {
            Self::Number(number) | Self::Plain(number) => {
                let is_there = version_of(client, reference, *number).ok()?.is_some();
                let ran = last_success(client, reference, &number.to_string()).ok()??;
                (!is_there).then(|| {
                    format!(
                        "version `{number}` ran there, as #{ran}; to mean it: --to-version {number}"
                    )
                })
            }
            Self::Version(version) => {
                let number = version.parse().ok()?;
                let there = version_of(client, reference, number).ok()??;
                let never_ran = last_success(client, reference, version).ok()?.is_none();
                never_ran.then(|| {
                    format!(
                        "deployment #{number} is there, of {there}; to mean it: --to '#{number}'"
                    )
                })
            }
            Self::Previous => None,
        }
    }
}

/// The version that a deployment put there, if there is such a deployment.
fn version_of(
    client: &Client,
    reference: &Reference,
    number: u64,
) -> Result<Option<String>, Failure> {
    let Reference { service, environment, which: _ } = reference;
    match client.get(&deployment_path(service, environment, number)) {
        Ok(answer) => {
            let version = answer.body.pointer("/release/version").and_then(Value::as_str);
            Ok(Some(version.unwrap_or_default().to_owned()))
        }
        Err(failure) if matches!(failure.exit(), Exit::Refused | Exit::Usage) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The last deployment that put a version there and worked.
fn last_success(
    client: &Client,
    reference: &Reference,
    version: &str,
) -> Result<Option<u64>, Failure> {
    let Reference { service, environment, which: _ } = reference;
    let list = path(&["v1", "deployments"])
        .with("service", service)
        .with("environment", environment)
        .with("version", version)
        .with("status", "succeeded")
        .with("limit", "1");
    let items = client.items(&list)?;
    Ok(items.first().and_then(|one| one.get("number")?.as_u64()))
}

fn ambiguous(reference: &Reference, number: u64, version: &str, ran: u64) -> Failure {
    let lane = reference.lane();
    Failure::usage(format!(
        "--to {number} could mean two things in {lane}: deployment #{number}, of {version}, or \
         version `{number}`, which ran last as #{ran}"
    ))
    .note(format!("to mean the deployment: --to '#{number}'"))
    .note(format!("to mean the version: --to-version {number}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_goal_is_a_word_a_number_or_a_version() {
        for (text, expected) in [
            ("previous", Goal::Previous),
            ("38", Goal::Plain(38)),
            ("#38", Goal::Number(38)),
            ("1.4.2", Goal::Version("1.4.2".into())),
            ("007", Goal::Version("007".into())),
            ("+7", Goal::Version("+7".into())),
            ("20260301123000", Goal::Version("20260301123000".into())),
            ("#x", Goal::Version("#x".into())),
        ] {
            assert_eq!(Goal::read(text, None), expected);
        }
        assert_eq!(Goal::read("previous", Some("38".into())).wire(), json!("38"));
        assert_eq!(Goal::read("38", None).wire(), json!(38));
    }
}
