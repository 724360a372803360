//! The call that takes a way out, whole: it can be sent as it is.

use serde::Serialize;
use serde_json::{Value, json};
use shiplog_domain::{lane::LaneId, release::Manifest};
use shiplog_projections::history::Entry;
use utoipa::ToSchema;

use crate::{
    deployments::{MAX_SHOWN, PATH},
    shapes::{IrreversibleShape, Release},
};

/// A request that takes one of the ways out. With the answer's `ETag` as its `If-Match` it is refused
/// if the lane has changed since.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Call {
    /// Always `POST`.
    method: &'static str,
    path: &'static str,
    /// The reason is a fact; put your own in its place.
    #[schema(value_type = Object)]
    body: Value,
}

/// What every way out of a deployment has in common.
pub(super) struct Caller<'a> {
    lane: &'a LaneId,
    number: u32,
    reason: String,
}

impl<'a> Caller<'a> {
    pub(super) fn new(entry: &'a Entry) -> Self {
        let deployment = &entry.deployment;
        let (number, version) = (deployment.number(), &deployment.release().version);
        let error = deployment.failure.as_ref().and_then(|failure| failure.error.as_deref());
        let said = error.map_or_else(String::new, |error| format!(": {error}"));
        let reason = format!("{number} ({version}) {}{said}", deployment.status().as_str());
        let reason = reason.chars().take(1_000).collect();
        Self { lane: &entry.lane, number: number.0, reason }
    }

    /// Puts an earlier deployment's release back; says which irreversible changes are shown.
    pub(super) fn roll_back(&self, to: u32, shown: &[IrreversibleShape]) -> Call {
        let shown = shown.get(..MAX_SHOWN).unwrap_or(shown);
        let shown = (!shown.is_empty()).then(|| ("acknowledged", json!(shown)));
        self.post(json!({ "kind": "rollback", "to": to }), shown)
    }

    /// Puts a newer release there.
    pub(super) fn roll_forward(&self, release: &Manifest) -> Call {
        let release = ("release", json!(Release::from(release)));
        self.post(json!({ "kind": "roll_forward", "mends": self.number }), Some(release))
    }

    /// Tries the same again.
    pub(super) fn retry(&self) -> Call {
        self.post(json!({ "kind": "retry", "of": self.number }), None)
    }

    fn post(&self, intent: Value, more: Option<(&str, Value)>) -> Call {
        let fields = [
            ("service", json!(self.lane.service)),
            ("environment", json!(self.lane.environment)),
            ("intent", intent),
            ("reason", json!(self.reason)),
        ];
        let fields = fields.into_iter().chain(more);
        let body = fields.map(|(name, value)| (name.to_owned(), value)).collect();
        Call { method: "POST", path: PATH, body: Value::Object(body) }
    }
}
