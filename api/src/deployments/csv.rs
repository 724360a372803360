//! Deployments as a table.

use axum::response::Response;
use shiplog_domain::lane::Intent;
use shiplog_projections::history::Entry;

use crate::{csv_text::table, problem::Problem};

const COLUMNS: [&str; 22] = [
    "service",
    "environment",
    "number",
    "status",
    "intent",
    "classification",
    "version",
    "commit",
    "actor_kind",
    "actor_id",
    "actor_name",
    "reason",
    "requested_at",
    "started_at",
    "finished_at",
    "duration_ms",
    "replaced_number",
    "replaced_version",
    "error",
    "url",
    "labels",
    "taken_back_by",
];

/// One row a deployment.
pub(super) fn deployments(entries: &[Entry]) -> Result<Response, Problem> {
    table(COLUMNS, entries.iter().map(row))
}

fn row(entry: &Entry) -> [String; COLUMNS.len()] {
    let Entry { lane, deployment, actor, classification, replaced, taken_back, position: _ } =
        entry;
    let (requested, release) = (&deployment.requested, deployment.release());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let labels: Vec<_> =
        requested.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [
        lane.service.to_string(),
        lane.environment.to_string(),
        deployment.number().0.to_string(),
        deployment.status().as_str().into(),
        intent(deployment.intent()).into(),
        classification.as_str().into(),
        release.version.to_string(),
        text(&release.commit),
        word(&actor.kind),
        actor.id.clone(),
        text(&actor.name),
        text(&requested.reason),
        requested.at.to_string(),
        shown(deployment.started.as_ref().map(|started| started.at)),
        shown(deployment.finished_at()),
        shown(deployment.duration_ms()),
        shown(replaced.as_ref().map(|place| place.number.0)),
        shown(replaced.as_ref().map(|place| &place.version)),
        deployment.failure.as_ref().and_then(|failure| failure.error.clone()).unwrap_or_default(),
        text(&requested.url),
        labels.join("; "),
        shown(taken_back.as_ref().map(|rollback| rollback.number.0)),
    ]
}

/// What there is, or an empty cell.
pub(crate) fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A word as it is on the wire.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    text.and_then(|text| text.as_str().map(Into::into)).unwrap_or_default()
}

fn intent(intent: &Intent) -> &'static str {
    match intent {
        Intent::Deploy => "deploy",
        Intent::Rollback { .. } => "rollback",
        Intent::RollForward { .. } => "roll_forward",
        Intent::Retry { .. } => "retry",
        Intent::Unknown => "unknown",
    }
}
