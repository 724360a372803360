//! What speaks against a deployment or its release, as pages tell it.

use askama::{Template, filters::HtmlSafe};
use shiplog_domain::{
    lane::{Deployment, Health, LaneId},
    release::Blocked,
};
use shiplog_projections::history::{Entry, TakenBack};

use super::{
    links,
    parts::{Time, Who},
};

/// What speaks against a deployment or its release.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "objections.html")]
pub(super) struct Objections {
    taken_back: Option<Reversal>,
    /// The harm that it is blamed for.
    blamed: Option<String>,
    /// The report that it was unhealthy.
    unhealthy: Option<String>,
    /// Why the release is blocked.
    blocked: Option<String>,
}

impl HtmlSafe for Objections {}

/// The rollback that took a deployment back.
#[derive(Clone, Debug)]
struct Reversal {
    href: String,
    number: u32,
    who: Who,
    at: Time,
    reason: Option<String>,
}

impl Objections {
    /// What is known against a deployment; `block` is that of its release.
    pub(super) fn of(entry: &Entry, block: Option<&Blocked>) -> Self {
        let Entry { lane, deployment, taken_back, .. } = entry;
        Self {
            taken_back: taken_back.as_ref().map(|rollback| Reversal::of(lane, rollback)),
            blamed: deployment.blame().map(|blame| blame.reason.clone()),
            unhealthy: unhealthy(deployment),
            blocked: block.map(|block| block.reason.clone()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { taken_back, blamed, unhealthy, blocked } = self;
        taken_back.is_none() && blamed.is_none() && unhealthy.is_none() && blocked.is_none()
    }
}

fn unhealthy(deployment: &Deployment) -> Option<String> {
    let report = deployment.health.as_ref().filter(|report| report.health == Health::Unhealthy)?;
    Some(report.detail.clone().unwrap_or_default())
}

impl Reversal {
    fn of(lane: &LaneId, rollback: &TakenBack) -> Self {
        let TakenBack { number, declared: _, reason, actor, at } = rollback;
        Self {
            href: links::deployment(lane, *number),
            number: number.0,
            who: Who::from(actor),
            at: Time::of(*at),
            reason: reason.clone().filter(|reason| !reason.is_empty()),
        }
    }
}
