//! `shiplog recover`: all that is known of a failed deployment, and the ways out of it.

mod against;
mod command;
mod facts;
mod ways;

use serde_json::Value;

pub(crate) use self::{
    against::{change_made, objections},
    command::quoted,
    facts::write_releases,
};
use crate::{
    client::{deployment_path, lane_path},
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
        let lane = client.get(&lane_path(&reference.service, &reference.environment))?.body;
        let number = match reference.which {
            Which::Current => troubled(&lane, &reference)?,
            Which::Before(_) | Which::Number(_) | Which::At(_) => {
                reference.number(&client, &context.watch())?
            }
        };
        let path = deployment_path(&reference.service, &reference.environment, number);
        let recovery = client.get(&path.join("recovery"))?.body;
        match context.settings.output.value {
            Format::Table => {
                facts::write(context, &lane, &recovery)?;
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

/// What left the lane in doubt, if something did; else what runs, or else what failed last.
fn troubled(lane: &Value, reference: &Reference) -> Result<u64, Failure> {
    let failed = || lane.pointer("/last_failed/number").and_then(Value::as_u64);
    left(lane).or_else(failed).ok_or_else(|| {
        let message = format!("nothing has succeeded or failed in {} yet", reference.lane());
        Failure::new(Exit::Refused, message)
            .note("name a deployment: `shiplog recover SERVICE ENVIRONMENT NUMBER`")
    })
}

/// What a way out leaves: what left the lane in doubt, if something did, else what runs.
pub(crate) fn left(lane: &Value) -> Option<u64> {
    doubted(lane).or_else(|| lane.pointer("/current/number").and_then(Value::as_u64))
}

/// The deployment that left the lane in doubt, with which the reason for that begins:
/// `#43 failed half-way`.
pub(crate) fn doubted(lane: &Value) -> Option<u64> {
    let why = lane.get("uncertain").and_then(Value::as_str)?;
    why.split_whitespace().next()?.strip_prefix('#')?.parse().ok()
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
    fn what_left_the_lane_in_doubt_is_left_rather_than_what_runs() {
        let lane = |uncertain: Value| json!({"current": {"number": 42}, "last_failed": {"number": 41}, "uncertain": uncertain});
        assert_eq!(left(&lane("#43 failed half-way".into())), Some(43));
        assert_eq!(left(&lane("#44 was cancelled half-way".into())), Some(44));
        assert_eq!(left(&lane(Value::Null)), Some(42));
        assert_eq!(doubted(&lane(Value::Null)), None);
    }
}
