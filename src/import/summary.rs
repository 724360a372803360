//! What an import came to.

mod kinds;

use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Value, json};

use self::kinds::{Fold, Kinds};
use super::{change::Change, target::Problem};
use crate::{
    context::Context,
    exit::Exit,
    output::{self, Format, Table},
    progress::per_second,
};

/// How many skipped lines are listed.
const LISTED: usize = 20;

/// Counts of an import.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Lines that were not blank.
    pub(super) lines: u64,
    /// Lines that are in the log now and were not before.
    pub(super) recorded: u64,
    /// Lines that were in the log before, or twice in the file.
    pub(super) known: u64,
    /// Lines whose time was before that of an earlier line of the lane.
    pub(super) clamped: u64,
    malformed: u64,
    refused: u64,
    skipped: Vec<Skip>,
    fold: Fold,
}

/// A line that is not in the log.
#[derive(Debug, Serialize)]
pub(super) struct Skip {
    /// Counted from 1.
    pub(super) line: u64,
    /// Why.
    reason: String,
}

impl Summary {
    /// A line is in the log now.
    pub(super) fn recorded(&mut self, change: &Change) {
        self.recorded += 1;
        self.fold.take(change);
    }

    /// A line was in the log before.
    pub(super) fn known(&mut self, change: &Change) {
        self.known += 1;
        self.fold.take(change);
    }

    /// A line cannot be read.
    pub(super) fn skip(&mut self, line: u64, reason: String) {
        self.malformed += 1;
        self.list(line, reason);
    }

    /// A line was refused.
    pub(super) fn refuse(&mut self, line: u64, problem: Problem) {
        match problem.status {
            400 => self.malformed += 1,
            _ => self.refused += 1,
        }
        self.list(line, problem.detail);
    }

    fn list(&mut self, line: u64, reason: String) {
        if self.skipped.len() < LISTED {
            // What the server refuses is heard of later than what cannot be read here.
            let place = self.skipped.partition_point(|before| before.line < line);
            self.skipped.insert(place, Skip { line, reason });
        }
    }

    #[cfg(test)]
    pub(super) fn skipped(&self) -> &[Skip] {
        &self.skipped
    }

    /// What the changes were.
    #[cfg(test)]
    pub(super) fn kinds(&self) -> Kinds {
        self.fold.kinds
    }

    /// How the command is to end.
    pub(super) fn exit(&self) -> Exit {
        match (self.malformed, self.refused) {
            (0, 0) => Exit::Success,
            (0, _) => Exit::Refused,
            (_, _) => Exit::Usage,
        }
    }

    /// Writes all of it as a result.
    pub(super) fn write(&self, context: &mut Context<'_>, elapsed: Duration) -> anyhow::Result<()> {
        match context.settings.output.value {
            Format::Table => self.write_table(context, elapsed),
            Format::Json => output::json(context, &self.document(elapsed)),
            Format::Jsonl => Ok(writeln!(context.out, "{}", self.document(elapsed))?),
            Format::Csv => self.write_csv(context, elapsed),
        }
    }

    fn counts(&self, elapsed: Duration) -> Vec<(&'static str, u64)> {
        let Kinds { deployments, removals, new, rollback, reapply, restore } = self.fold.kinds;
        vec![
            ("lines", self.lines),
            ("recorded", self.recorded),
            ("known", self.known),
            ("skipped", self.malformed + self.refused),
            ("malformed", self.malformed),
            ("refused", self.refused),
            ("clamped", self.clamped),
            ("deployments", deployments),
            ("removals", removals),
            ("lanes", self.fold.lanes()),
            ("new", new),
            ("rollback", rollback),
            ("reapply", reapply),
            ("restore", restore),
            ("lines_per_second", per_second(self.lines, elapsed)),
        ]
    }

    fn document(&self, elapsed: Duration) -> Value {
        let mut document: serde_json::Map<_, _> = self
            .counts(elapsed)
            .into_iter()
            .map(|(name, count)| (name.into(), count.into()))
            .collect();
        document.insert("seconds".into(), json!(elapsed.as_secs_f64()));
        document.insert("skipped_lines".into(), json!(self.skipped));
        Value::Object(document)
    }

    fn write_csv(&self, context: &mut Context<'_>, elapsed: Duration) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(&mut *context.out);
        writer.write_record(["count", "value"])?;
        for (name, count) in self.counts(elapsed) {
            writer.write_record([name, &count.to_string()])?;
        }
        Ok(writer.flush()?)
    }

    fn write_table(&self, context: &mut Context<'_>, elapsed: Duration) -> anyhow::Result<()> {
        let mut table = Table::new(context.is_terminal);
        for (name, count) in self.counts(elapsed) {
            let (name, note) = (name.replace('_', " "), explain(name));
            table.add(vec![
                name.into(),
                HumanCount(count).to_string().into(),
                note.to_owned().into(),
            ]);
        }
        let seconds = format!("{:.1}", elapsed.as_secs_f64());
        table.add(vec!["seconds".to_owned().into(), seconds.into(), String::new().into()]);
        write!(context.out, "{table}")?;
        for Skip { line, reason } in &self.skipped {
            writeln!(context.out, "line {line}: {}", output::printable(reason))?;
        }
        let unlisted = (self.malformed + self.refused).saturating_sub(LISTED as u64);
        if unlisted > 0 {
            writeln!(context.out, "and {} more", HumanCount(unlisted))?;
        }
        Ok(())
    }
}

/// What a count means, where its name does not say it.
fn explain(name: &str) -> &'static str {
    match name {
        "known" => "already there",
        "skipped" => "not in the log, listed below",
        "clamped" => "earlier than the line before in their lane; its time counts",
        "new" => "versions that a lane had never seen",
        "rollback" => "back to a version that the lane had seen before the one replaced",
        "reapply" => "forward to a version that the lane had seen",
        "restore" => "after a removal, the version that was removed",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_ends_as_its_worst_line() {
        let problem = |status| Problem { status, detail: String::new() };
        let mut summary = Summary::default();
        assert_eq!(summary.exit(), Exit::Success);
        summary.refuse(1, problem(409));
        assert_eq!(summary.exit(), Exit::Refused);
        summary.refuse(2, problem(400));
        assert_eq!(summary.exit(), Exit::Usage);
    }

    #[test]
    fn only_the_first_skipped_lines_are_listed_but_all_are_counted() {
        let mut summary = Summary::default();
        (1..=30).for_each(|line| summary.skip(line, "bad".into()));
        assert_eq!((summary.skipped.len(), summary.malformed), (LISTED, 30));
        let document = summary.document(Duration::from_secs(2));
        assert_eq!(document["skipped"], 30);
        assert_eq!(document["skipped_lines"][0], json!({"line": 1, "reason": "bad"}));
    }
}
