//! `shiplog status`: what runs where, now or at any instant.

mod board;
mod open;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    client::{Client, Path, path},
    context::Context,
    deployment::text,
    exit::{Exit, Failure},
    output::{self, Format, Rows},
};

pub(crate) use self::{
    board::{COLUMNS, freeze, write_board},
    open::open,
};

/// Show what runs where, since when, put there by whom.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog status production
  shiplog status --service checkout
  shiplog status production --at 2026-11-01T12:00Z
  shiplog status production --at 2h --known-at 1h")]
pub(crate) struct Status {
    /// Which environment; all of them by default.
    environment: Option<String>,
    /// What ran then: RFC 3339, a date, or how long ago (`2h`, `3d`).
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Only from what was known then: reports that came later do not count.
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// Only this service.
    #[arg(long)]
    service: Option<String>,
}

impl Status {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { environment, at, known_at, service } = self;
        let at = at.map(|at| context.instant("--at", &at)).transpose()?;
        let known_at = known_at.map(|at| context.instant("--known-at", &at)).transpose()?;
        let client = context.client()?;
        let names = match &environment {
            Some(name) => vec![name.clone()],
            None => names(&client)?,
        };
        let mut boards = Vec::new();
        for name in names {
            let path = path(&["v1", "environments", &name])
                .with_some("at", at.as_deref())
                .with_some("known_at", known_at.as_deref());
            let mut board = client.whole(&path, "lanes")?;
            keep(&mut board, service.as_deref());
            if matches!(context.settings.output.value, Format::Table | Format::Csv) {
                forget_what_came(&mut board, context.now);
            }
            boards.push(board);
        }
        let is_past = at.is_some() || known_at.is_some();
        write(context, &boards, environment.is_some(), is_past)?;
        if boards.iter().filter_map(lanes).all(Vec::is_empty) {
            context.say(nothing(service.as_deref(), is_past))?;
        }
        Ok(Exit::Success)
    }
}

fn names(client: &Client) -> Result<Vec<String>, Failure> {
    let environments = client.all_items(&Path::literal("/v1/environments"))?;
    Ok(environments.iter().map(|one| text(one, "environment").to_owned()).collect())
}

/// The lanes of an environment.
fn lanes(board: &Value) -> Option<&Vec<Value>> {
    board.get("lanes").and_then(Value::as_array)
}

/// Says of an empty answer why it is empty.
fn nothing(service: Option<&str>, is_past: bool) -> String {
    match (service, is_past) {
        (Some(service), false) => format!("nothing is recorded here of service {service}"),
        (Some(service), true) => format!("nothing was recorded here of service {service} then"),
        (None, true) => "nothing was recorded here then".into(),
        (None, false) => {
            "nothing is recorded here; begin with `shiplog deploy checkout production 1.0.0`".into()
        }
    }
}

/// Drops the lanes of other services.
fn keep(board: &mut Value, service: Option<&str>) {
    if let (Some(service), Some(lanes)) =
        (service, board.get_mut("lanes").and_then(Value::as_array_mut))
    {
        lanes.retain(|lane| text(lane, "service") == service);
    }
}

/// Of the past, everything later is recorded for later: only what is still to come is worth a mark.
fn forget_what_came(board: &mut Value, now: Timestamp) {
    for lane in board.get_mut("lanes").and_then(Value::as_array_mut).into_iter().flatten() {
        let since = lane.pointer("/upcoming/since").and_then(Value::as_str);
        let since = since.and_then(|since| since.parse::<Timestamp>().ok());
        if since.is_some_and(|since| since <= now)
            && let Some(upcoming) = lane.get_mut("upcoming")
        {
            upcoming.take();
        }
    }
}

fn write(
    context: &mut Context<'_>,
    boards: &[Value],
    is_single: bool,
    is_past: bool,
) -> anyhow::Result<()> {
    match (context.settings.output.value, boards) {
        (Format::Json, [board]) if is_single => output::json(context, board)?,
        (Format::Json, boards) => output::json(context, &Value::Array(boards.to_vec()))?,
        (Format::Jsonl | Format::Csv, boards) => {
            let mut rows = Rows::begin(context, &COLUMNS)?;
            for lane in boards.iter().filter_map(lanes).flatten() {
                rows.add(lane)?;
            }
            rows.end()?;
        }
        (Format::Table, boards) => {
            for (index, board) in boards.iter().enumerate() {
                if index > 0 {
                    writeln!(context.out)?;
                }
                write_board(context, board, is_past)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_later_is_no_news_and_what_is_to_come_is() {
        let upcoming = |since: &str| json!({"number": 2, "since": since});
        let mut board = json!({"lanes": [
            {"upcoming": upcoming("2026-03-02T10:00:00Z")},
            {"upcoming": upcoming("2062-03-02T10:00:00Z")},
            {"upcoming": null}
        ]});
        forget_what_came(&mut board, "2026-03-02T12:00:00Z".parse().unwrap());
        let told: Vec<_> =
            board["lanes"].as_array().unwrap().iter().map(|one| &one["upcoming"]).collect();
        assert_eq!(told, [&Value::Null, &upcoming("2062-03-02T10:00:00Z"), &Value::Null]);
    }

    #[test]
    fn other_services_are_dropped() {
        let mut board = json!({"lanes": [{"service": "a"}, {"service": "b"}]});
        keep(&mut board, None);
        assert_eq!(board["lanes"].as_array().unwrap().len(), 2);
        keep(&mut board, Some("b"));
        assert_eq!(board, json!({"lanes": [{"service": "b"}]}));
    }
}
