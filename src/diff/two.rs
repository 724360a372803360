//! Any two deployments of a service, side by side.

use serde_json::{Value, json};

use crate::{
    client::deployment_path,
    context::Context,
    deployment::changes,
    exit::{Exit, Failure},
    instant::show_duration,
    output::{self, Column, Format, Kind},
    reference::Reference,
};

const COLUMNS: [Column; 3] = [
    Column::new("of", "/of", Kind::Text),
    Column::new("from", "/from", Kind::Text),
    Column::new("to", "/to", Kind::Text),
];

/// Compares the first deployment with the second, each as people name it.
pub(super) fn compare(context: &mut Context<'_>, from: &str, to: &str) -> anyhow::Result<Exit> {
    let read = |text: &str| text.parse::<Reference>().map_err(Failure::usage);
    let (from, to) = (read(from)?, read(to)?);
    if from.service != to.service {
        let message = format!("`{}` and `{}` are two services", from.service, to.service);
        return Err(Failure::usage(message).note("give two deployments of one service").into());
    }
    let (client, watch) = (context.client()?, context.watch());
    let (earlier, number) = (from.number(&client, &watch)?, to.number(&client, &watch)?);
    let path = deployment_path(&to.service, &to.environment, number)
        .join("changes")
        .with("against", &format!("{}/{earlier}", from.environment));
    let answer = client.get(&path)?.body;
    if context.settings.output.value == Format::Json {
        output::json(context, &answer)?;
    } else {
        output::list(context, &COLUMNS, rows(&answer).into_iter().map(Ok))?;
    }
    context.out.flush()?;
    Ok(Exit::Success)
}

/// One row for each thing that is told of both, and for each that is not the same.
fn rows(answer: &Value) -> Vec<Value> {
    let row = |of: &str, from: Value, to: Value| json!({"of": of, "from": from, "to": to});
    let text = |pointer: &str| answer.pointer(pointer).cloned().unwrap_or_default();
    let both = |of: &str, field: &str| {
        row(of, text(&format!("/asked/from/{field}")), text(&format!("/asked/to/{field}")))
    };
    let between = text("/between_ms").as_i64().map_or_else(String::new, |ms| {
        format!("{} {}", show_duration(ms.unsigned_abs()), if ms < 0 { "earlier" } else { "later" })
    });
    let mut rows = vec![
        both("environment", "environment"),
        row("number", text("/from/number"), text("/to/number")),
        row("version", text("/from/version"), text("/to/version")),
        row("commit", text("/commits/from"), text("/commits/to")),
        both("status", "status"),
        both("by", "actor/id"),
        both("requested", "requested_at"),
        row("apart", Value::Null, between.into()),
    ];
    for (what, pointer) in [("artifact", "/artifacts"), ("configuration", "/configuration")] {
        for one in items(answer, pointer) {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            let side = |side: &str| one.get(side).cloned().unwrap_or_default();
            rows.push(row(&format!("{what} {name}"), side("from"), side("to")));
        }
    }
    for release in items(answer, "/taken_out") {
        rows.push(row("taken out", release_told(release), Value::Null));
    }
    for release in items(answer, "/releases") {
        rows.push(row("comes in", Value::Null, release_told(release)));
    }
    rows
}

/// `1.2: ticket T-12`.
fn release_told(release: &Value) -> Value {
    let version = release.get("version").and_then(Value::as_str).unwrap_or_default();
    let said = changes(release.get("changes").unwrap_or(&Value::Null));
    if said.is_empty() { version.into() } else { format!("{version}: {said}").into() }
}

fn items<'v>(answer: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    answer.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
