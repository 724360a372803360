//! `shiplog diff`: what is not the same at two instants, or of two deployments.

mod two;

use serde_json::Value;

use crate::{
    client::path,
    context::Context,
    deployment::reconfigured,
    exit::Exit,
    output::{self, Column, Format, Kind},
};

const COLUMNS: [Column; 9] = [
    Column::new("change", "/change", Kind::Status),
    Column::new("service", "/service", Kind::Text),
    Column::new("from", "/from/version", Kind::Text),
    Column::new("from number", "/from/number", Kind::Text),
    Column::new("to", "/to/version", Kind::Text),
    Column::new("to number", "/to/number", Kind::Text),
    Column::new("since", "/to/since", Kind::Time),
    Column::new("configuration", "/configuration", Kind::Made(reconfigured)),
    Column::new("content", "", Kind::Made(content)),
];

/// Compare what ran in an environment at two instants, or any two deployments of a service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog diff production 24h
  shiplog diff production 2026-11-01 2026-11-02T18:00
  shiplog diff checkout/staging#12 checkout/production#41
  shiplog diff checkout/production~1 checkout/production")]
pub(crate) struct Diff {
    /// Which environment, or the first of two deployments (`checkout/staging#12`).
    #[arg(value_name = "ENVIRONMENT|DEPLOYMENT")]
    environment: String,
    /// The first instant: RFC 3339, a date, or how long ago (`2h`, `3d`); or the second deployment.
    #[arg(value_name = "FROM|DEPLOYMENT")]
    from: String,
    /// The second instant; now unless it is given.
    to: Option<String>,
}

impl Diff {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { environment, from, to } = self;
        // No instant holds a slash, and a deployment always does.
        if from.contains('/') && to.is_none() {
            return two::compare(context, &environment, &from);
        }
        let to = to.as_deref().unwrap_or("now");
        let path = path(&["v1", "environments", &environment, "diff"])
            .with("from", &context.instant("FROM", &from)?)
            .with("to", &context.instant("TO", to)?);
        let mut answer = context.client()?.whole(&path, "items")?;
        match context.settings.output.value {
            Format::Json => output::json(context, &answer)?,
            Format::Table | Format::Jsonl | Format::Csv => {
                let items = answer.get_mut("items").map(Value::take);
                let Some(Value::Array(items)) = items else { return Ok(Exit::Success) };
                let items = items.into_iter().map(|item| Ok(lift(item)));
                if output::list(context, &COLUMNS, items)? == 0 {
                    context.say("nothing changed")?;
                }
            }
        }
        context.out.flush()?;
        Ok(Exit::Success)
    }
}

/// Who and since when stand beside the change, or within what it led to.
fn lift(mut item: Value) -> Value {
    for field in ["actor", "since"] {
        let inner = item.get("to").and_then(|to| to.get(field)).cloned();
        if let (Some(inner), Value::Object(fields)) = (inner, &mut item) {
            fields.entry(field).or_insert(inner);
        }
    }
    item
}

/// What differs in the content of a version that is the same: `commit 3f2c9ab → 77aa01c`.
fn content(item: &Value) -> String {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
    if text("/from/version").is_none() || text("/from/version") != text("/to/version") {
        return String::new();
    }
    let commits = (text("/from/commit"), text("/to/commit"));
    if let (Some(from), Some(to)) = commits
        && !from.starts_with(to)
        && !to.starts_with(from)
    {
        return format!("commit {from} → {to}");
    }
    // Only another content is a change. If neither commit nor configuration differs, artifacts do.
    let configuration = item.get("configuration").and_then(Value::as_array);
    let is_configured_alike = configuration.is_none_or(Vec::is_empty);
    if is_configured_alike { "other artifacts".into() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_that_is_the_same_says_what_its_content_differs_in() {
        let ran =
            |version: &str, commit: Option<&str>| json!({"version": version, "commit": commit});
        let item = |from: Value, to: Value| json!({"from": from, "to": to, "configuration": null});
        let moved = item(ran("main", Some("1111111")), ran("main", Some("2222222")));
        assert_eq!(content(&moved), "commit 1111111 → 2222222");
        let rebuilt = item(ran("main", None), ran("main", None));
        assert_eq!(content(&rebuilt), "other artifacts");
        assert_eq!(content(&item(ran("1.0", None), ran("1.1", None))), "");
        assert_eq!(content(&item(Value::Null, ran("1.1", None))), "");
        let mut configured = rebuilt;
        configured["configuration"] = json!([{"name": "app.yaml", "from": "a", "to": "b"}]);
        assert_eq!(content(&configured), "");
    }

    #[test]
    fn since_when_is_found_in_both_places() {
        let beside = lift(json!({"since": "a", "to": {"since": "b"}}));
        let within = lift(json!({"to": {"since": "b"}}));
        assert_eq!((&beside["since"], &within["since"]), (&json!("a"), &json!("b")));
        assert_eq!(lift(json!({"to": null})), json!({"to": null}));
    }
}
