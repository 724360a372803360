//! What was rebuilt and what came of comparing it, for people and for programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shiplog_domain::stream::StreamName;
use shiplog_projections::{
    damage::DamagedStream,
    replay::{
        Brief, ColumnDifference, Comparison, Explained, Explanation, Parting, Past, RowDifference,
        Why,
    },
};
use shiplog_store::position::GlobalPosition;

use crate::{
    context::Context,
    exit::Exit,
    output::{self, Column, Format, Kind},
};

pub(super) const COMPARED: [Column; 5] = [
    Column::new("read model", "/name", Kind::Text),
    Column::new("position", "/position", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
    Column::new("rebuilt", "/rebuilt", Kind::Text),
    Column::new("live", "/live", Kind::Text),
];

pub(super) const PAST: [Column; 4] = [
    Column::new("read model", "/name", Kind::Text),
    Column::new("position", "/position", Kind::Text),
    Column::new("events", "/events", Kind::Text),
    Column::new("rebuilt", "/rebuilt", Kind::Text),
];

pub(super) const EXPLAINED: [Column; 4] = [
    Column::new("read model", "/name", Kind::Text),
    Column::new("position", "/position", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
    Column::new("rows that differ", "/rows_that_differ", Kind::Text),
];

pub(super) const PARTED: [Column; 6] = [
    Column::new("read model", "/name", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
    Column::new("the same for events", "/events", Kind::Text),
    Column::new("then, here", "/first", Kind::Made(brief_line)),
    Column::new("then, there", "/second", Kind::Made(brief_line)),
    Column::new("rows that differ", "/rows_that_differ", Kind::Text),
];

pub(super) const EXPLAINED_ROWS: [Column; 6] = [
    Column::new("table", "/table", Kind::Text),
    Column::new("row", "/row", Kind::Text),
    Column::new("what", "/what", Kind::Text),
    Column::new("columns", "/columns", Kind::Made(mistakes_line)),
    Column::new("event", "/event", Kind::Made(brief_line)),
    Column::new("why", "/why", Kind::Text),
];

pub(super) const PARTED_ROWS: [Column; 4] = [
    Column::new("table", "/table", Kind::Text),
    Column::new("row", "/row", Kind::Text),
    Column::new("what", "/what", Kind::Text),
    Column::new("columns", "/columns", Kind::Made(both_line)),
];

/// How many rows of a read model are written for people; programs get all.
const MOST_ROWS: usize = 20;

/// Writes what came of it; the exit code says whether anything differs.
pub(super) fn write(
    context: &mut Context<'_>,
    columns: &[Column],
    items: &[Value],
) -> anyhow::Result<Exit> {
    output::list(context, columns, items.iter().cloned().map(Ok))?;
    let is_different = |item: &Value| item.get("verdict").is_some_and(|word| word == "different");
    Ok(if items.iter().any(is_different) { Exit::Different } else { Exit::Success })
}

/// Writes the rows that differ, below the table for people: programs have them in the items.
pub(super) fn rows(
    context: &mut Context<'_>,
    columns: &[Column],
    items: &[Value],
) -> anyhow::Result<()> {
    if context.settings.output.value != Format::Table {
        return Ok(());
    }
    for item in items {
        let rows = item.get("differences").and_then(Value::as_array);
        let Some(rows) = rows.filter(|rows| !rows.is_empty()) else { continue };
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        writeln!(context.out, "\n{name}:")?;
        output::list(context, columns, rows.iter().take(MOST_ROWS).cloned().map(Ok))?;
        if rows.len() > MOST_ROWS {
            writeln!(context.out, "and {} more", rows.len() - MOST_ROWS)?;
        }
    }
    Ok(())
}

pub(super) fn compared(comparison: &Comparison) -> Value {
    let Comparison { name, position, rebuilt, live, damaged } = comparison;
    json!({
        "name": name,
        "position": place(*position),
        "verdict": verdict(rebuilt == live),
        "rebuilt": rebuilt.to_string(),
        "live": live.to_string(),
        "damaged": set_aside(damaged),
    })
}

pub(super) fn past(past: &Past) -> Value {
    let Past { name, position, events, digest, damaged } = past;
    json!({
        "name": name,
        "position": place(*position),
        "events": events,
        "rebuilt": digest.to_string(),
        "damaged": set_aside(damaged),
    })
}

/// The streams that the log makes nothing of from an event on.
fn set_aside(damaged: &[DamagedStream]) -> Vec<Value> {
    let told = damaged.iter().map(|DamagedStream { stream, position, version: _, problem }| {
        let stream = stream.as_ref().map(StreamName::as_str);
        json!({ "stream": stream, "position": position.0, "problem": problem })
    });
    told.collect()
}

/// Says once of each stream that it is damaged, however many read models have set it aside.
pub(super) fn say_damage(context: &mut Context<'_>, items: &[Value]) -> anyhow::Result<()> {
    let told = items.iter().filter_map(|item| item.get("damaged")?.as_array()).flatten();
    let told: BTreeSet<_> = told.map(damage_line).collect();
    for (_, line) in &told {
        context.say(line)?;
    }
    Ok(())
}

/// Where a stream is damaged, and that in words.
fn damage_line(damaged: &Value) -> (u64, String) {
    let position = damaged.get("position").and_then(Value::as_u64).unwrap_or_default();
    let problem = text(damaged, "problem");
    let line = match text(damaged, "stream") {
        "" => format!("event {position} is damaged: {problem}"),
        stream => format!("`{stream}` is damaged since event {position}: {problem}"),
    };
    (position, line)
}

pub(super) fn explained(explanation: &Explanation) -> Value {
    let Explanation { comparison, rows } = explanation;
    let differences = rows.iter().map(|Explained { difference, event, why }| {
        let mut told = mistaken(difference);
        if let Some(told) = told.as_object_mut() {
            told.insert("event".into(), event.as_ref().map(brief).into());
            told.insert("why".into(), reason(*why, event.is_some()).into());
        }
        told
    });
    let differences: Vec<_> = differences.collect();
    let mut told = compared(comparison);
    if let Some(told) = told.as_object_mut() {
        told.insert("rows_that_differ".into(), differences.len().into());
        told.insert("differences".into(), differences.into());
    }
    told
}

/// What is to be said where they differ and no row does.
pub(super) fn note(Explanation { comparison, rows }: &Explanation) -> Option<String> {
    let is_told = comparison.rebuilt == comparison.live || !rows.is_empty();
    let name = comparison.name;
    (!is_told)
        .then(|| format!("{name}: the rows are the same; the words of its search index are not"))
}

pub(super) fn parted(parting: &Parting) -> Value {
    let Parting { name, events, position, first, second, rows } = parting;
    let differences: Vec<_> = rows.iter().map(in_both).collect();
    json!({
        "name": name,
        "verdict": verdict(parting.is_none()),
        "events": events,
        "position": place(*position),
        "first": first.as_ref().map(brief),
        "second": second.as_ref().map(brief),
        "rows_that_differ": differences.len(),
        "differences": differences,
    })
}

fn place(position: Option<GlobalPosition>) -> Option<u64> {
    position.map(|position| position.0)
}

fn verdict(is_same: bool) -> &'static str {
    if is_same { "same" } else { "different" }
}

fn reason(why: Why, has_event: bool) -> &'static str {
    match (why, has_event) {
        (Why::NotFolded, _) => "the row is as it was before this event",
        (Why::NeverSo, true) => {
            "no event makes the row what it is; this one was the last to change what it should be"
        }
        (Why::NeverSo, false) => "no event has to do with such a row",
        (Why::NotFollowed, _) => "too many rows differ to look for the event of each one",
    }
}

/// A row of the live read model that is not as it should be.
fn mistaken(difference: &RowDifference) -> Value {
    let RowDifference { table, row, in_rebuilt, in_live, columns, .. } = difference;
    let what = match (in_rebuilt, in_live) {
        (true, false) => "missing",
        (false, true) => "should not be there",
        (true, true) | (false, false) => "different",
    };
    let columns = columns.iter().map(|ColumnDifference { column, rebuilt, live }| {
        json!({ "column": column, "is": live, "should_be": rebuilt })
    });
    let columns: Vec<_> = columns.collect();
    json!({ "table": table, "row": row, "what": what, "columns": columns })
}

/// A row that two logs do not make the same of.
fn in_both(difference: &RowDifference) -> Value {
    let RowDifference { table, row, in_rebuilt, in_live, columns, .. } = difference;
    let what = match (in_rebuilt, in_live) {
        (true, false) => "only here",
        (false, true) => "only there",
        (true, true) | (false, false) => "different",
    };
    let columns = columns.iter().map(|ColumnDifference { column, rebuilt, live }| {
        json!({ "column": column, "first": rebuilt, "second": live })
    });
    let columns: Vec<_> = columns.collect();
    json!({ "table": table, "row": row, "what": what, "columns": columns })
}

fn brief(event: &Brief) -> Value {
    let Brief { position, stream, event_type } = event;
    json!({ "position": position.0, "stream": stream.as_str(), "type": event_type })
}

fn brief_line(event: &Value) -> String {
    let position = event.get("position").and_then(Value::as_u64).unwrap_or_default();
    format!("{position}: {} in {}", text(event, "type"), text(event, "stream"))
}

fn mistakes_line(columns: &Value) -> String {
    line(columns, |column| {
        let [name, is, should_be] = ["column", "is", "should_be"].map(|name| text(column, name));
        format!("{name} is {is}, should be {should_be}")
    })
}

fn both_line(columns: &Value) -> String {
    line(columns, |column| {
        let [name, first, second] = ["column", "first", "second"].map(|name| text(column, name));
        format!("{name} is {first} here, {second} there")
    })
}

fn line(columns: &Value, write: impl Fn(&Value) -> String) -> String {
    let lines: Vec<_> = columns.as_array().into_iter().flatten().map(write).collect();
    lines.join("; ")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
