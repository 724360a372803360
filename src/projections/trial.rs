//! Trying a script on the history, without keeping anything.

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::{
    field,
    source::{Language, SourceArgs},
    states, why,
};
use crate::{
    client::{Live, path},
    context::Context,
    exit::{Exit, Failure},
    output::{self, Format},
    progress::Progress,
};

/// What to try, and on which part of the history.
#[derive(Debug, clap::Args)]
pub(super) struct Try {
    #[command(flatten)]
    source: SourceArgs,
    /// Only events after this position.
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// Only events up to this position.
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    /// Only events recorded then or later: RFC 3339, a date, or how long ago (`2h`, `3d`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events recorded before then.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Only events of lanes of this service.
    #[arg(long)]
    service: Option<String>,
    /// Only events of lanes of this environment.
    #[arg(long)]
    environment: Option<String>,
    /// Only events of this stream.
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Only events of this type; can be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
}

impl Try {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let (language, source) = self.source.read()?;
        if language == Language::Sql {
            return Err(Failure::usage("a query is tried with `shiplog sql`").into());
        }
        let body = self.body(context, &source)?;
        let path = path(&["v1", "projections", "preview"]);
        let live = context.client()?.follow(&path, &body)?;
        let progress = Progress::elsewhere(context.settings.quiet.value);
        let tried = follow(live, &progress);
        progress.end();
        show(context, &tried?)
    }

    fn body(&self, context: &Context<'_>, source: &str) -> anyhow::Result<Value> {
        let instant = |flag: &str, text: &Option<String>| {
            text.as_deref().map(|text| context.instant(flag, text)).transpose()
        };
        let Self { source: _, after, until, since, before, service, environment, stream, types } =
            self;
        let mut body = Map::new();
        body.insert("language".into(), json!(Language::Javascript.as_str()));
        body.insert("source".into(), json!(source));
        for (name, value) in [
            ("after", json!(after)),
            ("until", json!(until)),
            ("since", json!(instant("--since", since)?)),
            ("before", json!(instant("--before", before)?)),
            ("service", json!(service)),
            ("environment", json!(environment)),
            ("stream", json!(stream)),
            ("types", json!(types)),
        ] {
            if !value.is_null() {
                body.insert(name.into(), value);
            }
        }
        Ok(Value::Object(body))
    }
}

/// Shows how far it is, until there is an answer.
fn follow(mut live: Live, progress: &Progress) -> anyhow::Result<Value> {
    let broken = "the server ended the preview before it was done";
    while let Some(message) = live.next().context(broken)? {
        match message.name.as_deref() {
            Some("progress") => {
                let number = |name| field(&message.data, name).as_u64();
                let done = number("events_done").unwrap_or_default();
                let total = number("events_total").unwrap_or_default();
                progress.show(done, total, &format!("{done} of {total} events"));
            }
            Some("problem") => {
                let detail = field(&message.data, "detail").as_str().unwrap_or(broken);
                return Err(Failure::new(Exit::Failure, detail).into());
            }
            Some(_) | None => return Ok(message.data),
        }
    }
    Err(Failure::new(Exit::Unavailable, broken).into())
}

/// What it logged goes to standard error, what it came to to standard output.
fn show(context: &mut Context<'_>, tried: &Value) -> anyhow::Result<Exit> {
    if context.settings.output.value == Format::Table {
        for line in field(tried, "log").as_array().into_iter().flatten() {
            context.say(line.as_str().unwrap_or_default())?;
        }
        let total = field(tried, "partitions_total").as_u64().unwrap_or_default();
        if total == 0 {
            output::json(context, states::shown(tried))?;
        } else {
            let partitions = field(tried, "partitions").as_array().cloned().unwrap_or_default();
            let shown = partitions.len() as u64;
            output::list(context, &states::COLUMNS, partitions.into_iter().map(Ok))?;
            if shown < total {
                context.say(format!("{shown} of {total} partitions are shown"))?;
            }
        }
        let (done, at) = (field(tried, "events_done"), field(tried, "position"));
        context.say(format!("{done} events, up to position {at}; nothing was kept"))?;
    } else {
        output::json(context, tried)?;
    }
    if field(tried, "fault").is_null() { Ok(Exit::Success) } else { Err(failure(tried).into()) }
}

fn failure(tried: &Value) -> Failure {
    let failure = Failure::new(Exit::Failure, format!("the script failed: {}", why(tried)));
    let stack = field(tried, "fault").get("stack").and_then(Value::as_str).unwrap_or_default();
    stack.lines().fold(failure, |failure, frame| failure.note(frame.to_owned()))
}
