//! A list that is written while it comes.

use std::io::Write;

use serde_json::Value;

use super::{Column, Format, table::Table};
use crate::{context::Context, instant::Watch};

/// The rest of a list that has begun.
pub(crate) struct Rows<'a> {
    out: &'a mut dyn Write,
    columns: Vec<Column>,
    watch: Watch,
    state: State,
}

enum State {
    /// Its widths are known at the end alone.
    Table(Box<Table>),
    /// Whether an item was written.
    Json(bool),
    Jsonl,
    Csv,
}

impl<'a> Rows<'a> {
    /// Begins a list in the format that was set.
    pub(crate) fn begin(context: &'a mut Context<'_>, columns: &[Column]) -> anyhow::Result<Self> {
        let watch = context.watch();
        let state = match context.settings.output.value {
            Format::Table => {
                let mut table = Table::new(context.is_terminal);
                table.head(columns.iter().map(|column| column.heading(&watch)));
                State::Table(Box::new(table))
            }
            Format::Json => State::Json(false),
            Format::Jsonl => State::Jsonl,
            Format::Csv => {
                write_csv(context.out, columns.iter().map(|column| column.name().to_owned()))?;
                State::Csv
            }
        };
        Ok(Self { out: context.out, columns: columns.to_vec(), watch, state })
    }

    /// Adds an item.
    pub(crate) fn add(&mut self, item: &Value) -> anyhow::Result<()> {
        match &mut self.state {
            State::Table(table) => {
                table.add(
                    self.columns.iter().map(|column| column.shown(item, &self.watch)).collect(),
                );
            }
            State::Json(begun) => {
                self.out.write_all(if *begun { b",\n" } else { b"[\n" })?;
                *begun = true;
                serde_json::to_writer(&mut *self.out, item)?;
            }
            State::Jsonl => {
                serde_json::to_writer(&mut *self.out, item)?;
                writeln!(self.out)?;
            }
            State::Csv => {
                write_csv(self.out, self.columns.iter().map(|column| column.plain(item)))?;
            }
        }
        Ok(())
    }

    /// Ends the list. A table without rows is not written at all.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        match self.state {
            State::Table(table) => write!(self.out, "{table}")?,
            State::Json(true) => self.out.write_all(b"\n]\n")?,
            State::Json(false) => self.out.write_all(b"[]\n")?,
            State::Jsonl | State::Csv => {}
        }
        Ok(self.out.flush()?)
    }

    /// Goes on with comma-separated values whose heading is already written.
    pub(crate) fn resume(context: &'a mut Context<'_>, columns: &[Column]) -> Self {
        let watch = context.watch();
        Self { out: context.out, columns: columns.to_vec(), watch, state: State::Csv }
    }
}

/// Writes a record; a spreadsheet must take no cell for a formula.
fn write_csv(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells.map(|cell| disarm(&cell)))?;
    let record = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(out.write_all(&record)?)
}

fn disarm(cell: &str) -> String {
    // A number stays one: a negative one is no formula.
    let is_number = cell.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_a_number() {
        for (cell, expected) in
            [("-300000", "-300000"), ("-", "'-"), ("--1", "'--1"), ("-1a", "'-1a")]
        {
            assert_eq!(disarm(cell), expected);
        }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_disarmed() {
        let mut out = Vec::new();
        let cells = ["=1+1", "+1", "-1+1", "@x", "a,b", "plain \"q\""].map(String::from);
        write_csv(&mut out, cells.into_iter()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "'=1+1,'+1,'-1+1,'@x,\"a,b\",\"plain \"\"q\"\"\"\r\n");
    }
}
