//! A deployment, whole: `D` in the design.

use std::collections::BTreeMap;

use serde::Serialize;
use shiplog_domain::{
    lane::{
        self, Annotated, Approved, Classification, Configuration, Corrected, HealthReport, LaneId,
    },
    metadata,
    names::{EnvironmentName, ServiceName, TargetName, Version},
};
use shiplog_projections::history::{self, Entry, TakenBack};
use shiplog_store::position::GlobalPosition;
use utoipa::ToSchema;

use super::{
    Actor, ClassificationWord, Crossed, HealthWord, Intent, IntentShape, IrreversibleShape,
    LinkShape, Moment, Name, Number, Release, StatusWord, moment,
};

/// One attempt to put a release into a lane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Deployment {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = Number)]
    number: u32,
    #[schema(value_type = StatusWord)]
    status: lane::Status,
    #[schema(value_type = IntentShape)]
    intent: Intent,
    #[schema(value_type = ClassificationWord)]
    classification: Classification,
    release: Release,
    /// The digest of each thing that it is configured with, by name; null if nobody said.
    configuration: Option<BTreeMap<String, String>>,
    /// Who asked for it.
    actor: Actor,
    /// In the words of who asked.
    reason: Option<String>,
    /// What the reporting system calls it.
    external_id: Option<String>,
    /// Where to read on.
    url: Option<String>,
    /// Whatever else was said, by name.
    labels: BTreeMap<String, String>,
    requested_at: Moment,
    started_at: Option<Moment>,
    finished_at: Option<Moment>,
    /// From start to end, if both were reported in order.
    duration_ms: Option<i64>,
    /// What ran before it; null before it has succeeded.
    replaced: Option<Place>,
    /// The rollback that took it back, whether somebody called it one or not; null if none did.
    taken_back_by: Option<TakenBackBy>,
    /// The place in the log of the last event that it has.
    #[schema(minimum = 1)]
    position: u64,
    /// What carries it out.
    executor: Option<String>,
    /// Where its output can be read.
    log_url: Option<String>,
    /// What went wrong.
    error: Option<String>,
    /// In which step.
    failed_step: Option<String>,
    /// Why it was rejected or cancelled.
    ended_because: Option<String>,
    /// Whether reports of how it ended disagree.
    contradicted: bool,
    /// Whether it was corrected never to have taken place.
    void: bool,
    /// Whether it was blamed for harm and not cleared since.
    blamed: bool,
    /// How the release has been doing, by the latest report.
    health: Option<HealthNow>,
    /// How it went, target by target.
    targets: Vec<TargetNow>,
    /// What was written down about it.
    notes: Vec<Note>,
    /// Who agreed.
    approvals: Vec<Approval>,
    /// How many people had to agree before it could begin.
    approvals_needed: u8,
    /// How many of them are still missing.
    approvals_missing: u8,
    /// The guard rails that it crossed, and why.
    #[serde(rename = "override")]
    crosses: Option<Crossed>,
    /// The irreversible changes that whoever asked had been shown.
    #[schema(value_type = Vec<IrreversibleShape>)]
    acknowledged: Vec<IrreversibleShape>,
    /// What was corrected.
    corrections: Vec<CorrectionMade>,
}

/// A deployment in two words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    #[schema(value_type = Name)]
    pub(crate) version: Version,
}

impl From<&lane::Deployment> for Place {
    fn from(deployment: &lane::Deployment) -> Self {
        Self { number: deployment.number().0, version: deployment.release().version.clone() }
    }
}

impl From<&history::Place> for Place {
    fn from(place: &history::Place) -> Self {
        Self { number: place.number.0, version: place.version.clone() }
    }
}

/// By what a deployment was taken back, by whom, why and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TakenBackBy {
    /// The rollback.
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    /// Whether somebody asked for it as a rollback; else it is one by what it put there.
    pub(crate) declared: bool,
    /// In the words of who asked for it.
    pub(crate) reason: Option<String>,
    /// Who asked for it.
    pub(crate) actor: Actor,
    /// When it took effect.
    pub(crate) at: Moment,
}

impl From<&TakenBack> for TakenBackBy {
    fn from(TakenBack { number, declared, reason, actor, at }: &TakenBack) -> Self {
        Self {
            number: number.0,
            declared: *declared,
            reason: reason.clone(),
            actor: actor.into(),
            at: Moment(*at),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HealthNow {
    #[schema(value_type = HealthWord)]
    pub(crate) health: lane::Health,
    /// Which monitor says so.
    pub(crate) source: Option<String>,
    /// In its words.
    pub(crate) detail: Option<String>,
    pub(crate) at: Moment,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct TargetNow {
    #[schema(value_type = Name)]
    target: TargetName,
    #[schema(value_type = StatusWord)]
    status: lane::Status,
    error: Option<String>,
    at: Moment,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Note {
    text: String,
    #[schema(value_type = Vec<LinkShape>)]
    links: Vec<lane::Link>,
    at: Moment,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Approval {
    /// The id of the actor who agreed.
    by: String,
    comment: Option<String>,
    at: Moment,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionMade {
    /// `void`, `intent`, `blamed` or `cleared`; the true intent stands beside it.
    #[schema(value_type = Object)]
    correction: lane::Correction,
    reason: String,
    at: Moment,
}

/// What there is to tell of a deployment, wherever it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) lane: &'a LaneId,
    pub(crate) deployment: &'a lane::Deployment,
    pub(crate) actor: &'a metadata::Actor,
    pub(crate) classification: Classification,
    pub(crate) replaced: Option<&'a lane::Deployment>,
    pub(crate) taken_back: Option<&'a TakenBack>,
    pub(crate) position: GlobalPosition,
}

impl From<Told<'_>> for Deployment {
    fn from(told: Told<'_>) -> Self {
        let Told { lane, deployment, actor, classification, replaced, taken_back, position } = told;
        let replaced = replaced.map(Place::from);
        whole(lane, deployment, actor, (classification, replaced, taken_back, position))
    }
}

impl From<&Entry> for Deployment {
    fn from(entry: &Entry) -> Self {
        let Entry { lane, deployment, actor, classification, replaced, taken_back, position } =
            entry;
        let (replaced, taken_back) = (replaced.as_ref().map(Place::from), taken_back.as_ref());
        whole(lane, deployment, actor, (*classification, replaced, taken_back, *position))
    }
}

fn whole(
    lane: &LaneId,
    deployment: &lane::Deployment,
    actor: &metadata::Actor,
    (classification, replaced, taken_back, position): (
        Classification,
        Option<Place>,
        Option<&TakenBack>,
        GlobalPosition,
    ),
) -> Deployment {
    let requested = &deployment.requested;
    let (started, failure) = (deployment.started.as_ref(), deployment.failure.as_ref());
    let log_url = failure
        .and_then(|failure| failure.log_url.clone())
        .or_else(|| started.and_then(|started| started.log_url.clone()));
    Deployment {
        service: lane.service.clone(),
        environment: lane.environment.clone(),
        number: deployment.number().0,
        status: deployment.status(),
        intent: deployment.intent().clone().into(),
        classification,
        release: Release::from(&**deployment.release()),
        configuration: deployment.configuration().map(|Configuration(things)| things.clone()),
        actor: actor.into(),
        reason: requested.reason.clone(),
        external_id: requested.external_id.clone(),
        url: requested.url.clone(),
        labels: requested.labels.clone(),
        requested_at: Moment(requested.at),
        started_at: moment(started.map(|started| started.at)),
        finished_at: moment(deployment.finished_at()),
        duration_ms: deployment.duration_ms(),
        replaced,
        taken_back_by: taken_back.map(Into::into),
        position: position.0,
        executor: started.and_then(|started| started.executor.clone()),
        log_url,
        error: failure.and_then(|failure| failure.error.clone()),
        failed_step: failure.and_then(|failure| failure.failed_step.clone()),
        ended_because: deployment.ended_because.clone(),
        contradicted: deployment.is_contradicted(),
        void: deployment.is_void(),
        blamed: deployment.is_blamed(),
        health: deployment.health.clone().map(Into::into),
        targets: targets(deployment),
        notes: deployment.notes.iter().cloned().map(Into::into).collect(),
        approvals: deployment.approvals.iter().cloned().map(Into::into).collect(),
        approvals_needed: requested.approvals.map_or(0, |approvals| approvals.needed),
        approvals_missing: deployment.approvals_missing(),
        crosses: requested.crosses.clone().map(Into::into),
        acknowledged: requested.acknowledged.iter().cloned().map(Into::into).collect(),
        corrections: deployment.corrections.iter().cloned().map(Into::into).collect(),
    }
}

fn targets(deployment: &lane::Deployment) -> Vec<TargetNow> {
    let target = |(target, state): (&TargetName, &lane::TargetState)| TargetNow {
        target: target.clone(),
        status: state.status,
        error: state.error.clone(),
        at: Moment(state.at),
    };
    deployment.targets.iter().map(target).collect()
}

impl From<HealthReport> for HealthNow {
    fn from(report: HealthReport) -> Self {
        let HealthReport { number: _, at, health, source, detail } = report;
        Self { health, source, detail, at: Moment(at) }
    }
}

impl From<Annotated> for Note {
    fn from(note: Annotated) -> Self {
        let Annotated { number: _, at, text, links } = note;
        Self { text, links, at: Moment(at) }
    }
}

impl From<Approved> for Approval {
    fn from(approved: Approved) -> Self {
        let Approved { number: _, at, by, comment } = approved;
        Self { by, comment, at: Moment(at) }
    }
}

impl From<Corrected> for CorrectionMade {
    fn from(corrected: Corrected) -> Self {
        let Corrected { number: _, at, correction, reason } = corrected;
        Self { correction, reason, at: Moment(at) }
    }
}
