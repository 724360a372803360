//! Decisions that would have differed as a table: a row each.

use shiplog_projections::what_if::Difference;

use crate::deployments::{shown, word};

pub(super) const COLUMNS: [&str; 13] = [
    "requested_at",
    "service",
    "environment",
    "number",
    "version",
    "actor_kind",
    "actor_id",
    "reported",
    "rule",
    "was",
    "would_be",
    "code",
    "detail",
];

pub(super) fn row(difference: &Difference) -> [String; COLUMNS.len()] {
    let Difference { lane, number, version, at, actor, reported, code, detail, .. } = difference;
    [
        at.to_string(),
        lane.service.to_string(),
        lane.environment.to_string(),
        number.0.to_string(),
        version.to_string(),
        word(&actor.kind),
        actor.id.clone(),
        reported.to_string(),
        difference.rule.as_str().into(),
        difference.was.as_str().into(),
        difference.would_be.as_str().into(),
        shown(*code),
        detail.clone(),
    ]
}
