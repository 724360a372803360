//! What a lane tells of the ways out, taken from it while nobody writes to it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    lane::{
        self, Candidate, Cause, Configuration, Corrected, DeploymentNumber, HealthReport,
        Objections, Status,
    },
    names::Version,
};
use utoipa::ToSchema;

use crate::shapes::{IrreversibleShape, Moment, Name, Number, StatusWord, moment};

/// A deployment in a few words, and how it went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    #[schema(value_type = Name)]
    pub(crate) version: Version,
    #[schema(value_type = StatusWord)]
    pub(crate) status: Status,
    pub(crate) requested_at: Moment,
    pub(crate) finished_at: Option<Moment>,
    pub(crate) error: Option<String>,
    pub(crate) failed_step: Option<String>,
    /// The event that this was learned from last.
    pub(crate) evidence: Evidence,
}

/// An event, by its place in its stream.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Evidence {
    /// The stream.
    stream: String,
    /// The event's version in it.
    #[schema(minimum = 0)]
    version: u64,
}

/// A release that could be put back, as the lane knows it.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub(super) number: u32,
    pub(super) version: Version,
    pub(super) commit: Option<String>,
    pub(super) configuration: Option<Configuration>,
    pub(super) since: Moment,
    pub(super) until: Option<Moment>,
    pub(super) ran_for_ms: i64,
    pub(super) taken_back_by: Option<DeploymentNumber>,
    pub(super) blamed: Option<Corrected>,
    pub(super) health: Option<HealthReport>,
    pub(super) doubt: Option<Cause>,
    pub(super) irreversible: Vec<IrreversibleShape>,
    pub(super) unstated: Vec<IrreversibleShape>,
    pub(super) evidence: Evidence,
}

/// What a lane tells of the ways out of one of its deployments.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) before: Option<DeploymentNumber>,
    pub(super) settled_by: Option<Attempt>,
    pub(super) in_progress: Option<Attempt>,
    pub(super) previous: Option<u32>,
    pub(super) candidates: Vec<Back>,
    pub(super) outcomes: Vec<Attempt>,
    pub(super) attempts: usize,
    pub(super) failed_alike: Vec<Attempt>,
    pub(super) evidence: Evidence,
}

impl Ways {
    pub(super) fn new(
        lane: &lane::LaneId,
        state: &lane::State,
        recovery: &lane::Recovery<'_>,
        now: Timestamp,
    ) -> Self {
        let stream = lane.stream().to_string();
        let told = |one: &lane::Deployment| Attempt::new(&stream, state, one);
        let all = |list: &[&lane::Deployment]| list.iter().map(|one| told(one)).collect();
        let number = recovery.deployment.number();
        Self {
            before: recovery.before.map(lane::Deployment::number),
            settled_by: recovery.settled_by.map(told),
            in_progress: state.in_progress().filter(|open| open.number() != number).map(told),
            previous: recovery.previous.map(|number| number.0),
            candidates: recovery
                .candidates
                .iter()
                .map(|one| Back::new(&stream, one, now))
                .collect(),
            outcomes: all(&recovery.attempts),
            attempts: recovery.attempted,
            failed_alike: all(&recovery.failed_alike),
            evidence: told(recovery.deployment).evidence,
        }
    }

    /// The rollbacks that took back what could be put back.
    pub(super) fn taken_back_by(&self) -> BTreeSet<DeploymentNumber> {
        self.candidates.iter().filter_map(|one| one.taken_back_by).collect()
    }

    /// The versions that could be put back.
    pub(super) fn versions(&self) -> Vec<Version> {
        self.candidates.iter().map(|one| one.version.clone()).collect()
    }
}

impl Attempt {
    fn new(stream: &str, state: &lane::State, deployment: &lane::Deployment) -> Self {
        let failure = deployment.failure.as_ref();
        let settled = deployment.settled().map(|end| end.record);
        let record = settled.or_else(|| state.requested_by(deployment.number())).unwrap_or(0);
        Self {
            number: deployment.number().0,
            version: deployment.release().version.clone(),
            status: deployment.status(),
            requested_at: Moment(deployment.requested.at),
            finished_at: moment(deployment.finished_at()),
            error: failure.and_then(|failure| failure.error.clone()),
            failed_step: failure.and_then(|failure| failure.failed_step.clone()),
            evidence: Evidence { stream: stream.into(), version: record },
        }
    }
}

impl Back {
    fn new(stream: &str, candidate: &Candidate<'_>, now: Timestamp) -> Self {
        let Candidate { deployment, since, until, record, irreversible, unstated, objections } =
            candidate;
        let Objections { taken_back_by, blamed, health, doubt } = objections;
        let shapes = |list: &[lane::Irreversible]| list.iter().cloned().map(Into::into).collect();
        Self {
            number: deployment.number().0,
            version: deployment.release().version.clone(),
            commit: deployment.release().commit.clone(),
            configuration: deployment.configuration().cloned(),
            since: Moment(*since),
            until: moment(*until),
            ran_for_ms: candidate.ran_for_ms(now),
            taken_back_by: taken_back_by.map(lane::Deployment::number),
            blamed: blamed.cloned(),
            health: health.cloned(),
            doubt: *doubt,
            irreversible: shapes(irreversible),
            unstated: shapes(unstated),
            evidence: Evidence { stream: stream.into(), version: *record },
        }
    }
}
