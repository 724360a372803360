//! `shiplog environments`: which there are, and what is declared of them.

use clap::{ValueEnum as _, builder::PossibleValue};
use serde_json::Value;
use ureq::http::Method;

use crate::{
    client::{Path, path},
    context::Context,
    deployment::body,
    exit::Exit,
    guard::NewNameArgs,
    output::{self, Column, Format, Kind},
    status::{COLUMNS as LANES, freeze, write_board},
    write::{Course, Request, WriteArgs, fluid},
};

const COLUMNS: [Column; 4] = [
    Column::new("environment", "/environment", Kind::Text),
    Column::new("tier", "/tier", Kind::Text),
    Column::new("lanes", "/lanes", Kind::Text),
    Column::new("frozen", "/frozen", Kind::Made(freeze)),
];

/// List environments, show one, declare or freeze one.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  shiplog environments
  shiplog environments declare production --tier production
  shiplog environments freeze production --reason 'peak season' --until 2026-12-01"
)]
pub(crate) struct Environments {
    /// This one alone.
    name: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Say what an environment is and what rules it has.
    Declare(Declare),
    /// Let nothing be deployed to an environment until then, or until it is unfrozen.
    ///
    /// Deployments that are asked for are refused meanwhile, unless they override it with a reason.
    /// Several freezes can stand, planned ones too.
    Freeze(Freeze),
    /// Allow deployments to a frozen environment again.
    Unfreeze(Unfreeze),
}

#[derive(Debug, clap::Args)]
struct Declare {
    /// Which environment.
    name: String,
    /// What it is for.
    #[arg(long, value_enum)]
    tier: Tier,
    /// How many people have to approve a deployment before an executor may begin it.
    #[arg(long, value_name = "COUNT")]
    approvals: Option<u32>,
    /// Whether who asks for a deployment may approve it.
    #[arg(long, value_name = "BOOL")]
    self_approval: Option<bool>,
    /// Whether a lane takes one deployment at a time.
    #[arg(long, value_name = "BOOL")]
    one_at_a_time: Option<bool>,
    #[command(flatten)]
    names: NewNameArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// What an environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tier {
    /// What customers use.
    Production,
    /// The last stop before production.
    Staging,
    /// For tests.
    Testing,
    /// For those who develop.
    Development,
    /// Anything else.
    Other,
}

#[derive(Debug, clap::Args)]
struct Freeze {
    /// Which environment.
    name: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// When it begins: RFC 3339 or a date; now by default.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// When it ends by itself: RFC 3339 or a date.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    names: NewNameArgs,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(Debug, clap::Args)]
struct Unfreeze {
    /// Which environment.
    name: String,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// The beginning of a planned freeze, to call it off; now by default.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Environments {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        match (self.action, self.name) {
            (Some(Action::Declare(command)), _) => command.run(context),
            (Some(Action::Freeze(command)), _) => command.run(context),
            (Some(Action::Unfreeze(command)), _) => command.run(context),
            (None, Some(name)) => show(context, &name),
            (None, None) => list(context),
        }
    }
}

impl Declare {
    fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, tier, approvals, self_approval, one_at_a_time, names, write } = self;
        let tier = tier.to_possible_value();
        let tier = tier.as_ref().map(PossibleValue::get_name);
        let body = Value::Object(body([
            ("tier", tier.map(Into::into)),
            ("approvals", approvals.map(Into::into)),
            ("self_approval", self_approval.map(Into::into)),
            ("one_at_a_time", one_at_a_time.map(Into::into)),
            ("new_name", names.wire()),
        ]));
        let request = Request {
            verb: "declare",
            method: Method::PUT,
            path: &path(&["v1", "environments", &name]),
            body,
            fluid: Vec::new(),
            names_actor: false,
            if_match: None,
            course: Course::environment(&name, &["EnvironmentDeclared", "EnvironmentRetired"]),
        };
        let answer = send(context, write, &request)?;
        tell(context, &format!("{name}: declared"), &answer)
    }
}

impl Freeze {
    fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, reason, from, until, names, write } = self;
        let from = from.map(|from| context.moment("--from", &from)).transpose()?;
        let until = until.map(|until| context.moment("--until", &until)).transpose()?;
        let fluid = fluid([("at", &from), ("until", &until)]);
        let body = body([
            ("reason", Some(reason.into())),
            ("at", from.map(|from| from.at.into())),
            ("until", until.map(|until| until.at.into())),
            ("new_name", names.wire()),
        ]);
        let request = Request {
            verb: "freeze",
            method: Method::POST,
            path: &path(&["v1", "environments", &name, "freeze"]),
            body: Value::Object(body),
            fluid,
            names_actor: false,
            if_match: None,
            course: Course::environment(&name, &["EnvironmentUnfrozen"]),
        };
        let answer = send(context, write, &request)?;
        tell(context, &format!("{name}: frozen"), &answer)
    }
}

impl Unfreeze {
    fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { name, reason, at, write } = self;
        let at = at.map(|at| context.moment("--at", &at)).transpose()?;
        let fluid = fluid([("at", &at)]);
        let body = body([("reason", reason.map(Into::into)), ("at", at.map(|at| at.at.into()))]);
        let request = Request {
            verb: "unfreeze",
            method: Method::POST,
            path: &path(&["v1", "environments", &name, "unfreeze"]),
            body: Value::Object(body),
            fluid,
            names_actor: false,
            if_match: None,
            course: Course::environment(&name, &["EnvironmentFrozen"]),
        };
        let answer = send(context, write, &request)?;
        tell(context, &format!("{name}: not frozen any more"), &answer)
    }
}

fn send(
    context: &mut Context<'_>,
    write: WriteArgs,
    request: &Request<'_>,
) -> anyhow::Result<Value> {
    let author = write.author(context)?;
    let client = context.client()?;
    Ok(author.send(context, &client, request)?.body)
}

/// Says what was done; programs get what the server answered.
fn tell(context: &mut Context<'_>, text: &str, answer: &Value) -> anyhow::Result<Exit> {
    context.say(text)?;
    if context.settings.output.value != Format::Table && !answer.is_null() {
        output::one(context, &COLUMNS, answer)?;
    }
    Ok(Exit::Success)
}

fn list(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let client = context.client()?;
    let environments = client.all_items(&Path::literal("/v1/environments"))?;
    if output::list(context, &COLUMNS, environments.into_iter().map(Ok))? == 0 {
        context.say("no environment is known yet; the first deployment makes one")?;
    }
    Ok(Exit::Success)
}

fn show(context: &mut Context<'_>, name: &str) -> anyhow::Result<Exit> {
    let board = context.client()?.whole(&path(&["v1", "environments", name]), "lanes")?;
    match context.settings.output.value {
        Format::Table => write_board(context, &board, false)?,
        Format::Json => output::json(context, &board)?,
        Format::Jsonl | Format::Csv => {
            let lanes = board.get("lanes").and_then(Value::as_array).cloned().unwrap_or_default();
            output::list(context, &LANES, lanes.into_iter().map(Ok))?;
        }
    }
    Ok(Exit::Success)
}
