//! `shiplog rollbacks`: the rollback audit.

use clap::{ValueEnum as _, builder::PossibleValue};
use serde_json::Value;

use crate::{
    client::Path,
    context::Context,
    deployment::{approvals, crossed},
    exit::Exit,
    history::{Filter, PageArgs, pages},
    output::{Column, Kind},
    recover::change_made,
};

const COLUMNS: [Column; 16] = [
    Column::new("requested", "/requested_at", Kind::Time),
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("from", "/from/version", Kind::Text),
    Column::new("from number", "/from/number", Kind::Text),
    Column::new("to", "/to/version", Kind::Text),
    Column::new("to number", "/to/number", Kind::Text),
    Column::new("declared", "/declared", Kind::Made(declared)),
    Column::new("status", "/status", Kind::Status),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("reason", "/reason", Kind::Text),
    Column::new("approved by", "/approvals", Kind::Made(approvals)),
    Column::new("crossed", "/override", Kind::Made(crossed)),
    Column::new("irreversible", "", Kind::Made(irreversible)),
    Column::new("afterwards", "/fate", Kind::Word(fate)),
];

/// List rollbacks: who took back what, when and why.
///
/// A rollback is declared if somebody asked for one, and inferred if an earlier version simply
/// came back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog rollbacks --environment production --since 30d
  shiplog rollbacks --service checkout --report > checkout-rollbacks.md")]
pub(crate) struct Rollbacks {
    #[command(flatten)]
    filter: Filter,
    /// Only those that somebody asked for, or only those that took place without a word.
    #[arg(long, value_name = "BOOL")]
    declared: Option<bool>,
    /// Only those that are: requested, started, succeeded, failed, cancelled, rejected.
    #[arg(long)]
    status: Option<String>,
    /// As is known now, corrections and all, or as it was recorded first.
    #[arg(long, value_enum, default_value_t = Account::Corrected)]
    account: Account,
    /// Write a report to print, in Markdown.
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    page: PageArgs,
}

/// Whose account of a rollback counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Account {
    /// As is known now.
    Corrected,
    /// As it was recorded first.
    Reported,
}

impl Rollbacks {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let declared = self.declared.map(|declared| declared.to_string());
        let account = self.account.to_possible_value();
        let path = self
            .filter
            .onto(Path::literal("/v1/rollbacks"), context)?
            .with_some("declared", declared.as_deref())
            .with_some("status", self.status.as_deref())
            .with_some("account", account.as_ref().map(PossibleValue::get_name));
        if self.report {
            let limit = self.page.limit().unwrap_or(MOST).min(MOST).to_string();
            let path = path.with("format", "report").with("limit", &limit);
            let report = context.client()?.get_text(&path)?;
            write!(context.out, "{report}")?;
            return Ok(Exit::Success);
        }
        pages(context, path, &self.page, &COLUMNS)
    }
}

/// The most rollbacks that one report has.
const MOST: u64 = 1_000;

/// What was crossed for good, and whether whoever asked knew.
fn irreversible(rollback: &Value) -> String {
    let changes = rollback.get("irreversible").and_then(Value::as_array).into_iter().flatten();
    let changes: Vec<_> = changes.map(change_made).collect();
    match rollback.get("shown").and_then(Value::as_bool) {
        Some(false) => format!("{} (not shown)", changes.join("; ")),
        Some(true) | None => changes.join("; "),
    }
}

/// What became of what was taken back: `abandoned` says no more than that it did not come back yet.
fn fate(word: &str) -> String {
    match word {
        "abandoned" => "not redeployed yet".into(),
        "deployed_again" => "redeployed".into(),
        other => other.replace('_', " "),
    }
}

fn declared(value: &Value) -> String {
    if value.as_bool() == Some(true) { "declared".into() } else { "inferred".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_come_back_yet_is_not_called_abandoned() {
        let words = ["abandoned", "deployed_again", "fixed"].map(fate);
        assert_eq!(words, ["not redeployed yet", "redeployed", "fixed"]);
        assert_eq!(fate(""), "");
    }
}
