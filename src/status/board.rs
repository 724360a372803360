//! One environment as a table.

use serde_json::Value;

use crate::{
    context::Context,
    deployment::{place, text},
    output::{Column, Kind, Table, printable},
};

/// What is shown of a lane.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("environment", "/environment", Kind::Text),
    Column::new("service", "/service", Kind::Text),
    Column::new("version", "/current/release/version", Kind::Text),
    Column::new("since", "/current/since", Kind::Time),
    Column::new("by", "/current/actor", Kind::Actor),
    Column::new("number", "/current/number", Kind::Text),
    Column::new("marks", "", Kind::Made(marks)),
];

/// Writes an environment's name, what was declared of it, and its lanes.
pub(crate) fn write_board(
    context: &mut Context<'_>,
    board: &Value,
    is_past: bool,
) -> anyhow::Result<()> {
    let watch = context.watch();
    let shown = |field| text(board, field).parse().map(|instant| watch.show(instant)).ok();
    let (name, tier) = (text(board, "environment"), text(board, "tier"));
    let is_named_so = tier.is_empty() || tier == name;
    let mut title = vec![if is_named_so { name.to_owned() } else { format!("{name} ({tier})") }];
    if is_past {
        title.extend(shown("at").map(|at| format!("as of {at}")));
        title.extend(shown("known_at").map(|known_at| format!("as known {known_at}")));
    }
    let frozen = board.get("frozen").filter(|frozen| !frozen.is_null());
    title.extend(frozen.map(|frozen| format!("frozen: {}", freeze(frozen))));
    writeln!(context.out, "{}", printable(&title.join(", ")))?;

    let columns = COLUMNS.iter().skip(1);
    let mut table = Table::new(context.is_terminal);
    table.head(columns.clone().map(|column| column.heading(&watch)));
    for lane in board.get("lanes").and_then(Value::as_array).into_iter().flatten() {
        table.add(columns.clone().map(|column| column.shown(lane, &watch)).collect());
    }
    write!(context.out, "{table}")?;
    Ok(())
}

/// `release week, until 2026-11-20T08:00:00Z`.
pub(crate) fn freeze(frozen: &Value) -> String {
    let reason = text(frozen, "reason");
    match text(frozen, "until") {
        "" => reason.to_owned(),
        until => format!("{reason}, until {until}"),
    }
}

/// What else is to be known of a lane: that it was rolled back, what is in progress, what failed since, what is uncertain.
fn marks(lane: &Value) -> String {
    let mut marks = Vec::new();
    let current = lane.pointer("/current/number").and_then(Value::as_u64);
    if current.is_none() {
        marks.push("runs nothing".to_owned());
    }
    if lane.pointer("/current/intent/kind").is_some_and(|kind| kind == "rollback") {
        marks.push("rolled back".to_owned());
    }
    if let Some(open) = brief(lane.get("in_progress")) {
        marks.push(format!("in progress: {open}"));
    }
    match (lane.get("uncertain"), brief(lane.get("last_failed"))) {
        (Some(Value::String(why)), _) => {
            let version = lane.pointer("/last_failed/release/version").and_then(Value::as_str);
            let version = version.map(|version| format!(" ({version})")).unwrap_or_default();
            marks.push(format!("uncertain: {why}{version}"));
        }
        (_, Some(failed)) => {
            let number = lane.pointer("/last_failed/number").and_then(Value::as_u64);
            if number > current {
                marks.push(format!("failed: {failed}"));
            }
        }
        (_, None) => {}
    }
    marks.join("; ")
}

/// `1.5.0 (#43)`.
fn brief(deployment: Option<&Value>) -> Option<String> {
    let deployment = deployment.filter(|deployment| deployment.is_object())?;
    let version = deployment.pointer("/release/version").cloned().unwrap_or_default();
    Some(place(&serde_json::json!({"version": version, "number": deployment.get("number")})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lane(in_progress: &Value, last_failed: &Value, uncertain: &Value) -> Value {
        json!({
            "current": {"number": 42, "release": {"version": "1.4.2"}},
            "in_progress": in_progress, "last_failed": last_failed, "uncertain": uncertain
        })
    }

    #[test]
    fn marks_say_what_is_in_progress_and_what_failed_since() {
        let open = json!({"number": 44, "release": {"version": "1.5.1"}});
        let failed = json!({"number": 43, "release": {"version": "1.5.0"}});
        let none = Value::Null;
        assert_eq!(marks(&lane(&none, &none, &none)), "");
        assert_eq!(marks(&lane(&open, &none, &none)), "in progress: 1.5.1 (#44)");
        assert_eq!(marks(&lane(&none, &failed, &none)), "failed: 1.5.0 (#43)");
        let uncertain = json!("#43 failed half-way");
        assert_eq!(
            marks(&lane(&none, &failed, &uncertain)),
            "uncertain: #43 failed half-way (1.5.0)"
        );
    }

    #[test]
    fn a_failure_before_what_runs_is_past() {
        let failed = json!({"number": 41, "release": {"version": "1.4.1"}});
        assert_eq!(marks(&lane(&Value::Null, &failed, &Value::Null)), "");
    }

    #[test]
    fn a_lane_that_was_rolled_back_says_so() {
        let current = json!({"number": 42, "intent": {"kind": "rollback", "restores": 38}});
        assert_eq!(marks(&json!({"current": current, "last_failed": null})), "rolled back");
    }

    #[test]
    fn a_lane_that_runs_nothing_says_so() {
        let lane = json!({"current": null, "in_progress": null, "last_failed": null});
        assert_eq!(marks(&lane), "runs nothing");
    }

    #[test]
    fn a_freeze_has_a_reason_and_perhaps_an_end() {
        assert_eq!(freeze(&json!({"reason": "peak", "until": null})), "peak");
        let frozen = json!({"reason": "peak", "until": "2026-12-01T00:00:00Z"});
        assert_eq!(freeze(&frozen), "peak, until 2026-12-01T00:00:00Z");
    }
}
