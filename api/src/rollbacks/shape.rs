//! A rollback, as the audit answers it.

use serde::Serialize;
use shiplog_domain::{
    lane::{DeploymentNumber, Status},
    names::{EnvironmentName, ServiceName},
};
use shiplog_projections::{
    history,
    rollbacks::{Afterwards, Evidence, Fate, Rollback},
};
use utoipa::ToSchema;

use crate::shapes::{
    Actor, Approval, CorrectionMade, Crossed, FateWord, Intent, IntentShape, IrreversibleShape,
    Moment, Name, Number, Place, StatusWord, moment,
};

/// A deployment that went back to an earlier release.
#[derive(Serialize, ToSchema)]
#[schema(as = Rollback)]
pub(super) struct RollbackShape {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = Number)]
    number: u32,
    /// Whether somebody asked for one; else it is one by what it put there.
    declared: bool,
    /// What it left: what ran before or, where that had been shaken by a failure, what failed.
    from: Option<Place>,
    /// What it brought back.
    to: Option<Place>,
    /// What it took back, newest first: the first 20 of it at least, and all of it while a page tells no more than 20,000.
    reverts: Vec<Place>,
    /// How many deployments it took back.
    #[schema(minimum = 0)]
    reverts_count: usize,
    reason: Option<String>,
    /// Who asked, and how that is known.
    actor: Actor,
    requested_at: Moment,
    finished_at: Option<Moment>,
    #[schema(value_type = StatusWord)]
    status: Status,
    /// How long what it took back had run.
    ran_for_ms: Option<i64>,
    /// When what it left had come to its own end, well or not.
    left_at: Option<Moment>,
    /// From then until it was asked for.
    to_request_ms: Option<i64>,
    /// From then until it had ended.
    to_end_ms: Option<i64>,
    /// How many people had to agree.
    approvals_needed: u8,
    /// Who agreed.
    approvals: Vec<Approval>,
    /// The guard rails that it crossed, and why.
    #[serde(rename = "override")]
    crosses: Option<Crossed>,
    /// What was changed that the release that it brought back may not work after, newest first: the
    /// first 20 of it at least, as with `reverts`.
    irreversible: Vec<IrreversibleShape>,
    /// How many of these changes there are; 1,000 are 1,000 or more.
    #[schema(minimum = 0, maximum = 1_000)]
    irreversible_count: usize,
    /// Whether all of that had been shown to whoever asked; null if there is nothing of it.
    shown: Option<bool>,
    /// What became of the release that was taken back, in a word; null until this has succeeded.
    #[schema(value_type = Option<FateWord>)]
    fate: Option<&'static str>,
    /// What became of the release that was taken back.
    afterwards: Option<AfterwardsShape>,
    /// What was corrected about it.
    corrections: Vec<CorrectionMade>,
    /// Why it was asked for, as it was recorded first.
    #[schema(value_type = IntentShape)]
    reported_intent: Intent,
    /// The events that this was learned from: `request` and `end` of this deployment, the end of the
    /// one that was `left`, and the success of the one that was `restored`. `to_request_ms` is from
    /// `left` to `request`, `to_end_ms` and `ran_for_ms` from `left` to `end`.
    evidence: Vec<EvidenceShape>,
}

/// What became of a release that was taken back.
#[derive(Serialize, ToSchema)]
#[schema(as = Afterwards)]
struct AfterwardsShape {
    /// It was deployed again.
    deployed_again: Option<Later>,
    /// Another one took its place.
    superseded_by: Option<Later>,
}

/// A later deployment.
#[derive(Serialize, ToSchema)]
struct Later {
    deployment: Place,
    at: Moment,
}

/// An event that something was learned from.
#[derive(Serialize, ToSchema)]
#[schema(as = RollbackEvidence)]
struct EvidenceShape {
    /// `request`, `end`, `left` or `restored`.
    of: &'static str,
    /// The deployment that it happened to.
    #[schema(value_type = Number)]
    number: u32,
    /// Its version in the lane's stream; null for the one `DeploymentRequested` of the deployment.
    version: Option<u64>,
}

impl From<&Rollback> for RollbackShape {
    fn from(rollback: &Rollback) -> Self {
        let entry = &rollback.entry;
        let (deployment, requested) = (&entry.deployment, &entry.deployment.requested);
        let DeploymentNumber(number) = deployment.number();
        Self {
            service: entry.lane.service.clone(),
            environment: entry.lane.environment.clone(),
            number,
            declared: rollback.declared,
            from: rollback.from.as_ref().map(Into::into),
            to: rollback.to.as_ref().map(Into::into),
            reverts: rollback.reverts.iter().map(Into::into).collect(),
            reverts_count: rollback.reverts_count,
            reason: requested.reason.clone(),
            actor: (&entry.actor).into(),
            requested_at: Moment(requested.at),
            finished_at: moment(deployment.finished_at()),
            status: deployment.status(),
            ran_for_ms: rollback.ran_for_ms,
            left_at: moment(rollback.left_at),
            to_request_ms: rollback.to_request_ms(),
            to_end_ms: rollback.to_end_ms(),
            approvals_needed: requested.approvals.map_or(0, |approvals| approvals.needed),
            approvals: deployment.approvals.iter().cloned().map(Into::into).collect(),
            crosses: requested.crosses.clone().map(Into::into),
            irreversible: rollback.irreversible.iter().cloned().map(Into::into).collect(),
            irreversible_count: rollback.irreversible_count,
            shown: rollback.shown,
            fate: rollback.afterwards.as_ref().map(|afterwards| word(afterwards.fate())),
            afterwards: rollback.afterwards.as_ref().map(Into::into),
            corrections: deployment.corrections.iter().cloned().map(Into::into).collect(),
            reported_intent: requested.intent.clone().into(),
            evidence: rollback.evidence.iter().map(Into::into).collect(),
        }
    }
}

/// The word on the wire.
pub(super) fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::DeployedAgain => "deployed_again",
        Fate::Fixed => "fixed",
        Fate::NotRedeployed => "not_redeployed",
    }
}

impl From<&Afterwards> for AfterwardsShape {
    fn from(afterwards: &Afterwards) -> Self {
        let Afterwards { deployed_again, superseded_by } = afterwards;
        Self {
            deployed_again: deployed_again.as_ref().map(Into::into),
            superseded_by: superseded_by.as_ref().map(Into::into),
        }
    }
}

impl From<&(history::Place, jiff::Timestamp)> for Later {
    fn from((place, at): &(history::Place, jiff::Timestamp)) -> Self {
        Self { deployment: place.into(), at: Moment(*at) }
    }
}

impl From<&Evidence> for EvidenceShape {
    fn from(Evidence { of, number, version }: &Evidence) -> Self {
        Self { of, number: number.0, version: *version }
    }
}
