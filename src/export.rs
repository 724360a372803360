//! `shiplog export`: the history or the whole log, to keep or to take elsewhere.

mod changes;

use serde_json::Value;

use self::changes::Fold;
use crate::{
    context::Context,
    deployment::text,
    exit::{Exit, Failure},
};

/// Write the history or the whole log as JSON lines.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write one line for each deployment and removal, as `shiplog import changes` reads them.
    ///
    /// The lines are in the order in which things happened. Deployments that were cancelled,
    /// rejected, declared void or never begun are left out, and so is what the format has no field for:
    /// several times of one deployment, approvals, targets, health, notes.
    #[command(after_help = "Example:\n  shiplog export changes | gzip > changes.jsonl.gz")]
    Changes,
    /// Write every event as the log holds it, one a line.
    #[command(after_help = "Example:\n  shiplog export events --after 1834 > events.jsonl")]
    Events {
        /// Only those after this position.
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
    },
}

impl Export {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let after = match &self.what {
            What::Changes => None,
            What::Events { after } => after.map(|after| after.to_string()),
        };
        let client = context.client()?;
        let events = client.events(after, None).map(|event| readable(event?));
        match self.what {
            What::Changes => changes(context, events),
            What::Events { .. } => {
                for event in events {
                    write_line(context, &event?)?;
                }
                Ok(Exit::Success)
            }
        }
    }
}

/// An event, unless the log only says that it cannot be read: what follows would lack it unnoticed.
fn readable(event: Value) -> anyhow::Result<Value> {
    let Some(problem) = event.get("unreadable").and_then(Value::as_str) else { return Ok(event) };
    let position = event.get("position").and_then(Value::as_u64).unwrap_or_default();
    let stream = match text(&event, "stream") {
        "" => String::new(),
        stream => format!(" of `{stream}`"),
    };
    let message = format!("event {position}{stream} is damaged: {problem}");
    Err(Failure::new(Exit::Failure, message)
        .note("the export ends before it; docs/damage.md says how it is mended")
        .into())
}

fn changes(
    context: &mut Context<'_>,
    events: impl Iterator<Item = anyhow::Result<Value>>,
) -> anyhow::Result<Exit> {
    let mut fold = Fold::default();
    for event in events {
        fold.take(&event?);
    }
    let (lines, left_out) = fold.into_lines();
    for line in &lines {
        write_line(context, line)?;
    }
    if left_out > 0 {
        context.say(format!(
            "{left_out} left out: never begun, cancelled, rejected or declared void"
        ))?;
    }
    Ok(Exit::Success)
}

fn write_line(context: &mut Context<'_>, value: &Value) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *context.out, value)?;
    writeln!(context.out)?;
    Ok(())
}
