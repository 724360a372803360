//! Which of the deployments that have not ended a step is for, where none is named.

use serde_json::Value;

/// What a step does to a deployment that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It lets it begin, or keeps it from that: for what waits.
    Begin,
    /// It says how it went: for what runs, if anything does.
    End,
    /// It calls it off, and could mean either.
    Cancel,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    Nothing,
    One(u64),
    Several,
}

impl Step {
    /// Finds it in a lane.
    pub(super) fn meant(self, lane: &Value) -> Meant {
        let number = |field: &str| lane.get(field)?.get("number")?.as_u64();
        let waiting = lane.get("queued_count").and_then(Value::as_u64).unwrap_or_default();
        let is_running = lane.pointer("/in_progress/progress") == Some(&"running".into());
        let Some(first) = number("in_progress") else { return Meant::Nothing };
        match (self, waiting) {
            (_, 0) => Meant::One(first),
            (Self::End, _) if is_running => Meant::One(first),
            (Self::Begin, 1) if is_running => number("queued").map_or(Meant::Several, Meant::One),
            (Self::Begin | Self::End | Self::Cancel, _) => Meant::Several,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_for_the_one_deployment_that_it_can_be_for() {
        let lane = |progress: &str, waiting: u64| {
            let queued = if waiting > 0 { json!({"number": 5}) } else { Value::Null };
            json!({"in_progress": {"number": 4, "progress": progress}, "queued": queued,
                "queued_count": waiting})
        };
        let all =
            |lane: &Value| [Step::Begin, Step::End, Step::Cancel].map(|step| step.meant(lane));
        let (four, five, several) = (Meant::One(4), Meant::One(5), Meant::Several);
        assert_eq!(all(&json!({"in_progress": null})), [Meant::Nothing; 3]);
        assert_eq!(all(&lane("running", 0)), [four; 3]);
        assert_eq!(all(&lane("requested", 0)), [four; 3]);
        assert_eq!(all(&lane("running", 1)), [five, four, several]);
        assert_eq!(all(&lane("running", 2)), [several, four, several]);
        assert_eq!(all(&lane("requested", 1)), [several; 3]);
    }
}
