//! `shiplog replay --with`: what would have been under other rules.

use std::{fs, path::Path};

use serde_json::Value;
use shiplog_projections::what_if::what_if;

use crate::{
    context::Context,
    data,
    exit::{Exit, Failure},
    log::LogArgs,
    output::{self, Column, Format, Kind},
};

const COLUMNS: [Column; 11] = [
    Column::new("requested", "/requested_at", Kind::Time),
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("version", "/version", Kind::Text),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("reported", "/reported", Kind::Text),
    Column::new("rule", "/rule", Kind::Text),
    Column::new("was", "/was", Kind::Text),
    Column::new("would be", "/would_be", Kind::Text),
    Column::new("detail", "/detail", Kind::Text),
];

/// Replays the log under the rules in a file, and lists the decisions that would have differed.
pub(crate) fn run(file: &Path, log: &LogArgs, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let text = fs::read(file).map_err(|error| {
        Failure::usage(format!("cannot read the rules in {}: {error}", file.display()))
    })?;
    let policy = shiplog_api::policy(&text).map_err(|problem| {
        Failure::usage(format!("the rules in {} do not read: {}", file.display(), problem.detail))
            .note("docs/what-if.md tells what they can be")
    })?;
    let runtime = data::runtime()?;
    let log = runtime.block_on(log.read())?;
    let report = runtime.block_on(what_if(log.log(), &policy))?;
    let mut report = shiplog_api::report(&report);
    if context.settings.output.value == Format::Json {
        output::json(context, &report)?;
        return Ok(Exit::Success);
    }
    let items = report.get_mut("items").map(Value::take);
    let items = items.as_ref().and_then(Value::as_array).into_iter().flatten();
    output::list(context, &COLUMNS, items.map(|item| Ok(item.clone())))?;
    context.say(summary(&report))?;
    Ok(Exit::Success)
}

/// How much would have differed, in a sentence.
fn summary(report: &Value) -> String {
    let counts = report.get("counts").and_then(Value::as_object).into_iter().flatten();
    let counts: Vec<_> = counts.map(|(rule, count)| format!("{rule} {count}")).collect();
    let number = |field: &str| report.get(field).and_then(Value::as_u64).unwrap_or_default();
    let (all, reported) = (number("deployments"), number("reported"));
    let found = if counts.is_empty() { "nothing".into() } else { counts.join(", ") };
    format!("of {all} deployments, {reported} of them reported, would have differed: {found}")
}
