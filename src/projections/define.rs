//! Defining a projection, and dropping it.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Named, field, source::SourceArgs, tell};
use crate::{
    client::path,
    context::Context,
    exit::Exit,
    write::{Course, Request, WriteArgs},
};

/// What a projection is to be.
#[derive(Debug, clap::Args)]
pub(super) struct Define {
    /// What it is to be called: letters, digits, `-`, `_` and `.`, beginning with a letter.
    name: String,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Which projection goes.
#[derive(Debug, clap::Args)]
pub(super) struct Drop {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    write: WriteArgs,
}

impl Define {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, source, write } = self;
        let (language, source) = source.read()?;
        let body = json!({ "language": language.as_str(), "source": source });
        let answer = send(context, &name, write, ("define", Method::PUT), body)?;
        let position = field(&answer, "revision");
        context.say(format!("{name}: defined at position {position}; it is being folded"))?;
        tell(context, &answer)
    }
}

impl Drop {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { named: Named { name }, write } = self;
        send(context, &name, write, ("drop", Method::DELETE), Value::Null)?;
        context.say(format!("{name}: dropped; what it was stays in the log"))?;
        Ok(Exit::Success)
    }
}

fn send(
    context: &mut Context<'_>,
    name: &str,
    write: WriteArgs,
    (verb, method): (&str, Method),
    body: Value,
) -> anyhow::Result<Value> {
    let author = write.author(context)?;
    let client = context.client()?;
    let request = Request {
        verb,
        method,
        path: &path(&["v1", "projections", name]),
        body,
        fluid: Vec::new(),
        names_actor: false,
        if_match: None,
        course: Course::projection(name, &["ProjectionDefined", "ProjectionDropped"]),
    };
    Ok(author.send(context, &client, &request)?.body)
}
