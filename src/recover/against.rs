//! What speaks against putting a release back, in words.

use serde_json::Value;

use super::items;
use crate::{
    deployment::{health, taken_back, text, when_and_why},
    instant::Watch,
};

/// All of it, what weighs most first.
pub(super) fn against(candidate: &Value, watch: &Watch) -> Vec<String> {
    let crossed = items(candidate, "/irreversible").iter();
    let crossed = crossed.map(|change| format!("{} (cannot be undone)", change_made(change)));
    let unstated = items(candidate, "/unstated").iter();
    let unstated =
        unstated.map(|change| format!("{} (nobody said whether it can be)", change_made(change)));
    let mut said = objections(candidate, watch);
    said.extend(crossed.chain(unstated));
    said
}

/// What is known of the release itself: that it was taken back, is blamed, was not well, left doubt
/// or is blocked.
pub(crate) fn objections(candidate: &Value, watch: &Watch) -> Vec<String> {
    let fact = |name: &str| candidate.get(name).filter(|fact| fact.is_object());
    let taken_back =
        fact("taken_back_by").map(|rollback| format!("taken back {}", taken_back(rollback, watch)));
    let blamed = fact("blamed").map(|blame| {
        let number = blame.get("number").filter(|number| candidate.get("number") != Some(*number));
        let number = number.map_or_else(String::new, |number| format!(" as #{number}"));
        format!("blamed{number}{}", when_and_why(blame, "reason", watch))
    });
    let unwell = fact("health").filter(|report| text(report, "health") != "healthy");
    let unwell = unwell.map(|report| health(report, watch));
    let doubt = candidate.get("doubt").and_then(Value::as_str).map(|doubt| format!("it {doubt}"));
    let blocked = fact("blocked").map(|block| format!("blocked: {}", text(block, "reason")));
    [taken_back, blamed, unwell, doubt, blocked].into_iter().flatten().collect()
}

/// `1.1 migration-0042 renames a column`.
pub(crate) fn change_made(change: &Value) -> String {
    let words = ["version", "id", "description"].map(|field| text(change, field));
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::instant::Zone;

    fn watch() -> Watch {
        Watch { now: "2026-03-02T12:00:00Z".parse().unwrap(), zone: Zone::named("utc").unwrap() }
    }

    #[test]
    fn what_was_taken_back_comes_first_and_what_cannot_be_undone_last() {
        let at = "2026-03-02T10:00:00Z";
        let candidate = json!({
            "number": 3,
            "irreversible": [{"version": "1.1", "id": "0042", "description": "renames a column"}],
            "unstated": [{"version": "1.1", "id": "0043", "description": null}],
            "blocked": {"reason": "loses orders", "at": at},
            "doubt": "failed on some targets",
            "health": {"health": "degraded", "source": "probes", "detail": "slow", "at": at},
            "blamed": {"number": 2, "reason": "loses orders", "at": at},
            "taken_back_by": {"number": 4, "declared": true, "reason": "3 is bad", "at": at,
                "actor": {"kind": "person", "id": "ann"}},
        });
        let at = "at 2026-03-02 10:00:00 (2h ago)";
        let expected = [
            format!("taken back by #4, by ann, {at}: 3 is bad"),
            format!("blamed as #2, {at}: loses orders"),
            format!("degraded, by probes, {at}: slow"),
            "it failed on some targets".into(),
            "blocked: loses orders".into(),
            "1.1 0042 renames a column (cannot be undone)".into(),
            "1.1 0043 (nobody said whether it can be)".into(),
        ];
        assert_eq!(against(&candidate, &watch()), expected);
        assert_eq!(objections(&candidate, &watch()), expected[..5]);
    }

    #[test]
    fn nothing_speaks_against_a_release_that_is_well() {
        let well = json!({"blocked": null, "taken_back_by": null, "blamed": null, "doubt": null,
            "health": {"health": "healthy", "at": "2026-03-02T10:00:00Z"}});
        assert!(against(&well, &watch()).is_empty());
    }
}
