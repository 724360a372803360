//! `shiplog retry`: the same release again.

use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    client::Path,
    context::Context,
    deployment::{self, body},
    exit::Exit,
    guard::OverrideArgs,
    reference::{Named, Which},
    write::{Course, Request, WriteArgs},
};

/// Try the same release again: a roll-over.
///
/// Repeats the lane's last deployment, or the one that is named, with the very same release.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog retry checkout production --reason 'the registry was down'
  shiplog retry checkout/production#43")]
pub(crate) struct Retry {
    #[command(flatten)]
    named: Named,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    crosses: OverrideArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Retry {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named, reason, crosses, write } = self;
        let reference = named.reference()?;
        let client = context.client()?;
        let of = match reference.which {
            Which::Current => None,
            Which::Before(_) | Which::Number(_) | Which::At(_) => {
                Some(reference.number(&client, &context.watch())?)
            }
        };
        let author = write.author(context)?;
        let course = Course::deployment(&reference.service, &reference.environment, true);
        let mut intent = body([("of", of.map(Into::into))]);
        intent.insert("kind".into(), "retry".into());
        let body = body([
            ("service", Some(reference.service.into())),
            ("environment", Some(reference.environment.into())),
            ("intent", Some(Value::Object(intent))),
            ("reason", reason.map(Into::into)),
            ("override", crosses.wire()),
            ("actor", author.actor.as_ref().map(|actor| json!(actor))),
        ]);
        let request = Request {
            verb: "retry",
            method: Method::POST,
            path: &Path::literal("/v1/deployments"),
            body: Value::Object(body),
            fluid: Vec::new(),
            names_actor: true,
            if_match: None,
            course,
        };
        let sent = author.send(context, &client, &request)?;
        deployment::announce(context, &sent.body)?;
        Ok(Exit::Success)
    }
}
