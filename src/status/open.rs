//! What of a lane has not ended, in the words of how far it has come.

use serde_json::Value;

use super::board::brief;
use crate::deployment::text;

/// `running: 2 (#2)`, `queued: 3 (#3)`, `1 more waits`: what is in progress, and what waits beside it.
///
/// `but` is the number of a deployment that is told of elsewhere.
pub(crate) fn open(lane: &Value, but: Option<&Value>) -> Vec<String> {
    let both = ["in_progress", "queued"].into_iter().filter_map(|field| lane.get(field));
    let both = both.filter(|one| but.is_none() || one.get("number") != but);
    let both = both.filter_map(|one| Some(format!("{}: {}", progress(one), brief(Some(one))?)));
    let waiting = lane.get("queued_count").and_then(Value::as_u64).unwrap_or_default();
    let more = match waiting.saturating_sub(1) {
        0 => None,
        1 => Some("1 more waits".to_owned()),
        more => Some(format!("{more} more wait")),
    };
    both.chain(more).collect()
}

/// `running`, or `waiting for approval (0 of 1)`.
fn progress(open: &Value) -> String {
    let progress = match text(open, "progress") {
        // A server that is older says no more than that.
        "" => "in progress",
        progress => progress,
    };
    let count = |pointer: &str| open.pointer(pointer).and_then(Value::as_u64);
    match (count("/approvals/given"), count("/approvals/needed")) {
        (Some(given), Some(needed)) => format!("{progress} ({given} of {needed})"),
        (_, _) => progress.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(number: u64, progress: &str) -> Value {
        json!({"number": number, "release": {"version": number.to_string()}, "progress": progress})
    }

    #[test]
    fn what_runs_and_what_waits_are_both_told() {
        let mut lane = json!({"in_progress": one(2, "running"), "queued": null, "queued_count": 0});
        assert_eq!(open(&lane, None), ["running: 2 (#2)"]);
        lane["queued"] = one(4, "queued");
        lane["queued_count"] = 1.into();
        assert_eq!(open(&lane, None), ["running: 2 (#2)", "queued: 4 (#4)"]);
        assert_eq!(open(&lane, Some(&json!(2))), ["queued: 4 (#4)"]);
        lane["queued_count"] = 2.into();
        assert_eq!(open(&lane, None), ["running: 2 (#2)", "queued: 4 (#4)", "1 more waits"]);
        lane["queued_count"] = 4.into();
        assert_eq!(open(&lane, None).last().unwrap(), "3 more wait");
    }

    #[test]
    fn what_waits_for_people_says_how_many_have_agreed() {
        let mut asked = one(2, "waiting for approval");
        asked["approvals"] = json!({"given": 0, "needed": 1});
        let lane = json!({"in_progress": asked});
        assert_eq!(open(&lane, None), ["waiting for approval (0 of 1): 2 (#2)"]);
    }
}
