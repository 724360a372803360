//! Aligned columns for people.

use std::fmt;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, presets};

use super::cell::printable;

/// What stands in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Text as it is.
    Plain(String),
    /// A word whose colour says how well it went; the word alone says it too.
    Status(String),
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl Shown {
    /// Whether nothing stands there.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) | Self::Status(text) => text.is_empty(),
        }
    }

    /// The text without its colour.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Plain(text) | Self::Status(text) => text,
        }
    }

    fn into_cell(self) -> Cell {
        match self {
            Self::Plain(text) => Cell::new(printable(&text)),
            Self::Status(text) => {
                let cell = Cell::new(printable(&text));
                match color(&text) {
                    Some(color) => cell.fg(color),
                    None => cell,
                }
            }
        }
    }
}

fn color(status: &str) -> Option<Color> {
    match status {
        "succeeded" | "added" | "recorded" => Some(Color::Green),
        "failed" | "rejected" | "removed" | "blocked" => Some(Color::Red),
        "started" | "requested" | "approved" | "changed" => Some(Color::Yellow),
        _ => None,
    }
}

/// Rows of cells without lines between them.
///
/// Styled always: the stream that it is written to drops the colours where they do not belong.
/// Only on a terminal are long cells wrapped; nothing is ever cut.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table without rows or heading.
    pub(crate) fn new(is_terminal: bool) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).enforce_styling();
        table.style_text_only();
        let arrangement =
            if is_terminal { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
        table.set_content_arrangement(arrangement);
        Self(table)
    }

    /// Puts a heading above the rows.
    pub(crate) fn head(&mut self, heading: impl IntoIterator<Item = String>) {
        let cells = heading.into_iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold));
        self.0.set_header(cells.collect::<Vec<_>>());
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: Vec<Shown>) {
        self.0.add_row(row.into_iter().map(Shown::into_cell).collect::<Vec<_>>());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut table = self.0.clone();
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_ends() {
        let mut table = Table::new(false);
        table.add(vec!["a".to_owned().into(), "long value".to_owned().into()]);
        table.add(vec!["longer".to_owned().into(), String::new().into()]);
        assert_eq!(table.to_string(), "a       long value\nlonger\n");
    }

    #[test]
    fn nothing_is_cut_without_a_terminal() {
        let long = "x".repeat(500);
        let mut table = Table::new(false);
        table.add(vec![long.clone().into()]);
        assert_eq!(table.to_string(), format!("{long}\n"));
    }

    #[test]
    fn a_status_has_a_colour_that_means_something() {
        let mut table = Table::new(false);
        table.add(vec!["a".to_owned().into(), Shown::Status("failed".into())]);
        table.add(vec!["b".to_owned().into(), Shown::Status("succeeded".into())]);
        let text = table.to_string();
        assert!(text.contains("\u{1b}["), "{text:?}");
        assert!(text.lines().all(|line| !line.contains(" \u{1b}[0m")), "{text:?}");
        assert_eq!(color("cancelled"), None);
    }
}
