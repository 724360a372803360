//! What runs: lanes and environments.

use jiff::Timestamp;
use serde::Serialize;
use shiplog_domain::{
    environment::{self, Freezes, Tier},
    names::{EnvironmentName, ServiceName, Version},
};
use shiplog_projections::current::{Brief, EnvironmentRow, LaneNow, Progress};
use utoipa::ToSchema;

use crate::damage::LaneDamage;

use super::{Actor, Intent, IntentShape, Moment, Name, Number, ProgressWord, TierWord, moment};

/// One service in one environment, at an instant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Lane {
    #[schema(value_type = Name)]
    service: ServiceName,
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    /// The stream's version, as in `ETag`.
    #[schema(minimum = 0)]
    version: u64,
    /// Why nobody knows what is really there.
    uncertain: Option<String>,
    /// What runs.
    current: Option<Running>,
    /// What is in progress: the newest deployment that has begun or, if none has, the newest that
    /// waits.
    in_progress: Option<InProgress>,
    /// The newest of what waits beside that.
    queued: Option<InProgress>,
    /// How many deployments wait beside what is in progress.
    queued_count: u32,
    /// What failed last.
    last_failed: Option<LastFailed>,
    /// What is recorded to run from a later instant on: it does not run yet.
    upcoming: Option<Running>,
    /// The event that does not fit, from which on nothing is told of the lane; null if all fit.
    damaged: Option<LaneDamage>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct BriefRelease {
    #[schema(value_type = Name)]
    version: Version,
    commit: Option<String>,
}

/// What runs, since when, and who put it there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Running {
    #[schema(value_type = Number)]
    number: u32,
    release: BriefRelease,
    /// Since when its content has run without a break, however often it was put there since.
    since: Moment,
    actor: Actor,
    #[schema(value_type = IntentShape)]
    intent: Intent,
}

/// What has not ended yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct InProgress {
    #[schema(value_type = Number)]
    number: u32,
    release: BriefRelease,
    /// How far it has come: `requested`, `waiting for approval`, `queued` or `running`.
    #[schema(value_type = ProgressWord)]
    progress: &'static str,
    /// Who has agreed, of how many that have to; null if nobody has to.
    approvals: Option<ApprovalsGiven>,
    requested_at: Moment,
    actor: Actor,
    #[schema(value_type = IntentShape)]
    intent: Intent,
}

/// How many people have agreed to a deployment, of how many that have to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct ApprovalsGiven {
    given: u8,
    needed: u8,
}

/// What failed last.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct LastFailed {
    #[schema(value_type = Number)]
    number: u32,
    release: BriefRelease,
    failed_at: Moment,
    actor: Actor,
    #[schema(value_type = IntentShape)]
    intent: Intent,
    error: Option<String>,
}

impl From<Brief> for Running {
    fn from(brief: Brief) -> Self {
        let Brief {
            number,
            version,
            commit,
            actor,
            intent,
            at,
            error: _,
            configuration: _,
            labels: _,
            digests: _,
        } = brief;
        let (release, actor) = (BriefRelease { version, commit }, Actor::from(&actor));
        Self { number: number.0, release, since: Moment(at), actor, intent: intent.into() }
    }
}

impl From<(Brief, Progress)> for InProgress {
    fn from((brief, progress): (Brief, Progress)) -> Self {
        let Running { number, release, since, actor, intent } = brief.into();
        let approvals = match progress {
            Progress::WaitingForApproval { given, needed } => {
                Some(ApprovalsGiven { given, needed })
            }
            Progress::Requested | Progress::Queued | Progress::Running => None,
        };
        let progress = progress.as_str();
        Self { number, release, progress, approvals, requested_at: since, actor, intent }
    }
}

impl From<Brief> for LastFailed {
    fn from(brief: Brief) -> Self {
        let error = brief.error.clone();
        let Running { number, release, since, actor, intent } = brief.into();
        Self { number, release, failed_at: since, actor, intent, error }
    }
}

impl Lane {
    /// The lane as a read model has it, and what is wrong with it, if something is.
    pub(crate) fn new(now: LaneNow, damaged: Option<LaneDamage>) -> Self {
        let uncertain = now.uncertain();
        let LaneNow { lane, version, running, in_progress, queued, queued_count, .. } = now;
        let LaneNow { last_failed, upcoming, .. } = now;
        Self {
            service: lane.service,
            environment: lane.environment,
            version: version.0,
            uncertain,
            current: running.map(Into::into),
            in_progress: in_progress.map(Into::into),
            queued: queued.map(Into::into),
            queued_count,
            upcoming: upcoming.map(Into::into),
            last_failed: last_failed.map(Into::into),
            damaged,
        }
    }
}

/// A freeze: in force, or to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Frozen {
    pub(crate) reason: String,
    pub(crate) since: Moment,
    /// Until somebody unfreezes it if null.
    pub(crate) until: Option<Moment>,
}

impl Frozen {
    /// The freeze in force by then.
    pub(crate) fn at(freezes: &Freezes, now: Timestamp) -> Option<Self> {
        freezes.at(now).map(Into::into)
    }

    /// The freezes that are to come then, the next one first.
    pub(crate) fn planned(freezes: &Freezes, now: Timestamp) -> Vec<Self> {
        freezes.planned_after(now).into_iter().map(Into::into).collect()
    }
}

impl From<&environment::Frozen> for Frozen {
    fn from(frozen: &environment::Frozen) -> Self {
        let environment::Frozen { at, reason, until } = frozen;
        Self { reason: reason.clone(), since: Moment(*at), until: moment(*until) }
    }
}

/// An environment, as it is listed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EnvironmentNow {
    #[schema(value_type = Name)]
    environment: EnvironmentName,
    #[schema(value_type = TierWord)]
    tier: Tier,
    /// Whether anybody declared it.
    declared: bool,
    /// Whether it is no more.
    retired: bool,
    /// The freeze in force.
    frozen: Option<Frozen>,
    /// How many services run there.
    #[schema(minimum = 0)]
    lanes: u64,
}

impl EnvironmentNow {
    /// The environment as it is now.
    pub(crate) fn at(row: EnvironmentRow, lanes: u64, now: Timestamp) -> Self {
        let EnvironmentRow { environment, tier, declared, retired, rules: _, freezes } = row;
        Self { environment, tier, declared, retired, frozen: Frozen::at(&freezes, now), lanes }
    }
}
