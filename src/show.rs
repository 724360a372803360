//! `shiplog show`: all of one deployment.

use serde_json::Value;

use crate::{
    client::{Client, deployment_path, lane_path},
    context::Context,
    deployment::{DETAILS, first_line, name, text, write_output},
    exit::Exit,
    output::{self, Column, Format, Kind},
    recover::{doubted, left, quoted, write_releases},
    reference::{Named, Reference},
};

const EVENTS: [Column; 4] = [
    Column::new("at", "/data/at", Kind::Time),
    Column::new("event", "/type", Kind::Text),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("what", "/data", Kind::Made(what)),
];

/// Show all of one deployment, and what happened to it.
///
/// `shiplog recover` shows the ways out of one that failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog show checkout/production          (what runs)
  shiplog show checkout/production~1        (what ran before that)
  shiplog show checkout/production#42
  shiplog show checkout/production@2h       (what ran two hours ago)")]
pub(crate) struct Show {
    #[command(flatten)]
    named: Named,
}

impl Show {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let reference = self.named.reference()?;
        let client = context.client()?;
        let number = reference.number(&client, &context.watch())?;
        let path = deployment_path(&reference.service, &reference.environment, number);
        let mut deployment = client.get(&path)?.body;
        let events = client.all_items(&path.clone().join("events"))?;
        match context.settings.output.value {
            Format::Table => {
                output::one(context, &DETAILS, &deployment)?;
                write_output(context, text(&deployment, "error"))?;
                write_taken_out(context, &client.get(&path.join("changes"))?.body)?;
                writeln!(context.out)?;
                output::list(context, &EVENTS, events.into_iter().map(Ok))?;
                point_out(context, &client, &reference, &deployment)?;
            }
            Format::Json | Format::Jsonl | Format::Csv => {
                if let Value::Object(fields) = &mut deployment {
                    fields.insert("events".into(), events.into());
                }
                output::one(context, &DETAILS, &deployment)?;
            }
        }
        Ok(Exit::Success)
    }
}

/// Tells what a deployment takes out again, where it goes back to an earlier release.
fn write_taken_out(context: &mut Context<'_>, changes: &Value) -> anyhow::Result<()> {
    let taken_out = changes.get("taken_out").and_then(Value::as_array);
    let Some(taken_out) = taken_out.filter(|taken_out| !taken_out.is_empty()) else {
        return Ok(());
    };
    writeln!(context.out, "\ntaken out:")?;
    write_releases(context, taken_out)
}

/// Says where the ways out are told of, if this deployment left the lane in doubt, or runs and is
/// not well.
fn point_out(
    context: &mut Context<'_>,
    client: &Client,
    reference: &Reference,
    deployment: &Value,
) -> anyhow::Result<()> {
    let lane = client.get(&lane_path(&reference.service, &reference.environment))?.body;
    let number = deployment.get("number").and_then(Value::as_u64);
    let health = deployment.pointer("/health/health").and_then(Value::as_str);
    let is_bad = deployment["blamed"] == true || health.is_some_and(|health| health != "healthy");
    if number == if is_bad { left(&lane) } else { doubted(&lane) } {
        let name = quoted(&name(deployment));
        writeln!(context.out, "\nthe ways out: shiplog recover {name}")?;
    }
    Ok(())
}

/// What an event says beside its time, in a line.
fn what(data: &Value) -> String {
    let fields =
        ["target", "error", "failed_step", "reason", "text", "comment", "executor", "log_url"];
    let said = fields.into_iter().map(|field| first_line(text(data, field)));
    let said = said.filter(|text| !text.is_empty());
    said.collect::<Vec<_>>().join("; ")
}
