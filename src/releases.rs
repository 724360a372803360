//! `shiplog releases`: which there are, and where each one runs and ran.

use serde_json::Value;
use ureq::http::Method;

use crate::{
    client::{Path, path},
    context::Context,
    deployment::{artifacts, body, changes, text},
    exit::Exit,
    guard::NewNameArgs,
    history::{PageArgs, pages},
    output::{self, Column, Format, Kind},
    write::{Course, Request, WriteArgs},
};

const COLUMNS: [Column; 6] = [
    Column::new("service", "/service", Kind::Text),
    Column::new("version", "/version", Kind::Text),
    Column::new("commit", "/commit", Kind::Text),
    Column::new("first seen", "/first_seen_at", Kind::Time),
    Column::new("blocked", "/blocked/reason", Kind::Text),
    Column::new("runs in", "/runs_in", Kind::Made(runs_in)),
];

const DETAILS: [Column; 8] = [
    Column::new("service", "/service", Kind::Text),
    Column::new("version", "/version", Kind::Text),
    Column::new("commit", "/release/commit", Kind::Text),
    Column::new("artifacts", "/release/artifacts", Kind::Made(artifacts)),
    Column::new("changes", "/release/changes", Kind::Made(changes)),
    Column::new("notes", "/release/notes", Kind::Text),
    Column::new("registered", "/registered", Kind::Text),
    Column::new("blocked", "/blocked/reason", Kind::Text),
];

const RUNS: [Column; 4] = [
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("since", "/since", Kind::Time),
    Column::new("until", "/until", Kind::Time),
];

/// List releases, show one, or block one.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  shiplog releases checkout
  shiplog releases checkout 1.4.2
  shiplog releases block checkout 1.5.0 --reason 'loses orders'"
)]
pub(crate) struct Releases {
    /// Only those of this service.
    service: Option<String>,
    /// This one alone: where it runs and ran.
    #[arg(requires = "service")]
    version: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Keep a release from going further; where it runs it may stay.
    Block(Block),
    /// Allow deployments of a blocked release again.
    Unblock(Block),
}

#[derive(Debug, clap::Args)]
struct Block {
    /// Which service.
    service: String,
    /// Which version of it.
    version: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    names: NewNameArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Releases {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { service, version, page, action } = self;
        match (action, service, version) {
            (Some(Action::Block(block)), _, _) => block.run(context, "block"),
            (Some(Action::Unblock(block)), _, _) => block.run(context, "unblock"),
            (None, Some(service), Some(version)) => show(context, &service, &version),
            (None, service, _) => {
                let path = Path::literal("/v1/releases").with_some("service", service.as_deref());
                pages(context, path, &page, &COLUMNS)
            }
        }
    }
}

impl Block {
    fn run(self, context: &mut Context<'_>, verb: &str) -> anyhow::Result<Exit> {
        let Self { service, version, reason, names, write } = self;
        let author = write.author(context)?;
        let client = context.client()?;
        let undone_by: &[_] =
            if verb == "block" { &["ReleaseUnblocked"] } else { &["ReleaseBlocked"] };
        let request = Request {
            verb,
            method: Method::POST,
            path: &path(&["v1", "releases", &service, &version, verb]),
            body: Value::Object(body([
                ("reason", Some(reason.into())),
                ("new_name", names.wire()),
            ])),
            fluid: Vec::new(),
            names_actor: false,
            if_match: None,
            course: Course::release(&service, &version, undone_by),
        };
        let answer = author.send(context, &client, &request)?;
        context.say(format!("{service} {version}: {verb}ed"))?;
        if context.settings.output.value != Format::Table && !answer.body.is_null() {
            output::one(context, &DETAILS, &answer.body)?;
        }
        Ok(Exit::Success)
    }
}

fn show(context: &mut Context<'_>, service: &str, version: &str) -> anyhow::Result<Exit> {
    let release = context.client()?.get(&path(&["v1", "releases", service, version]))?.body;
    output::one(context, &DETAILS, &release)?;
    let runs = release.get("runs").and_then(Value::as_array).cloned().unwrap_or_default();
    if runs.is_empty() {
        context.say("it never ran anywhere")?;
    } else if context.settings.output.value == Format::Table {
        writeln!(context.out)?;
        output::list(context, &RUNS, runs.into_iter().map(Ok))?;
    }
    Ok(Exit::Success)
}

/// Names of environments, given as text or as objects.
fn runs_in(value: &Value) -> String {
    let places = value.as_array().into_iter().flatten();
    let places: Vec<_> =
        places.map(|place| place.as_str().unwrap_or_else(|| text(place, "environment"))).collect();
    places.join(", ")
}
