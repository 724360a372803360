//! What pages say of streams whose events do not all fit.

use askama::{Template, filters::HtmlSafe};
use shiplog_domain::lane::LaneId;
use shiplog_projections::models::Model;

use super::parts::counted;
use crate::{
    damage::{DamagedShape, LaneDamage},
    query::encode,
};

/// The event of a lane that does not fit, in words.
#[derive(Clone, Debug, Template)]
#[template(
    source = r#"<span aria-hidden="true">✕</span> Damaged since <a href="{{ event }}">event {{ position }}</a>: {{ problem }}"#,
    ext = "html"
)]
pub(super) struct Damaged {
    position: u64,
    problem: String,
    /// Where the log shows the event.
    event: String,
}

impl HtmlSafe for Damaged {}

impl Damaged {
    /// What is wrong with a lane, if something is.
    pub(super) fn of(model: &Model, lane: &LaneId) -> Option<Self> {
        LaneDamage::of(model, lane).map(|damage| Self::new(lane, &damage))
    }

    pub(super) fn new(lane: &LaneId, damage: &LaneDamage) -> Self {
        let LaneDamage { position, problem } = damage.clone();
        Self { event: event(Some(lane.stream().as_str()), position), position, problem }
    }
}

/// Where the log shows an event.
fn event(stream: Option<&str>, position: u64) -> String {
    let after = position.saturating_sub(1);
    let stream = stream.map(|stream| format!("stream={}&", encode(stream))).unwrap_or_default();
    format!("/log?{stream}after={after}")
}

impl DamagedShape {
    /// Where the log shows the event that does not fit.
    pub(super) fn event(&self) -> String {
        event(self.stream.as_deref(), self.position)
    }
}

/// What is said above lists that are made of what a read model has folded: how many streams are missing
/// in part, and since when.
pub(super) fn banner(model: &Model) -> Option<String> {
    let damaged = model.damaged();
    let first = damaged.first()?.position;
    let streams = counted(damaged.len(), "stream is", "streams are");
    Some(format!(
        "{streams} damaged: what was recorded there since event {first} may be missing here."
    ))
}
