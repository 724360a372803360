//! A deployment as the server tells of it.

mod found;

use serde_json::{Map, Value};

use self::found::{blame, brief_marks, marks, other_marks};
pub(crate) use self::found::{health, taken_back, when_and_why};
use crate::{
    context::Context,
    instant::Watch,
    output::{self, Column, Format, Kind, printable},
    recover::{change_made, quoted},
    reference::named,
};

/// `damaged since event 4: it has version 2 where 1 is due`; nothing where all events fit.
pub(crate) fn damage(damaged: &Value) -> Option<String> {
    let position = damaged.get("position").and_then(Value::as_u64)?;
    Some(format!("damaged since event {position}: {}", text(damaged, "problem")))
}

fn damage_told(damaged: &Value) -> String {
    damage(damaged).unwrap_or_default()
}

/// What a list of deployments shows.
pub(crate) const COLUMNS: [Column; 12] = [
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
    Column::new("marks", "", Kind::Made(brief_marks)),
];

/// What is shown of one deployment.
pub(crate) const DETAILS: [Column; 39] = [
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("version", "/release/version", Kind::Text),
    Column::new("commit", "/release/commit", Kind::Text),
    Column::new("status", "/status", Kind::Status),
    Column::new("progress", "", Kind::Made(waiting)),
    Column::new("taken back", "/taken_back_by", Kind::Both(number, taken_back)),
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
    Column::new("marks", "", Kind::Both(marks, other_marks)),
    Column::new("lane", "/damaged", Kind::Made(damage_told)),
    Column::new("blamed", "", Kind::Both(is_blamed, blame)),
    Column::new("health", "/health", Kind::Both(health_word, health)),
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
    Column::new("changes", "", Kind::Both(own_changes, brought)),
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

fn number(place: &Value) -> String {
    place
        .get("number")
        .and_then(Value::as_u64)
        .map_or_else(String::new, |number| number.to_string())
}

fn health_word(report: &Value) -> String {
    text(report, "health").to_owned()
}

fn is_blamed(deployment: &Value) -> String {
    deployment.get("blamed").and_then(Value::as_bool).unwrap_or_default().to_string()
}

fn own_changes(deployment: &Value) -> String {
    changes(deployment.pointer("/release/changes").unwrap_or(&Value::Null))
}

/// What came in with a deployment. What goes back to an earlier version brings nothing: the changes
/// of that were there before.
fn brought(deployment: &Value, _: &Watch) -> String {
    let goes_back = deployment["classification"] == "rollback";
    if goes_back { String::new() } else { own_changes(deployment) }
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

/// `waiting for approval (0 of 1)`, while a deployment is.
fn waiting(deployment: &Value) -> String {
    let count = |field: &str| deployment.get(field).and_then(Value::as_u64).unwrap_or_default();
    if missing(deployment).is_empty() {
        return String::new();
    }
    let needed = count("approvals_needed");
    let given = needed.saturating_sub(count("approvals_missing"));
    format!("waiting for approval ({given} of {needed})")
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
            let waits = waiting(deployment);
            let progress = if waits.is_empty() { status } else { &waits };
            context.say(format!("{service} {version} in {environment}: {progress}"))?;
            if leaves_doubt(deployment) {
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

/// Whether nobody knows what a deployment left: it failed, was cut short after it had begun, or
/// worked and some of its targets did not.
fn leaves_doubt(deployment: &Value) -> bool {
    let targets = deployment.get("targets").and_then(Value::as_array);
    let targets = || targets.into_iter().flatten().map(|target| text(target, "status"));
    match text(deployment, "status") {
        "failed" => true,
        "succeeded" => targets().any(|status| status != "succeeded"),
        "cancelled" | "rejected" => {
            !deployment["started_at"].is_null() || targets().next().is_some()
        }
        _ => false,
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
    fn doubt_is_left_by_what_failed_or_was_cut_short_after_it_had_begun() {
        let ended = |status: &str, started_at: Value, targets: Value| {
            leaves_doubt(&json!({"status": status, "started_at": started_at, "targets": targets}))
        };
        let (began, some) = (json!("2026-03-02T10:00:00Z"), json!([{"target": "eu"}]));
        assert!(ended("failed", Value::Null, json!([])));
        assert!(ended("cancelled", began.clone(), json!([])));
        assert!(ended("cancelled", Value::Null, some));
        assert!(ended("succeeded", Value::Null, json!([{"target": "eu", "status": "failed"}])));
        assert!(!ended("cancelled", Value::Null, json!([])));
        assert!(!ended("succeeded", began, json!([])));
    }

    #[test]
    fn what_waits_for_people_says_how_many_have_agreed() {
        let mut asked = json!({"status": "requested", "approvals_needed": 2,
            "approvals_missing": 1});
        assert_eq!(waiting(&asked), "waiting for approval (1 of 2)");
        asked["approvals_missing"] = 0.into();
        assert_eq!(waiting(&asked), "");
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        let body = body([("reason", Some(json!("x"))), ("url", None)]);
        assert_eq!(Value::Object(body), json!({"reason": "x"}));
    }
}
