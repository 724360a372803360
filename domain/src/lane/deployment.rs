//! One deployment, as its events tell it.

use std::{collections::BTreeMap, mem, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Annotated, Approved, Cancelled, Corrected, Correction, DeploymentNumber, Event, Failed,
    HealthReport, Intent, Rejected, Removed, Requested, Started, Succeeded, TargetFailed,
    TargetReport,
};
use crate::{names::TargetName, release::Manifest};

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Asked for.
    Requested,
    /// Turned down.
    Rejected,
    /// Under way.
    Started,
    /// It worked.
    Succeeded,
    /// It did not.
    Failed,
    /// Called off.
    Cancelled,
}

impl Status {
    /// Every status, in the order of a deployment's life.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Rejected,
        Self::Started,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Rejected => "rejected",
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more is expected of it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Requested | Self::Started => false,
            Self::Rejected | Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// One report of how a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeReport {
    /// When it ended, as the reporter saw it.
    pub at: Timestamp,
    /// Which of the stream's events said so.
    pub record: u64,
    /// How; always a final status.
    pub status: Status,
}

/// How it went on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetState {
    /// `started`, `succeeded` or `failed`.
    pub status: Status,
    /// Since when.
    pub at: Timestamp,
    /// Which of the stream's events said so.
    #[serde(default)]
    pub record: u64,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One attempt to put a release into a lane: everything that its events say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// What was asked for.
    pub requested: Requested,
    /// When it began, by the earliest report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Started>,
    /// How it ended, in the order of recording; more than one is a contradiction or a repetition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeReport>,
    /// The failure that was reported last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failed>,
    /// Why it was rejected or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
    /// Who agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approved>,
    /// How it went, target by target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<TargetName, TargetState>,
    /// What else was reported of the targets, in the order of recording: how it went until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_on_targets: Vec<(TargetName, TargetState)>,
    /// How the release has been doing, by the latest report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthReport>,
    /// What was written down about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Annotated>,
    /// What was corrected, in the order of recording.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Corrected>,
}

impl Deployment {
    /// A deployment that has only been asked for.
    pub fn new(requested: Requested) -> Self {
        Self {
            requested,
            started: None,
            outcomes: Vec::new(),
            failure: None,
            ended_because: None,
            approvals: Vec::new(),
            targets: BTreeMap::new(),
            earlier_on_targets: Vec::new(),
            health: None,
            notes: Vec::new(),
            corrections: Vec::new(),
        }
    }

    /// Its place in the lane.
    pub fn number(&self) -> DeploymentNumber {
        self.requested.number
    }

    /// What it puts there.
    pub fn release(&self) -> &Arc<Manifest> {
        &self.requested.release
    }

    /// Why, as corrected last.
    pub fn intent(&self) -> &Intent {
        self.corrections
            .iter()
            .rev()
            .find_map(|corrected| match &corrected.correction {
                Correction::Intent { intent } => Some(intent),
                Correction::Void | Correction::Blamed | Correction::Cleared => None,
            })
            .unwrap_or(&self.requested.intent)
    }

    /// How far it has come: of several outcomes, the one with the later `at`, then the later record.
    pub fn status(&self) -> Status {
        match (self.decisive(), &self.started) {
            (Some(outcome), _) => outcome.status,
            (None, Some(_)) => Status::Started,
            (None, None) => Status::Requested,
        }
    }

    /// The report that settled how it ended: of the last run of equal outcomes, by time and then
    /// by record, the first.
    pub fn settled(&self) -> Option<&OutcomeReport> {
        let status = self.decisive()?.status;
        let mut ordered: Vec<_> = self.outcomes.iter().collect();
        ordered.sort_by_key(|outcome| (outcome.at, outcome.record));
        ordered.into_iter().rev().take_while(|outcome| outcome.status == status).last()
    }

    /// When it ended.
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.settled().map(|outcome| outcome.at)
    }

    /// The report that put its release there, if that still stands.
    pub fn took_effect(&self) -> Option<&OutcomeReport> {
        self.settled().filter(|end| end.status == Status::Succeeded && !self.is_void())
    }

    /// How long it took, if both ends were reported in order.
    pub fn duration_ms(&self) -> Option<i64> {
        let started = self.started.as_ref()?.at;
        let took = self.finished_at()?.as_millisecond() - started.as_millisecond();
        (took >= 0).then_some(took)
    }

    /// Whether reports of how it ended disagree.
    pub fn is_contradicted(&self) -> bool {
        let mut statuses = self.outcomes.iter().map(|outcome| outcome.status);
        statuses.next().is_some_and(|first| statuses.any(|other| other != first))
    }

    /// Whether it was corrected never to have taken place.
    pub fn is_void(&self) -> bool {
        self.corrections.iter().any(|one| one.correction == Correction::Void)
    }

    /// Whether something more is expected of it.
    pub fn is_open(&self) -> bool {
        !self.is_void() && !self.status().is_final()
    }

    /// How many people still have to agree before it may begin.
    pub fn approvals_missing(&self) -> u8 {
        let by = self.requested.by.as_deref();
        let agreed = self.approvals.iter().map(|one| one.by.as_str());
        self.requested.approvals_in_force().map_or(0, |needed| needed.missing(by, agreed))
    }

    /// Whether it was blamed for harm, and not cleared since.
    pub fn is_blamed(&self) -> bool {
        self.blame().is_some()
    }

    fn decisive(&self) -> Option<&OutcomeReport> {
        self.outcomes.iter().max_by_key(|outcome| (outcome.at, outcome.record))
    }

    /// Applies what happened to it next, the stream's event number `record`; events of others
    /// change nothing.
    pub fn apply(&mut self, event: &Event, record: u64) {
        if event.number() != Some(self.number()) {
            return;
        }
        match event {
            Event::Requested(Requested { .. }) | Event::Removed(Removed { .. }) => {}
            Event::Approved(approved) => self.approvals.push(approved.clone()),
            Event::Started(started) => {
                if self.started.as_ref().is_none_or(|earlier| started.at < earlier.at) {
                    self.started = Some(started.clone());
                }
            }
            Event::TargetStarted(TargetReport { at, target, .. }) => {
                let told = TargetState { status: Status::Started, at: *at, record, error: None };
                self.tell_target(target.clone(), told);
            }
            Event::TargetSucceeded(TargetReport { at, target, .. }) => {
                let told = TargetState { status: Status::Succeeded, at: *at, record, error: None };
                self.tell_target(target.clone(), told);
            }
            Event::TargetFailed(TargetFailed { at, target, error, .. }) => {
                let error = error.clone();
                let told = TargetState { status: Status::Failed, at: *at, record, error };
                self.tell_target(target.clone(), told);
            }
            Event::Rejected(Rejected { at, reason, .. }) => {
                self.end(Status::Rejected, *at, record);
                self.ended_because.clone_from(reason);
            }
            Event::Succeeded(Succeeded { at, .. }) => self.end(Status::Succeeded, *at, record),
            Event::Failed(failed) => {
                self.end(Status::Failed, failed.at, record);
                self.failure = Some(failed.clone());
            }
            Event::Cancelled(Cancelled { at, reason, .. }) => {
                self.end(Status::Cancelled, *at, record);
                self.ended_because.clone_from(reason);
            }
            Event::Health(report) => {
                if self.health.as_ref().is_none_or(|earlier| report.at >= earlier.at) {
                    self.health = Some(report.clone());
                }
            }
            Event::Annotated(note) => self.notes.push(note.clone()),
            Event::Corrected(corrected) => self.corrections.push(corrected.clone()),
        }
    }

    fn end(&mut self, status: Status, at: Timestamp, record: u64) {
        self.outcomes.push(OutcomeReport { at, record, status });
    }

    /// Takes how it went on a target for the latest, if it is that; none is forgotten.
    pub(super) fn tell_target(&mut self, target: TargetName, told: TargetState) {
        let earlier = match self.targets.get_mut(&target) {
            None => {
                self.targets.insert(target, told);
                return;
            }
            Some(latest) if (told.at, told.record) >= (latest.at, latest.record) => {
                mem::replace(latest, told)
            }
            Some(_) => told,
        };
        self.earlier_on_targets.push((target, earlier));
    }
}
