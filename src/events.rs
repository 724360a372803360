//! `shiplog events`: the log, by position or as it grows.

mod follow;

use serde_json::Value;

use crate::{
    context::Context,
    exit::Exit,
    history::DEFAULT_LIMIT,
    output::{self, Column, Kind},
};

const COLUMNS: [Column; 7] = [
    Column::new("position", "/position", Kind::Text),
    Column::new("recorded", "/recorded_at", Kind::Time),
    Column::new("stream", "/stream", Kind::Text),
    Column::new("version", "/version", Kind::Text),
    Column::new("event", "/type", Kind::Text),
    Column::new("target", "", Kind::Made(target_or_damage)),
    Column::new("by", "/actor", Kind::Actor),
];

/// List events as the log holds them, oldest first.
///
/// With --follow it never ends: each new event is written as it is recorded, and a lost
/// connection is taken up again where it broke off.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog events --after 1834 --output jsonl
  shiplog events --follow")]
pub(crate) struct Events {
    /// Only those after this position.
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// How many at most; without --follow 50 by default.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// All there are.
    #[arg(long, conflicts_with_all = ["limit", "follow"])]
    all: bool,
    /// Go on with what is recorded from now on, or after the position that was given.
    #[arg(long, short)]
    follow: bool,
}

impl Events {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { after, limit, all, follow } = self;
        let after = after.map(|after| after.to_string());
        if follow {
            return follow::run(context, after, limit);
        }
        let limit = if all { None } else { Some(limit.unwrap_or(DEFAULT_LIMIT)) };
        let client = context.client()?;
        let mut pages = client.events(after, limit);
        let mut last = String::new();
        let items = pages.by_ref().inspect(|item| {
            if let Ok(item) = item {
                last = item.get("position").map(Value::to_string).unwrap_or_default();
            }
        });
        let count = output::list(context, &COLUMNS, items)?;
        if count == 0 {
            context.say("there are no events there")?;
        } else if pages.has_more() {
            context.say(format!("there are more: go on with --after {last}"))?;
        }
        Ok(Exit::Success)
    }
}

/// What an event is about or, where it cannot be read, why not.
fn target_or_damage(event: &Value) -> String {
    let damage = event.get("unreadable").and_then(Value::as_str).map(ToOwned::to_owned);
    damage.or_else(|| target(event.get("data")?)).unwrap_or_default()
}

/// Which deployment of its stream an event is about, and which target of it: `#42 eu-west-1`.
fn target(data: &Value) -> Option<String> {
    let number = data.get("number").and_then(Value::as_u64);
    let number = number.map(|number| format!("#{number}"));
    let target = data.get("target").and_then(Value::as_str).map(ToOwned::to_owned);
    let words: Vec<_> = number.into_iter().chain(target).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
