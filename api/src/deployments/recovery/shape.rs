//! The ways out, as they are answered.

use std::collections::BTreeMap;

use serde::Serialize;
use shiplog_domain::{
    lane::{Cause, Configuration, Corrected, Health, Status},
    names::{EnvironmentName, TargetName, Version},
};
use shiplog_projections::{history::Entry, releases::ReleaseRow};
use utoipa::ToSchema;

use super::{
    Known,
    calls::{Call, Caller},
    ways::{Attempt, Back, Evidence, Ways},
};
use crate::{
    damage::LaneDamage,
    deployments::changes::Changes,
    shapes::{
        Block, Change, Deployment, Frozen, HealthNow, HealthWord, IrreversibleShape, Moment, Name,
        Number, StatusWord, TakenBackBy, moment,
    },
};

/// All that is known of the ways out of a deployment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Recovery {
    pub(crate) deployment: Deployment,
    pub(crate) facts: Facts,
    pub(crate) rollback: RollBack,
    pub(crate) roll_forward: RollForward,
    pub(crate) retry: Retry,
    /// The event of the lane that does not fit: nothing here heeds what came from there on. Null if all fit.
    pub(crate) damaged: Option<LaneDamage>,
}

/// What is known of how it came to this.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Facts {
    /// What went wrong.
    pub(crate) error: Option<String>,
    /// In which step.
    pub(crate) failed_step: Option<String>,
    /// Where its output can be read.
    pub(crate) log_url: Option<String>,
    /// Where it failed, of how many targets.
    pub(crate) failed_targets: Vec<FailedTarget>,
    #[schema(minimum = 0)]
    pub(crate) targets: usize,
    /// The event that this was learned from last.
    pub(crate) evidence: Evidence,
    /// What it changed against what ran before it.
    pub(crate) changes: Changes,
    /// What has taken effect since: the lane has moved on.
    pub(crate) settled_by: Option<Attempt>,
    /// Another deployment that has not ended.
    pub(crate) in_progress: Option<Attempt>,
    /// The freeze that stands in the way of each of the ways.
    pub(crate) frozen: Option<Frozen>,
    /// How the same release went in other environments, newest first.
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// Others that failed here with the same error or in the same step, newest first.
    pub(crate) failed_alike: Vec<Attempt>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FailedTarget {
    #[schema(value_type = Name)]
    pub(crate) target: TargetName,
    pub(crate) error: Option<String>,
    pub(crate) at: Moment,
}

/// The same release in another environment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Elsewhere {
    #[schema(value_type = Name)]
    pub(crate) environment: EnvironmentName,
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    #[schema(value_type = StatusWord)]
    pub(crate) status: Status,
    pub(crate) finished_at: Option<Moment>,
    pub(crate) error: Option<String>,
    /// How the release has been doing there.
    #[schema(value_type = Option<HealthWord>)]
    pub(crate) health: Option<Health>,
}

/// Put an earlier release back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RollBack {
    /// The deployment that `"to": "previous"` goes back to; null if there is none.
    #[schema(value_type = Option<Number>)]
    pub(crate) previous: Option<u32>,
    /// The releases that ran here, the last success first.
    pub(crate) candidates: Vec<BackCandidate>,
}

/// A release that could be put back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BackCandidate {
    /// Its last success here.
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    #[schema(value_type = Name)]
    pub(crate) version: Version,
    pub(crate) commit: Option<String>,
    /// The digest of each thing that it was configured with, by name; null if nobody said.
    pub(crate) configuration: Option<BTreeMap<String, String>>,
    /// When it ran last.
    pub(crate) since: Moment,
    /// Until when; null if nothing has come after it.
    pub(crate) until: Option<Moment>,
    /// How long it ran then.
    pub(crate) ran_for_ms: i64,
    /// Why it must not go further, if it is blocked.
    pub(crate) blocked: Option<Block>,
    /// The rollback that took it back since it worked, whether somebody called it one or not.
    pub(crate) taken_back_by: Option<TakenBackBy>,
    /// The harm that it is blamed for.
    pub(crate) blamed: Option<Blame>,
    /// How it was doing by the latest report.
    pub(crate) health: Option<HealthNow>,
    /// What its last success left in doubt: targets that failed or have not ended.
    pub(crate) doubt: Option<&'static str>,
    /// What was changed since that it may not work after, newest first.
    pub(crate) irreversible: Vec<IrreversibleShape>,
    /// Migrations since of which nobody said whether they can be reversed, newest first.
    pub(crate) unstated: Vec<IrreversibleShape>,
    /// The event by which it succeeded.
    pub(crate) evidence: Evidence,
    pub(crate) call: Call,
}

/// What a release is blamed for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Blame {
    /// The deployment that is blamed.
    #[schema(value_type = Number)]
    pub(crate) number: u32,
    pub(crate) reason: String,
    pub(crate) at: Moment,
}

impl From<Corrected> for Blame {
    fn from(Corrected { number, at, correction: _, reason }: Corrected) -> Self {
        Self { number: number.0, reason, at: Moment(at) }
    }
}

/// Put a newer release there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RollForward {
    /// The releases that were first heard of after this one, the oldest first.
    pub(crate) candidates: Vec<ForwardCandidate>,
}

/// A release that could mend it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ForwardCandidate {
    #[schema(value_type = Name)]
    pub(crate) version: Version,
    pub(crate) commit: Option<String>,
    pub(crate) first_seen_at: Moment,
    /// Why it must not go further, if it is blocked.
    pub(crate) blocked: Option<Block>,
    /// What its makers say of it.
    pub(crate) notes: Option<String>,
    /// What it changes.
    pub(crate) changes: Vec<Change>,
    pub(crate) call: Call,
}

/// Try the same again.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Retry {
    /// How often the same release was tried here, this time included.
    #[schema(minimum = 1)]
    pub(crate) attempts: usize,
    /// How the last 20 of them went, newest first.
    pub(crate) outcomes: Vec<Attempt>,
    pub(crate) call: Call,
}

impl Recovery {
    pub(super) fn new(entry: &Entry, ways: Ways, known: Known) -> Self {
        let caller = Caller::new(entry);
        let Ways { previous, candidates, outcomes, attempts, .. } = &ways;
        let back = |one: &Back| BackCandidate::new(one, &known, &caller);
        let forward = |row: &ReleaseRow| ForwardCandidate::new(row, &caller);
        Self {
            deployment: Deployment::from(entry),
            damaged: known.damaged.clone(),
            rollback: RollBack {
                previous: *previous,
                candidates: candidates.iter().map(back).collect(),
            },
            roll_forward: RollForward { candidates: known.newer.iter().map(forward).collect() },
            retry: Retry { attempts: *attempts, outcomes: outcomes.clone(), call: caller.retry() },
            facts: Facts::new(entry, ways, known),
        }
    }
}

impl Facts {
    fn new(entry: &Entry, ways: Ways, known: Known) -> Self {
        let deployment = &entry.deployment;
        let failure = deployment.failure.as_ref();
        let started = deployment.started.as_ref();
        let failed = deployment.targets.iter().filter(|(_, one)| one.status == Status::Failed);
        let failed_targets = failed.map(|(target, one)| FailedTarget {
            target: target.clone(),
            error: one.error.clone(),
            at: Moment(one.at),
        });
        let log_url = failure.and_then(|failure| failure.log_url.clone());
        Self {
            error: failure.and_then(|failure| failure.error.clone()),
            failed_step: failure.and_then(|failure| failure.failed_step.clone()),
            log_url: log_url.or_else(|| started.and_then(|started| started.log_url.clone())),
            failed_targets: failed_targets.collect(),
            targets: deployment.targets.len(),
            evidence: ways.evidence,
            changes: known.changes,
            settled_by: ways.settled_by,
            in_progress: ways.in_progress,
            frozen: known.frozen,
            elsewhere: known.elsewhere.iter().map(Elsewhere::from).collect(),
            failed_alike: ways.failed_alike,
        }
    }
}

impl From<&Entry> for Elsewhere {
    fn from(entry: &Entry) -> Self {
        let deployment = &entry.deployment;
        let health = deployment.health.as_ref().map(|report| report.health);
        Self {
            environment: entry.lane.environment.clone(),
            number: deployment.number().0,
            status: deployment.status(),
            finished_at: moment(deployment.finished_at()),
            error: deployment.failure.as_ref().and_then(|failure| failure.error.clone()),
            health,
        }
    }
}

impl BackCandidate {
    fn new(back: &Back, known: &Known, caller: &Caller<'_>) -> Self {
        let Back { number, version, commit, since, until, blamed, health, doubt, .. } =
            back.clone();
        let Back { ran_for_ms, irreversible, unstated, evidence, configuration, .. } = back.clone();
        let release = known.candidates.iter().find(|row| row.id.version == version);
        let taken_back = known.taken_back.iter().find(|one| Some(one.number) == back.taken_back_by);
        let blocked = release.and_then(|row| row.blocked.clone()).map(Into::into);
        let call = caller.roll_back(number, &irreversible);
        Self {
            number,
            version,
            commit,
            configuration: configuration.map(|Configuration(things)| things),
            since,
            until,
            ran_for_ms,
            blocked,
            taken_back_by: taken_back.map(Into::into),
            blamed: blamed.map(Into::into),
            health: health.map(Into::into),
            doubt: doubt.map(Cause::as_str),
            irreversible,
            unstated,
            evidence,
            call,
        }
    }
}

impl ForwardCandidate {
    fn new(row: &ReleaseRow, caller: &Caller<'_>) -> Self {
        let manifest = &row.manifest;
        Self {
            version: row.id.version.clone(),
            commit: manifest.commit.clone(),
            first_seen_at: Moment(row.first_seen_at),
            blocked: row.blocked.clone().map(Into::into),
            notes: manifest.notes.clone(),
            changes: manifest.changes.iter().cloned().map(Into::into).collect(),
            call: caller.roll_forward(manifest),
        }
    }
}
