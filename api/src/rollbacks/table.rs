//! The audit as a table: a row each.

use shiplog_projections::{history::Place, rollbacks::Rollback};

use super::shape;
use crate::deployments::{shown, word};

pub(super) const COLUMNS: [&str; 26] = [
    "service",
    "environment",
    "number",
    "declared",
    "status",
    "from_number",
    "from_version",
    "to_number",
    "to_version",
    "reverts",
    "reason",
    "actor_kind",
    "actor_id",
    "actor_via",
    "requested_at",
    "finished_at",
    "ran_for_ms",
    "to_request_ms",
    "to_end_ms",
    "approved_by",
    "override",
    "override_reason",
    "irreversible",
    "shown",
    "fate",
    "reverts_count",
];

pub(super) fn row(rollback: &Rollback) -> [String; COLUMNS.len()] {
    let (entry, deployment) = (&rollback.entry, &rollback.entry.deployment);
    let number = |place: &Option<Place>| shown(place.as_ref().map(|one| one.number.0));
    let version = |place: &Option<Place>| shown(place.as_ref().map(|one| &one.version));
    let crosses = deployment.requested.crosses.as_ref();
    let rails = crosses.map(|crosses| crosses.rails.iter().map(|rail| rail.as_str().into()));
    let irreversible = rollback.irreversible.iter().map(ToString::to_string);
    [
        entry.lane.service.to_string(),
        entry.lane.environment.to_string(),
        deployment.number().0.to_string(),
        rollback.declared.to_string(),
        deployment.status().as_str().into(),
        number(&rollback.from),
        version(&rollback.from),
        number(&rollback.to),
        version(&rollback.to),
        joined(rollback.reverts.iter().map(|one| one.number.0.to_string()), " "),
        deployment.requested.reason.clone().unwrap_or_default(),
        word(&entry.actor.kind),
        entry.actor.id.clone(),
        word(&entry.actor.via),
        deployment.requested.at.to_string(),
        shown(deployment.finished_at()),
        shown(rollback.ran_for_ms),
        shown(rollback.to_request_ms()),
        shown(rollback.to_end_ms()),
        joined(deployment.approvals.iter().map(|one| one.by.clone()), " "),
        joined(rails.into_iter().flatten(), " "),
        crosses.map(|crosses| crosses.reason.clone()).unwrap_or_default(),
        joined(irreversible, "; "),
        shown(rollback.shown),
        rollback.afterwards.as_ref().map(|one| shape::word(one.fate()).into()).unwrap_or_default(),
        rollback.reverts_count.to_string(),
    ]
}

fn joined(words: impl Iterator<Item = String>, with: &str) -> String {
    words.collect::<Vec<_>>().join(with)
}
