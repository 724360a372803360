//! What is known of a failed deployment, for people.

use serde_json::Value;

use super::items;
use crate::{
    context::Context,
    deployment::{self, changes, first_line, place, reconfigured, text, write_output},
    output::{self, Column, Kind, Table, printable},
    status::open,
};

const DEPLOYMENT: [Column; 13] = [
    Column::new("deployment", "/deployment", Kind::Made(deployment::name)),
    Column::new("version", "/deployment/release/version", Kind::Text),
    Column::new("status", "/deployment/status", Kind::Status),
    Column::new("by", "/deployment/actor", Kind::Actor),
    Column::new("reason", "/deployment/reason", Kind::Text),
    Column::new("ended", "/deployment/finished_at", Kind::Time),
    Column::new("took", "/deployment/duration_ms", Kind::Duration),
    Column::new("error", "/facts/error", Kind::Lines),
    Column::new("failed step", "/facts/failed_step", Kind::Text),
    Column::new("targets", "/facts", Kind::Made(targets)),
    Column::new("health", "/deployment/health/health", Kind::Text),
    Column::new("log", "/facts/log_url", Kind::Text),
    Column::new("run", "/deployment/url", Kind::Text),
];

const ATTEMPT: [Column; 5] = [
    Column::new("number", "/number", Kind::Text),
    Column::new("version", "/version", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("ended", "/finished_at", Kind::Time),
    Column::new("error", "/error", Kind::Lines),
];

const ELSEWHERE: [Column; 6] = [
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("health", "/health", Kind::Text),
    Column::new("ended", "/finished_at", Kind::Time),
    Column::new("error", "/error", Kind::Lines),
];

/// Writes all facts, those of which there are none left out.
pub(super) fn write(
    context: &mut Context<'_>,
    lane: &Value,
    recovery: &Value,
) -> anyhow::Result<()> {
    output::one(context, &DEPLOYMENT, recovery)?;
    let facts = recovery.get("facts").unwrap_or(&Value::Null);
    write_output(context, text(facts, "error"))?;
    for line in warnings(context, lane, recovery) {
        writeln!(context.out, "\n{}", printable(&line))?;
    }
    write_changes(context, facts)?;
    write_list(context, "the same release elsewhere", &ELSEWHERE, items(facts, "/elsewhere"))?;
    write_list(context, "failed alike here", &ATTEMPT, items(facts, "/failed_alike"))
}

/// What has to be known before anything is done.
fn warnings(context: &Context<'_>, lane: &Value, recovery: &Value) -> Vec<String> {
    let facts = recovery.get("facts").unwrap_or(&Value::Null);
    let fact = |name: &str| facts.get(name).filter(|value| value.is_object());
    let mut lines = Vec::new();
    if let Some(later) = fact("settled_by") {
        lines.push(format!("The lane has moved on: {} has succeeded since.", place(later)));
    }
    let open = open(lane, recovery.pointer("/deployment/number"));
    if !open.is_empty() {
        lines.push(format!("In progress: {}.", open.join("; ")));
    }
    if let Some(frozen) = fact("frozen") {
        let until = text(frozen, "until").parse().ok().map(|until| context.watch().show(until));
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        lines.push(format!("The environment is frozen{until}: {}.", text(frozen, "reason")));
    }
    lines
}

/// `2 of 5 failed: web-2 (disk full), web-4`.
fn targets(facts: &Value) -> String {
    let failed = items(facts, "/failed_targets");
    let all = facts.get("targets").and_then(Value::as_u64).unwrap_or_default();
    if failed.is_empty() {
        return String::new();
    }
    let named = failed.iter().map(|one| match first_line(text(one, "error")) {
        "" => text(one, "target").to_owned(),
        error => format!("{} ({error})", text(one, "target")),
    });
    format!("{} of {all} failed: {}", failed.len(), named.collect::<Vec<_>>().join(", "))
}

fn write_changes(context: &mut Context<'_>, facts: &Value) -> anyhow::Result<()> {
    let from = facts.pointer("/changes/from").filter(|from| from.is_object());
    let before = from.map_or_else(|| "nothing".into(), place);
    let (comes_in, taken_out) =
        (items(facts, "/changes/releases"), items(facts, "/changes/taken_out"));
    if taken_out.is_empty() || !comes_in.is_empty() {
        let title = format!("changed against what ran before, {before}:");
        writeln!(context.out, "\n{}", printable(&title))?;
        write_releases(context, comes_in)?;
    }
    if !taken_out.is_empty() {
        let title = format!("taken out of what ran before, {before}:");
        writeln!(context.out, "\n{}", printable(&title))?;
        write_releases(context, taken_out)?;
    }
    let configuration =
        reconfigured(facts.pointer("/changes/configuration").unwrap_or(&Value::Null));
    if !configuration.is_empty() {
        let line = format!("configured otherwise: {configuration}");
        writeln!(context.out, "{}", printable(&line))?;
    }
    Ok(())
}

/// What each of these releases changes.
pub(crate) fn write_releases(context: &mut Context<'_>, releases: &[Value]) -> anyhow::Result<()> {
    let mut table = Table::new(context.is_terminal);
    for release in releases {
        let row = [text(release, "version"), text(release, "commit")].map(ToOwned::to_owned);
        let notes = text(release, "notes").to_owned();
        let said = [changes(release.get("changes").unwrap_or(&Value::Null)), notes];
        let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        table.add(row.into_iter().chain([said]).map(Into::into).collect());
    }
    write!(context.out, "{table}")?;
    Ok(())
}

fn write_list(
    context: &mut Context<'_>,
    title: &str,
    columns: &[Column],
    list: &[Value],
) -> anyhow::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(context.out, "\n{title}:")?;
    output::list(context, columns, list.iter().cloned().map(Ok)).map(drop)
}
