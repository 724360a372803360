//! `shiplog deploy`: request a deployment, or report one.

mod what;

use clap::{ValueEnum as _, builder::PossibleValue};
use serde_json::{Value, json};
use ureq::http::Method;

pub(crate) use self::what::What;
use crate::{
    client::Path,
    context::Context,
    deployment::{self, body},
    exit::{Exit, Failure},
    guard::{NewNameArgs, OverrideArgs},
    write::{Course, Request, WriteArgs, fluid},
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
    #[command(flatten)]
    what: What,
    /// How far it is; anything but `requested` is a report and never refused for what it says.
    #[arg(long, value_enum, default_value_t = Status::Requested)]
    status: Status,
    /// What went wrong, for `--status failed`.
    #[arg(long)]
    error: Option<String>,
    /// When that was, for a report: RFC 3339, a date, or how long ago (`10m`); now by default.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    names: NewNameArgs,
    #[command(flatten)]
    crosses: OverrideArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Why a request takes no `--at`; the server says the same.
const DATED: &str =
    "what is asked for is asked for now; --at belongs to reports, which say what happened when";

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

impl Deploy {
    pub(crate) fn run(mut self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        if self.error.is_some() && self.status != Status::Failed {
            return Err(Failure::usage("--error goes with --status failed").into());
        }
        if self.at.is_some() && self.status == Status::Requested {
            return Err(Failure::usage(DATED)
                .note("say with --status how far it was, if it is a report")
                .into());
        }
        self.what.fill_in(context)?;
        let is_open = matches!(self.status, Status::Requested | Status::Started);
        let status = self.status.to_possible_value();
        let status = status.as_ref().map_or("requested", PossibleValue::get_name).to_owned();
        let at = self.at.as_deref().map(|at| context.moment("--at", at)).transpose()?;
        let Self { service, environment, version, what, error, names, crosses, write, .. } = self;
        let author = write.author(context)?;
        let fluid = fluid([("at", &at)]);
        let course = Course::deployment(&service, &environment, is_open);
        let mut body = body([
            ("service", Some(service.into())),
            ("environment", Some(environment.into())),
            ("status", Some(status.into())),
            ("error", error.map(Into::into)),
            ("at", at.map(|at| at.at.into())),
            ("new_name", names.wire()),
            ("override", crosses.wire()),
            ("actor", author.actor.as_ref().map(|actor| json!(actor))),
        ]);
        body.extend(what.into_fields(&version)?);
        let client = context.client()?;
        let request = Request {
            verb: "deploy",
            method: Method::POST,
            path: &Path::literal("/v1/deployments"),
            body: Value::Object(body),
            fluid,
            names_actor: true,
            if_match: None,
            course,
        };
        let sent = author.send(context, &client, &request)?;
        deployment::announce(context, &sent.body)?;
        Ok(Exit::Success)
    }
}
