//! One environment as a table.

use jiff::Timestamp;
use serde_json::Value;

use super::open;
use crate::{
    context::Context,
    deployment::{damage, place, text},
    instant::Watch,
    output::{Column, Kind, Table, printable},
    recover::doubted,
};

/// What is shown of a lane.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("environment", "/environment", Kind::Text),
    Column::new("service", "/service", Kind::Text),
    Column::new("version", "/current/release/version", Kind::Text),
    Column::new("since", "/current/since", Kind::Time),
    Column::new("by", "/current/actor", Kind::Actor),
    Column::new("number", "/current/number", Kind::Text),
    Column::new("marks", "", Kind::Both(plain_marks, shown_marks)),
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
    for line in untold(board) {
        writeln!(context.out, "{}", printable(&line))?;
    }
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

fn plain_marks(lane: &Value) -> String {
    marks(lane, |at| at.to_string())
}

fn shown_marks(lane: &Value, watch: &Watch) -> String {
    marks(lane, |at| watch.show_ahead(at))
}

/// What else is to be known of a lane: that it was rolled back, what is in progress or recorded for
/// later, what failed since, what is uncertain.
fn marks(lane: &Value, show: impl Fn(Timestamp) -> String) -> String {
    let mut marks: Vec<_> = lane.get("damaged").and_then(damage).into_iter().collect();
    let current = lane.pointer("/current/number").and_then(Value::as_u64);
    if current.is_none() {
        marks.push("runs nothing".to_owned());
    }
    if lane.pointer("/current/intent/kind").is_some_and(|kind| kind == "rollback") {
        marks.push("rolled back".to_owned());
    }
    marks.extend(open(lane, None));
    if let Some(upcoming) = brief(lane.get("upcoming")) {
        let from = lane.pointer("/upcoming/since").and_then(Value::as_str);
        let from = from.and_then(|from| from.parse().ok()).map(show).unwrap_or_default();
        marks.push(format!("recorded for {from}: {upcoming}"));
    }
    match (lane.get("uncertain"), brief(lane.get("last_failed"))) {
        (Some(Value::String(why)), _) => {
            let version = version_of(lane, doubted(lane))
                .map(|version| format!(" ({version})"))
                .unwrap_or_default();
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

/// The lanes of a board of which nothing is told, because their first events do not fit.
fn untold(board: &Value) -> Vec<String> {
    let list = |name| board.get(name).and_then(Value::as_array).into_iter().flatten();
    let is_told =
        |one: &&Value| list("lanes").any(|lane| text(lane, "service") == text(one, "service"));
    let untold = list("damaged").filter(|one| !is_told(one));
    untold.filter_map(|one| Some(format!("{}: {}", text(one, "service"), damage(one)?))).collect()
}

/// The version that a deployment put there, if it is one that the lane tells of.
fn version_of(lane: &Value, number: Option<u64>) -> Option<&str> {
    let told = ["last_failed", "current", "in_progress", "queued"].into_iter();
    let mut told = told.filter_map(|field| lane.get(field));
    let one = told.find(|one| number.is_some() && one["number"].as_u64() == number)?;
    one.pointer("/release/version").and_then(Value::as_str)
}

/// `1.5.0 (#43)`.
pub(super) fn brief(deployment: Option<&Value>) -> Option<String> {
    let deployment = deployment.filter(|deployment| deployment.is_object())?;
    let version = deployment.pointer("/release/version").cloned().unwrap_or_default();
    Some(place(&serde_json::json!({"version": version, "number": deployment.get("number")})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marks(lane: &Value) -> String {
        plain_marks(lane)
    }

    fn lane(in_progress: &Value, last_failed: &Value, uncertain: &Value) -> Value {
        json!({
            "current": {"number": 42, "release": {"version": "1.4.2"}},
            "in_progress": in_progress, "last_failed": last_failed, "uncertain": uncertain
        })
    }

    #[test]
    fn marks_say_what_is_in_progress_and_what_failed_since() {
        let open = json!({"number": 44, "release": {"version": "1.5.1"}, "progress": "running"});
        let failed = json!({"number": 43, "release": {"version": "1.5.0"}});
        let none = Value::Null;
        assert_eq!(marks(&lane(&none, &none, &none)), "");
        assert_eq!(marks(&lane(&open, &none, &none)), "running: 1.5.1 (#44)");
        assert_eq!(marks(&lane(&none, &failed, &none)), "failed: 1.5.0 (#43)");
        let uncertain = json!("#43 failed half-way");
        assert_eq!(
            marks(&lane(&none, &failed, &uncertain)),
            "uncertain: #43 failed half-way (1.5.0)"
        );
        // What was cancelled is no longer told of, and what failed before is another one.
        let uncertain = json!("#44 was cancelled half-way");
        assert_eq!(
            marks(&lane(&none, &failed, &uncertain)),
            "uncertain: #44 was cancelled half-way"
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
    fn what_is_recorded_for_later_is_told_with_its_time() {
        let mut lane = lane(&Value::Null, &Value::Null, &Value::Null);
        let since = "2062-03-02T10:00:00Z";
        lane["upcoming"] = json!({"number": 2, "release": {"version": "1.1"}, "since": since});
        assert_eq!(marks(&lane), "recorded for 2062-03-02T10:00:00Z: 1.1 (#2)");
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        let watch = Watch { now, zone: crate::instant::Zone::named("utc").unwrap() };
        assert_eq!(shown_marks(&lane, &watch), "recorded for 2062-03-02: 1.1 (#2)");
    }

    #[test]
    fn a_damaged_lane_says_since_when_and_what_is_wrong_also_where_nothing_else_is_told_of_it() {
        let damage = json!({"position": 4, "problem": "it has version `2` where `1` is due"});
        let lane = json!({"service": "checkout", "current": {"number": 1}, "damaged": damage});
        let said = "damaged since event 4: it has version `2` where `1` is due";
        assert_eq!(marks(&lane), said);
        let damaged = |service: &str| json!({"service": service, "position": 4, "problem": "it has version `2` where `1` is due"});
        let board = json!({"lanes": [lane], "damaged": [damaged("checkout"), damaged("till")]});
        assert_eq!(untold(&board), [format!("till: {said}")]);
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
