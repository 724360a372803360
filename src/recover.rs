//! `shiplog recover`: all that is known of a failed deployment, and the ways out of it.

mod facts;
mod ways;

use serde_json::Value;

pub(crate) use self::ways::{change_made, quoted};
use crate::{
    client::{Client, deployment_path, lane_path},
    context::Context,
    exit::{Exit, Failure},
    output::{self, Format},
    reference::{Named, Reference, Which},
};

/// Show all that is known of a failed deployment, and the ways out: roll back, roll forward, roll
/// over.
///
/// Nothing is recommended and nothing is done: facts, and for each way the command that takes it.
/// Without a number, of the deployment that failed last or, if all is well, of what runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog recover checkout production
  shiplog recover checkout production 43
  shiplog recover checkout/production#43
  shiplog recover checkout production --output json")]
pub(crate) struct Recover {
    #[command(flatten)]
    named: Named,
}

impl Recover {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let reference = self.named.reference()?;
        let client = context.client()?;
        let number = match reference.which {
            Which::Current => troubled(&client, &reference)?,
            Which::Before(_) | Which::Number(_) | Which::At(_) => {
                reference.number(&client, &context.watch())?
            }
        };
        let path = deployment_path(&reference.service, &reference.environment, number);
        let recovery = client.get(&path.join("recovery"))?.body;
        match context.settings.output.value {
            Format::Table => {
                facts::write(context, &recovery)?;
                ways::write(context, &reference, &recovery)?;
            }
            Format::Json => output::json(context, &recovery)?,
            Format::Jsonl => writeln!(context.out, "{recovery}")?,
            Format::Csv => {
                let message = "the ways out are no table; ask for `--output json`";
                return Err(Failure::usage(message).into());
            }
        }
        Ok(Exit::Success)
    }
}

/// What failed last, if nothing has mended it since; else what runs.
fn troubled(client: &Client, reference: &Reference) -> Result<u64, Failure> {
    let lane = client.get(&lane_path(&reference.service, &reference.environment))?.body;
    let places = [left(&lane), lane.get("last_failed")];
    let found = places.into_iter().flatten().find_map(|place| place.get("number")?.as_u64());
    found.ok_or_else(|| {
        let message = format!("nothing has succeeded or failed in {} yet", reference.lane());
        Failure::new(Exit::Refused, message)
            .note("name a deployment: `shiplog recover SERVICE ENVIRONMENT NUMBER`")
    })
}

/// What a way out leaves: what failed half-way, if something did, else what runs.
pub(crate) fn left(lane: &Value) -> Option<&Value> {
    let is_uncertain = lane.get("uncertain").is_some_and(|why| !why.is_null());
    lane.get(if is_uncertain { "last_failed" } else { "current" })
}

/// The items of a list in an answer.
fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_failed_half_way_is_left_rather_than_what_runs() {
        let (current, failed) = (json!({"number": 42}), json!({"number": 43}));
        let lane = |uncertain: Value| json!({"current": current, "last_failed": failed, "uncertain": uncertain});
        assert_eq!(left(&lane("#43 failed half-way".into())), Some(&failed));
        assert_eq!(left(&lane(Value::Null)), Some(&current));
    }
}
