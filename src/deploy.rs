//! `shiplog deploy`: request a deployment, or report one.

use std::str::FromStr;

use clap::{ValueEnum as _, builder::PossibleValue};
use serde_json::{Map, Value, json};
use ureq::http::Method;

use crate::{
    client::{Path, Write},
    context::Context,
    deployment::{self, body},
    exit::{Exit, Failure},
    guard::OverrideArgs,
    write::WriteArgs,
};

/// Request a deployment, or report one that began or ended elsewhere.
///
/// Prints the deployment's name, which `start`, `succeed` and `fail` take. On a known pipeline
/// runner, commit, actor, URL and idempotency key are taken from the run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog deploy checkout production 1.4.2 --reason 'release train 31'
  shiplog deploy checkout production 1.4.2 --status succeeded --at 10m
  deployment=$(shiplog deploy checkout staging 1.5.0 --status started)")]
pub(crate) struct Deploy {
    /// What is deployed.
    service: String,
    /// Where to.
    environment: String,
    /// Which version.
    version: String,
    /// The commit that the version was built from.
    #[arg(long)]
    commit: Option<String>,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// What the deployment is for.
    #[arg(long, value_enum, default_value_t = Intent::Deploy)]
    intent: Intent,
    /// Where to read on, such as the pipeline's run.
    #[arg(long)]
    url: Option<String>,
    /// Something else to remember, by name; may be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Pair>,
    /// What the deploying system calls it.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// How far it is; anything but `requested` is a report and never refused for what it says.
    #[arg(long, value_enum, default_value_t = Status::Requested)]
    status: Status,
    /// What went wrong, for `--status failed`.
    #[arg(long)]
    error: Option<String>,
    /// When that was: RFC 3339, a date, or how long ago (`10m`); now by default.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What is put there, and the digest that proves it; may be repeated.
    #[arg(long = "artifact", value_name = "NAME=DIGEST")]
    artifacts: Vec<Pair>,
    /// What its makers say of the release.
    #[arg(long = "note", value_name = "TEXT")]
    notes: Option<String>,
    /// Something that the release changes; may be repeated.
    #[arg(long = "change", value_name = "KIND=DESCRIPTION")]
    changes: Vec<Pair>,
    /// Something that the release changes and that no rollback undoes; may be repeated.
    #[arg(long = "irreversible-change", value_name = "KIND=DESCRIPTION")]
    irreversible_changes: Vec<Pair>,
    #[command(flatten)]
    crosses: OverrideArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// What a deployment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Intent {
    /// To put a release there.
    Deploy,
    /// To mend a failed deployment with another release.
    #[value(alias = "roll_forward")]
    RollForward,
    /// Nobody said.
    Unknown,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Status {
    /// It is asked for.
    Requested,
    /// It began.
    Started,
    /// It worked.
    Succeeded,
    /// It did not work.
    Failed,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    name: String,
    value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.into(), value: value.into() })
            }
            Some(_) | None => Err("give a name, `=` and a value".into()),
        }
    }
}

impl Deploy {
    pub(crate) fn run(mut self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        if self.error.is_some() && self.status != Status::Failed {
            return Err(Failure::usage("--error goes with --status failed").into());
        }
        self.fill_in(context)?;
        let status = self.status.to_possible_value();
        let status = status.as_ref().map_or("requested", PossibleValue::get_name).to_owned();
        let at = self.at.as_deref().map(|at| context.instant("--at", at)).transpose()?;
        let release = self.release();
        let Self { service, environment, version, reason, intent, url, labels, .. } = self;
        let what = [service.as_str(), &environment, &version, &status];
        let author = self.write.author(context, "deploy", &what)?;
        let labels: Map<_, _> =
            labels.into_iter().map(|Pair { name, value }| (name, value.into())).collect();
        let body = body([
            ("service", Some(service.into())),
            ("environment", Some(environment.into())),
            ("intent", Some(json!({"kind": intent.wire()}))),
            ("release", Some(release)),
            ("reason", reason.map(Into::into)),
            ("status", Some(status.into())),
            ("error", self.error.map(Into::into)),
            ("at", at.map(Into::into)),
            ("external_id", self.external_id.map(Into::into)),
            ("url", url.map(Into::into)),
            ("labels", (!labels.is_empty()).then_some(Value::Object(labels))),
            ("override", self.crosses.wire()),
            ("actor", author.actor.as_ref().map(|actor| json!(actor))),
        ]);
        let answer = context.client()?.write(&Write {
            method: Method::POST,
            path: &Path::literal("/v1/deployments"),
            body: &Value::Object(body),
            key: &author.key,
            actor: None,
            if_match: None,
        })?;
        deployment::announce(context, &answer.body)?;
        Ok(Exit::Success)
    }

    /// Takes commit and URL from the pipeline's run where no flag says them.
    fn fill_in(&mut self, context: &mut Context<'_>) -> anyhow::Result<()> {
        let Some(run) = context.run() else { return Ok(()) };
        for (what, field, found) in
            [("commit", &mut self.commit, run.commit), ("url", &mut self.url, run.url)]
        {
            if let (None, Some(found)) = (&field, found) {
                let origin = format!("environment variable {}", found.variable);
                context.explain(what, &found.value, &origin)?;
                *field = Some(found.value);
            }
        }
        Ok(())
    }

    fn release(&self) -> Value {
        let artifacts: Vec<_> = self
            .artifacts
            .iter()
            .map(|Pair { name, value }| json!({"name": name, "digest": value}))
            .collect();
        let changes = self
            .changes
            .iter()
            .map(|Pair { name, value }| json!({"kind": name, "description": value}));
        let irreversible = self.irreversible_changes.iter().map(
            |Pair { name, value }| json!({"kind": name, "description": value, "reversible": false}),
        );
        let changes: Vec<_> = changes.chain(irreversible).collect();
        Value::Object(body([
            ("version", Some(self.version.clone().into())),
            ("commit", self.commit.clone().map(Into::into)),
            ("artifacts", (!artifacts.is_empty()).then_some(artifacts.into())),
            ("notes", self.notes.clone().map(Into::into)),
            ("changes", (!changes.is_empty()).then_some(changes.into())),
        ]))
    }
}

impl Intent {
    fn wire(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::RollForward => "roll_forward",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_divided_at_the_first_equals_sign() {
        let pair = |name: &str, value: &str| Pair { name: name.into(), value: value.into() };
        assert_eq!("image=sha256:a=b".parse(), Ok(pair("image", "sha256:a=b")));
        assert_eq!("empty=".parse(), Ok(pair("empty", "")));
        assert!("=x".parse::<Pair>().is_err());
        assert!("x".parse::<Pair>().is_err());
    }
}
