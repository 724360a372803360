//! `shiplog start`, `succeed`, `fail`, `cancel`, `approve` and `reject`: what happened next to a
//! deployment.

use jiff::Timestamp;
use serde_json::Value;
use ureq::http::Method;

use crate::{
    client::deployment_path,
    context::Context,
    deployment::{self, body},
    exit::Exit,
    reference::{Named, Reference},
    write::{Course, Request, WriteArgs, fluid},
};

/// Report that a deployment began.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shiplog start checkout/production#42 --executor argo-cd")]
pub(crate) struct Start {
    #[command(flatten)]
    named: Named,
    /// What carries it out.
    #[arg(long)]
    executor: Option<String>,
    /// Where its output can be read; by default the pipeline's run.
    #[arg(long, value_name = "URL")]
    log_url: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Report that a deployment worked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog succeed checkout/production#42
  shiplog succeed checkout production       (the one that is in progress)")]
pub(crate) struct Succeed {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    common: Common,
}

/// Report that a deployment did not work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  shiplog fail checkout/production#42 --error 'timed out' --failed-step migrate")]
pub(crate) struct Fail {
    #[command(flatten)]
    named: Named,
    /// What went wrong.
    #[arg(long)]
    error: Option<String>,
    /// In which step.
    #[arg(long, value_name = "STEP")]
    failed_step: Option<String>,
    /// Where its output can be read; by default the pipeline's run.
    #[arg(long, value_name = "URL")]
    log_url: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Call a deployment off before it ends.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  shiplog cancel checkout/production#42 --reason 'wrong version'"
)]
pub(crate) struct Cancel {
    #[command(flatten)]
    named: Named,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Agree to a deployment that waits for approval.
///
/// Where the environment says so, whoever asked for a deployment cannot approve it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  shiplog approve checkout/production#42 --comment 'seen the plan'"
)]
pub(crate) struct Approve {
    #[command(flatten)]
    named: Named,
    /// In your words.
    #[arg(long)]
    comment: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Turn a deployment down before it ends.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  shiplog reject checkout/production#42 --reason 'not on a Friday'"
)]
pub(crate) struct Reject {
    #[command(flatten)]
    named: Named,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// What all of them take.
#[derive(Debug, clap::Args)]
struct Common {
    /// When that was: RFC 3339, a date, or how long ago (`10m`); now by default.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

type Fields = Vec<(&'static str, Option<Value>)>;

impl Start {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, executor, log_url, common } = self;
        let log_url = log_page(context, log_url)?;
        let fields =
            vec![("executor", executor.map(Into::into)), ("log_url", log_url.map(Into::into))];
        report(context, &named, "start", fields, common)
    }
}

impl Succeed {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, common } = self;
        report(context, &named, "succeed", Vec::new(), common)
    }
}

impl Fail {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, error, failed_step, log_url, common } = self;
        let log_url = log_page(context, log_url)?;
        let fields = vec![
            ("error", error.map(Into::into)),
            ("failed_step", failed_step.map(Into::into)),
            ("log_url", log_url.map(Into::into)),
        ];
        report(context, &named, "fail", fields, common)
    }
}

impl Cancel {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, reason, common } = self;
        report(context, &named, "cancel", vec![("reason", reason.map(Into::into))], common)
    }
}

impl Approve {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, comment, write } = self;
        let fields = vec![("comment", comment.map(Into::into))];
        report(context, &named, "approve", fields, Common { at: None, write })
    }
}

impl Reject {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, reason, write } = self;
        let fields = vec![("reason", reason.map(Into::into))];
        report(context, &named, "reject", fields, Common { at: None, write })
    }
}

/// What is asked by who is about to run something.
pub(crate) fn claim_body(
    context: &mut Context<'_>,
    executor: &str,
    at: Timestamp,
) -> anyhow::Result<Value> {
    let log_url = log_page(context, None)?;
    let body = body([
        ("at", Some(at.to_string().into())),
        ("claim", Some(true.into())),
        ("executor", Some(executor.into())),
        ("log_url", log_url.map(Into::into)),
    ]);
    Ok(body.into())
}

/// The page that was given, or the pipeline's run.
fn log_page(context: &mut Context<'_>, flag: Option<String>) -> anyhow::Result<Option<String>> {
    match (flag, context.run().and_then(|run| run.url)) {
        (None, Some(found)) => {
            let origin = format!("environment variable {}", found.variable);
            context.explain("log_url", &found.value, &origin)?;
            Ok(Some(found.value))
        }
        (flag, _) => Ok(flag),
    }
}

fn report(
    context: &mut Context<'_>,
    named: &Named,
    verb: &'static str,
    fields: Fields,
    common: Common,
) -> anyhow::Result<Exit> {
    let Common { at, write } = common;
    let reference = named.reference()?;
    let client = context.client()?;
    let at = at.map(|at| context.moment("--at", &at)).transpose()?;
    let number = reference.open_number(&client, &context.watch())?;
    let author = write.author(context)?;
    let fluid = fluid([("at", &at)]);
    let mut body = body([("at", at.map(|at| at.at.into()))]);
    body.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let Reference { service, environment, which: _ } = &reference;
    let course = match verb {
        "start" | "approve" => Course::step(service, environment),
        _ => Course::end(service, environment, number),
    };
    let request = Request {
        verb,
        method: Method::POST,
        path: &deployment_path(service, environment, number).join(verb),
        body: Value::Object(body),
        fluid,
        names_actor: false,
        if_match: None,
        course,
    };
    let sent = author.send(context, &client, &request)?;
    deployment::announce(context, &sent.body)?;
    Ok(Exit::Success)
}
