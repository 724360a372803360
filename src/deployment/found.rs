//! What was found of a deployment afterwards: that it was taken back, does harm, or is not well.

use serde_json::Value;

use super::text;
use crate::{instant::Watch, output::actor};

/// `by #4, by ann, at 2026-03-02 10:05:00 (2h ago): 3 is bad`, of a deployment's `taken_back_by`.
pub(crate) fn taken_back(rollback: &Value, watch: &Watch) -> String {
    let number = rollback.get("number").cloned().unwrap_or_default();
    let inferred = if rollback["declared"] == false { " (inferred)" } else { "" };
    let by = rollback.get("actor").map(actor).filter(|by| !by.is_empty());
    let by = by.map_or_else(String::new, |by| format!(", by {by}"));
    format!("by #{number}{inferred}{by}{}", when_and_why(rollback, "reason", watch))
}

/// `unhealthy, by probes, at 2026-03-02 10:05:00 (2h ago): error rate 4 %`.
pub(crate) fn health(report: &Value, watch: &Watch) -> String {
    let source = match text(report, "source") {
        "" => String::new(),
        source => format!(", by {source}"),
    };
    format!("{}{source}{}", text(report, "health"), when_and_why(report, "detail", watch))
}

/// `at 2026-03-02 10:05:00 (2h ago): loses orders`, where a deployment is blamed and not cleared.
pub(super) fn blame(deployment: &Value, watch: &Watch) -> String {
    if deployment["blamed"] != true {
        return String::new();
    }
    let corrections = deployment.get("corrections").and_then(Value::as_array);
    let mut newest_first = corrections.into_iter().flatten().rev();
    let blame = newest_first.find(|one| one.pointer("/correction/kind") == Some(&"blamed".into()));
    let said = blame.map(|blame| when_and_why(blame, "reason", watch)).unwrap_or_default();
    match said.trim_start_matches(", ") {
        "" => "yes".into(),
        said => said.into(),
    }
}

/// `, at 2026-03-02 10:05:00 (2h ago): loses orders`, as far as it was said.
pub(crate) fn when_and_why(value: &Value, why: &str, watch: &Watch) -> String {
    let at = text(value, "at").parse().map(|at| format!(", at {}", watch.show(at)));
    let why = match text(value, why) {
        "" => String::new(),
        why => format!(": {why}"),
    };
    at.unwrap_or_default() + &why
}

/// What is to be known at once of a deployment in a list.
pub(super) fn brief_marks(deployment: &Value) -> String {
    let taken_back = deployment.pointer("/taken_back_by/number");
    let taken_back = taken_back.map(|number| format!("taken back by #{number}"));
    let is_rollback = deployment["classification"] == "rollback";
    let is_declared = deployment.pointer("/intent/kind") == Some(&"rollback".into());
    let took_effect = deployment["status"] == "succeeded" && deployment["void"] != true;
    let inferred =
        (is_rollback && !is_declared && took_effect).then(|| "inferred rollback".to_owned());
    let found = marks(deployment);
    let found = (!found.is_empty()).then_some(found);
    taken_back.into_iter().chain(inferred).chain(found).collect::<Vec<_>>().join(", ")
}

/// What reports and corrections made of a deployment.
pub(super) fn marks(deployment: &Value) -> String {
    marked(deployment, &["contradicted", "void", "blamed"])
}

/// As [`marks`], beside the line that tells of the blame.
pub(super) fn other_marks(deployment: &Value, _: &Watch) -> String {
    marked(deployment, &["contradicted", "void"])
}

fn marked(deployment: &Value, marks: &[&str]) -> String {
    let marks: Vec<_> = marks.iter().copied().filter(|mark| deployment[*mark] == true).collect();
    marks.join(", ")
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
    fn a_deployment_that_was_taken_back_says_by_what_by_whom_when_and_why() {
        let mut rollback = json!({"number": 4, "declared": true, "reason": "3 is bad",
            "actor": {"kind": "person", "id": "ann"}, "at": "2026-03-02T10:00:00Z"});
        let at = "at 2026-03-02 10:00:00 (2h ago)";
        assert_eq!(taken_back(&rollback, &watch()), format!("by #4, by ann, {at}: 3 is bad"));
        rollback["declared"] = false.into();
        rollback["reason"] = Value::Null;
        assert_eq!(taken_back(&rollback, &watch()), format!("by #4 (inferred), by ann, {at}"));
    }

    #[test]
    fn blame_is_told_until_it_is_cleared() {
        let blamed = json!({"correction": {"kind": "blamed"}, "reason": "loses orders",
            "at": "2026-03-02T10:00:00Z"});
        let mut deployment = json!({"blamed": true, "corrections": [blamed]});
        let said = blame(&deployment, &watch());
        assert_eq!(said, "at 2026-03-02 10:00:00 (2h ago): loses orders");
        deployment["blamed"] = false.into();
        assert_eq!(blame(&deployment, &watch()), "");
    }

    #[test]
    fn a_list_marks_what_was_taken_back_and_what_nobody_called_a_rollback() {
        let back = json!({"classification": "rollback", "intent": {"kind": "deploy"},
            "status": "succeeded",
            "taken_back_by": {"number": 5}, "blamed": true});
        assert_eq!(brief_marks(&back), "taken back by #5, inferred rollback, blamed");
        let declared = json!({"classification": "rollback", "intent": {"kind": "rollback"},
            "taken_back_by": null});
        assert_eq!(brief_marks(&declared), "");
    }
}
