//! `shiplog show`: all of one deployment.

use serde_json::Value;

use crate::{
    client::{Client, deployment_path, lane_path},
    context::Context,
    deployment::{DETAILS, first_line, text, write_output},
    exit::Exit,
    output::{self, Column, Format, Kind},
    recover::{left, quoted},
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
        let events = client.items(&path.join("events"))?;
        match context.settings.output.value {
            Format::Table => {
                output::one(context, &DETAILS, &deployment)?;
                write_output(context, text(&deployment, "error"))?;
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

/// Says where the ways out are told of, if the lane stands as this deployment left it.
fn point_out(
    context: &mut Context<'_>,
    client: &Client,
    reference: &Reference,
    deployment: &Value,
) -> anyhow::Result<()> {
    if text(deployment, "status") != "failed" {
        return Ok(());
    }
    let lane = client.get(&lane_path(&reference.service, &reference.environment))?.body;
    let number = deployment.get("number").cloned().unwrap_or_default();
    if left(&lane).and_then(|left| left.get("number")) == Some(&number) {
        let lane = format!("{} {}", quoted(&reference.service), quoted(&reference.environment));
        writeln!(context.out, "\nthe ways out: shiplog recover {lane} {number}")?;
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
