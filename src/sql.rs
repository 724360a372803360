//! `shiplog sql`: whatever else there is to ask.

mod answer;

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use shiplog_projections::sql;

pub(crate) use self::answer::Answer;
use crate::{
    client::{Client, Path},
    context::Context,
    exit::{Exit, Failure},
    output::Format,
    text_file,
};

/// How often the server may say the same of how far the tables are, every 2 seconds.
const MOST_REPEATED: u32 = 15;

/// Ask in SQL, of the tables `events`, `deployments`, `lanes` and `rollbacks`.
///
/// It is SQLite's SQL, and can only read. The tables are made when somebody asks first, which takes
/// a while where the log is long. `:now` stands for the present, unless it is given with --param.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog sql --schema
  shiplog sql \"SELECT service, version, since FROM lanes WHERE environment = 'production'\"
  shiplog sql --param days=30 \"SELECT actor, count(*) FROM rollbacks
      WHERE requested_at > date(:now, '-' || :days || ' days') GROUP BY actor\"
  shiplog sql --file weekly.sql --output csv > weekly.csv")]
pub(crate) struct Sql {
    /// The query: one statement.
    query: Option<String>,
    /// Read the query from a file; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    /// What a parameter of the query stands for; can be repeated. Whole numbers are numbers.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, Value)>,
    /// The most rows; up to 10,000.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,
    /// Print the tables that can be asked, with what their columns mean.
    #[arg(long, conflicts_with_all = ["query", "file"])]
    schema: bool,
}

fn parameter(text: &str) -> Result<(String, Value), &'static str> {
    sql::parameter(text).ok_or("it is written `name=value`")
}

impl Sql {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { query, file, parameters, limit, schema } = self;
        if schema {
            write!(context.out, "{}", sql::schema())?;
            return Ok(Exit::Success);
        }
        let query = match (query, file) {
            (Some(query), _) => query,
            (None, Some(file)) => text_file::read("the query", &file)?,
            (None, None) => {
                let failure = Failure::usage("there is no query");
                return Err(failure
                    .note("give one, or --file, or --schema to see the tables")
                    .into());
            }
        };
        let parameters: Map<_, _> = parameters.into_iter().collect();
        let body = json!({"query": query, "parameters": parameters, "limit": limit});
        let client = context.client()?;
        if context.settings.output.value == Format::Csv {
            let text = ask(context, &client, &body, "text/csv")?;
            write!(context.out, "{text}")?;
            return Ok(Exit::Success);
        }
        let text = ask(context, &client, &body, "application/json")?;
        let answer: Answer =
            serde_json::from_str(&text).context("the server answered something else")?;
        answer.write(context)?;
        if answer.truncated {
            let note = format!(
                "these are the first {} rows, and there are more: see --limit",
                answer.len()
            );
            context.say(note)?;
        }
        Ok(Exit::Success)
    }
}

/// Asks for as long as the tables get on with being made.
fn ask(
    context: &mut Context<'_>,
    client: &Client,
    body: &Value,
    accept: &str,
) -> anyhow::Result<String> {
    let path = Path::literal("/v1/sql");
    let mut said = None;
    let mut repeated = 0;
    loop {
        let unanswered = match client.ask(&path, body, accept) {
            Ok(text) => return Ok(text),
            Err(unanswered) => unanswered,
        };
        // The server has waited for 2 seconds before it says so.
        let message = unanswered.failure.to_string();
        if !unanswered.is_behind || repeated == MOST_REPEATED {
            return Err(unanswered.failure.into());
        }
        if said.as_ref() == Some(&message) {
            repeated += 1;
        } else {
            context.mention(&message);
            (said, repeated) = (Some(message), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_numbers_and_all_else_is_text() {
        let read = |text: &str| parameter(text).unwrap();
        assert_eq!(read("days=30"), ("days".into(), 30.into()));
        for (text, value) in [(":v=1.10", "1.10"), ("v=007", "007"), ("v=", ""), ("v=a=b", "a=b")] {
            assert_eq!(read(text), ("v".into(), value.into()), "{text}");
        }
        assert!(parameter("days").is_err());
    }
}
