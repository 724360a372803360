//! A deployment as the server tells of it.

use serde_json::{Map, Value};

use crate::{
    context::Context,
    output::{self, Column, Format, Kind, printable},
    recover::{change_made, quoted},
    reference::named,
};

/// What a list of deployments shows.
pub(crate) const COLUMNS: [Column; 11] = [
    Column::new("requested", "/requested_at", Kind::Time),
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("version", "/release/version", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("intent", "/intent/kind", Kind::Text),
    Column::new("kind", "/classification", Kind::Text),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("took", "/duration_ms", Kind::Duration),
    Column::new("reason", "/reason", Kind::Text),
];

/// What is shown of one deployment.
pub(crate) const DETAILS: [Column; 35] = [
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("version", "/release/version", Kind::Text),
    Column::new("commit", "/release/commit", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("intent", "/intent", Kind::Made(intent)),
    Column::new("kind", "/classification", Kind::Text),
    Column::new("by", "/actor", Kind::Actor),
    Column::new("reason", "/reason", Kind::Text),
    Column::new("replaced", "/replaced", Kind::Made(place)),
    Column::new("requested", "/requested_at", Kind::Time),
    Column::new("started", "/started_at", Kind::Time),
    Column::new("finished", "/finished_at", Kind::Time),
    Column::new("took", "/duration_ms", Kind::Duration),
    Column::new("error", "/error", Kind::Lines),
    Column::new("failed step", "/failed_step", Kind::Text),
    Column::new("ended because", "/ended_because", Kind::Text),
    Column::new("marks", "", Kind::Made(marks)),
    Column::new("health", "/health/health", Kind::Text),
    Column::new("targets", "/targets", Kind::Made(targets)),
    Column::new("approved by", "/approvals", Kind::Made(approvals)),
    Column::new("approvals missing", "", Kind::Made(missing)),
    Column::new("crossed", "/override", Kind::Made(crossed)),
    Column::new("was shown", "/acknowledged", Kind::Made(shown)),
    Column::new("notes", "/notes", Kind::Made(notes)),
    Column::new("executor", "/executor", Kind::Text),
    Column::new("log url", "/log_url", Kind::Text),
    Column::new("url", "/url", Kind::Text),
    Column::new("external id", "/external_id", Kind::Text),
    Column::new("labels", "/labels", Kind::Labels),
    Column::new("artifacts", "/release/artifacts", Kind::Made(artifacts)),
    Column::new("configuration", "/configuration", Kind::Labels),
    Column::new("changes", "/release/changes", Kind::Made(changes)),
    Column::new("release notes", "/release/notes", Kind::Text),
];

/// `rollback, restores #38, reverts #41 #40`.
fn intent(value: &Value) -> String {
    let mut words = vec![text(value, "kind").to_owned()];
    for field in ["restores", "reverts", "mends", "of"] {
        let numbers: Vec<_> = match value.get(field) {
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_u64).collect(),
            Some(one) => one.as_u64().into_iter().collect(),
            None => Vec::new(),
        };
        if !numbers.is_empty() {
            let numbers: Vec<_> = numbers.iter().map(|number| format!("#{number}")).collect();
            words.push(format!("{field} {}", numbers.join(" ")));
        }
    }
    words.join(", ")
}

/// `1.4.2 (#41)`.
pub(crate) fn place(value: &Value) -> String {
    let version = text(value, "version");
    match value.get("number").and_then(Value::as_u64) {
        Some(number) => format!("{version} (#{number})"),
        None => version.to_owned(),
    }
}

/// What a deployment was found to be afterwards.
fn marks(deployment: &Value) -> String {
    let marks = ["contradicted", "void", "blamed"].into_iter();
    let marks: Vec<_> = marks.filter(|mark| deployment[*mark] == true).collect();
    marks.join(", ")
}

/// Each item of a list in its words, one after the other.
fn each(value: &Value, words: impl Fn(&Value) -> String) -> String {
    let items: Vec<_> = value.as_array().into_iter().flatten().map(words).collect();
    items.join("; ")
}

fn targets(value: &Value) -> String {
    each(value, |one| {
        let words = [text(one, "target"), text(one, "status"), first_line(text(one, "error"))];
        words.join(" ").trim_end().to_owned()
    })
}

pub(crate) fn approvals(value: &Value) -> String {
    each(value, |one| text(one, "by").to_owned())
}

/// How many people still have to agree, while that matters.
fn missing(deployment: &Value) -> String {
    match deployment.get("approvals_missing").and_then(Value::as_u64) {
        Some(count) if count > 0 && text(deployment, "status") == "requested" => count.to_string(),
        Some(_) | None => String::new(),
    }
}

/// `freeze, approvals: orders are lost`.
pub(crate) fn crossed(value: &Value) -> String {
    let rails = value.get("rails").and_then(Value::as_array).into_iter().flatten();
    let rails: Vec<_> = rails.filter_map(Value::as_str).collect();
    format!("{}: {}", rails.join(", "), text(value, "reason"))
}

/// The irreversible changes that whoever asked knew of.
fn shown(value: &Value) -> String {
    each(value, change_made)
}

fn notes(value: &Value) -> String {
    each(value, |one| text(one, "text").to_owned())
}

/// `image sha256:0a1b (application/x-tar)`, one after the other.
pub(crate) fn artifacts(value: &Value) -> String {
    each(value, |one| {
        let named = [text(one, "name"), text(one, "digest")].join(" ");
        match text(one, "mediaType") {
            "" => named,
            sort => format!("{named} ({sort})"),
        }
    })
}

/// `app.yaml 0a1b → 77ff`, one after the other.
pub(crate) fn reconfigured(value: &Value) -> String {
    let digest = |one: &Value, field: &str| match text(one, field) {
        "" => "nothing".to_owned(),
        digest => digest.to_owned(),
    };
    each(value, |one| {
        format!("{} {} → {}", text(one, "name"), digest(one, "from"), digest(one, "to"))
    })
}

/// `migration 0042 (cannot be undone)`, one after the other.
pub(crate) fn changes(value: &Value) -> String {
    each(value, |change| {
        let words = [text(change, "kind"), text(change, "id"), text(change, "description")];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mark = if change["reversible"] == false { " (cannot be undone)" } else { "" };
        format!("{}{mark}", words.join(" "))
    })
}

/// How something failed, in a line.
pub(crate) fn first_line(error: &str) -> &str {
    error.lines().next().unwrap_or_default()
}

/// Writes what stands below that line: the end of the output of whatever failed.
pub(crate) fn write_output(context: &mut Context<'_>, error: &str) -> anyhow::Result<()> {
    let lines: Vec<_> = error.lines().skip(1).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(context.out, "\nthe end of its output:")?;
    for line in lines {
        writeln!(context.out, "{}", format!("  {}", printable(line)).trim_end())?;
    }
    Ok(())
}

/// The text in a field, or nothing.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What commands call a deployment: `checkout/production#42`, `checkout/review%2Ffeature-x#1`.
///
/// Reads back as the same deployment, whatever the names hold: see [`named`].
pub(crate) fn name(deployment: &Value) -> String {
    let number = deployment.get("number").and_then(Value::as_u64).unwrap_or_default();
    let lane = named(text(deployment, "service"), text(deployment, "environment"));
    format!("{lane}#{number}")
}

/// Writes what became of a deployment: its name for scripts, a sentence for people.
pub(crate) fn announce(context: &mut Context<'_>, deployment: &Value) -> anyhow::Result<()> {
    for warning in deployment.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        context.mention(format!("warning: {}", text(warning, "detail")));
    }
    match context.settings.output.value {
        Format::Table => {
            let name = name(deployment);
            writeln!(context.out, "{}", printable(&name))?;
            let version = deployment.pointer("/release/version").and_then(Value::as_str);
            let status = text(deployment, "status");
            let (version, environment) =
                (version.unwrap_or_default(), text(deployment, "environment"));
            let service = text(deployment, "service");
            let waits = missing(deployment);
            let waits = if waits.is_empty() { waits } else { format!(", needs {waits} to agree") };
            context.say(format!("{service} {version} in {environment}: {status}{waits}"))?;
            if status == "failed" {
                let name = quoted(&name);
                context.say(format!("what is known, and the ways out: shiplog recover {name}"))?;
            }
            Ok(())
        }
        Format::Json => output::json(context, deployment),
        Format::Jsonl | Format::Csv => {
            output::list(context, &COLUMNS, [Ok(deployment.clone())])?;
            Ok(())
        }
    }
}

/// The fields that have a value, as a request's body.
pub(crate) fn body<'f>(
    fields: impl IntoIterator<Item = (&'f str, Option<Value>)>,
) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_intent_says_what_it_restores_and_reverts() {
        let value = json!({"kind": "rollback", "restores": 38, "reverts": [41, 40, 39]});
        assert_eq!(intent(&value), "rollback, restores #38, reverts #41 #40 #39");
        assert_eq!(intent(&json!({"kind": "deploy"})), "deploy");
    }

    #[test]
    fn a_change_that_cannot_be_undone_says_so() {
        let value = json!([
            {"kind": "migration", "id": "0042", "reversible": false},
            {"kind": "fix", "description": "rounding", "reversible": null}
        ]);
        assert_eq!(changes(&value), "migration 0042 (cannot be undone); fix rounding");
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        let body = body([("reason", Some(json!("x"))), ("url", None)]);
        assert_eq!(Value::Object(body), json!({"reason": "x"}));
    }
}
