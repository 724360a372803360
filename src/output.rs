//! Results, written as a table for people or as data for programs.

mod cell;
mod rows;
mod table;

use std::fmt;

use clap::ValueEnum;
use serde_json::Value;

pub(crate) use self::{
    cell::{Column, Kind, actor, printable},
    rows::Rows,
    table::Table,
};
use crate::context::Context;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, times in the zone that was set.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Jsonl,
    /// Comma-separated values with a heading, times in UTC (RFC 4180).
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        })
    }
}

/// Writes a list; all but tables are written as the items come. Answers how many there were.
pub(crate) fn list(
    context: &mut Context<'_>,
    columns: &[Column],
    items: impl IntoIterator<Item = anyhow::Result<Value>>,
) -> anyhow::Result<usize> {
    let mut rows = Rows::begin(context, columns)?;
    let mut count = 0;
    for item in items {
        rows.add(&item?)?;
        count += 1;
    }
    rows.end()?;
    Ok(count)
}

/// Writes one thing: its fields below each other, or its JSON.
pub(crate) fn one(
    context: &mut Context<'_>,
    columns: &[Column],
    value: &Value,
) -> anyhow::Result<()> {
    match context.settings.output.value {
        Format::Table => {
            let watch = context.watch();
            let filled = columns.iter().map(|column| (column, column.shown(value, &watch)));
            let mut table = Table::new(context.is_terminal);
            for (column, shown) in filled.filter(|(_, shown)| !shown.is_empty()) {
                table.add(vec![column.name().to_owned().into(), shown]);
            }
            write!(context.out, "{table}")?;
            Ok(())
        }
        Format::Json => json(context, value),
        Format::Jsonl | Format::Csv => {
            list(context, columns, [Ok(value.clone())])?;
            Ok(())
        }
    }
}

/// Writes one JSON document over several lines.
pub(crate) fn json(context: &mut Context<'_>, value: &Value) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *context.out, value)?;
    writeln!(context.out)?;
    Ok(())
}
