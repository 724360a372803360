//! What is known of deployments beside their own reports: what else runs in their lanes, which of
//! their releases are blocked, and what time it is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shiplog_domain::{
    lane::{Deployment, LaneId, Status},
    release::{Blocked, ReleaseId},
};
use shiplog_projections::{
    current::{self, AsOf, Progress},
    history::Entry,
    releases,
    view::View,
};

use super::marks::Mark;
use crate::{app::App, problem::Problem, views::AtLeast};

/// What is known of deployments beside their own reports.
pub(super) struct Context {
    now: Timestamp,
    /// The lanes in which a deployment has begun and has not ended.
    busy: BTreeSet<LaneId>,
    blocked: BTreeMap<ReleaseId, Blocked>,
}

impl Context {
    /// Of these deployments. Where none of them waits, no lane is looked at.
    pub(super) async fn of(
        app: &App,
        at_least: &AtLeast,
        now: Timestamp,
        entries: impl IntoIterator<Item = &Entry>,
    ) -> Result<Self, Problem> {
        let (mut lanes, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            if is_waiting(&entry.deployment) {
                lanes.insert(entry.lane.clone());
            }
            ids.insert(release(entry));
        }
        let busy = busy(app, at_least, now, lanes).await?;
        Ok(Self { now, busy, blocked: blocked(app, at_least, ids).await? })
    }

    /// How far a deployment has come by now.
    pub(super) fn mark(&self, entry: &Entry) -> Mark {
        let Entry { lane, deployment, .. } = entry;
        let has_ended = deployment.finished_at().is_some_and(|at| at <= self.now);
        if has_ended || deployment.is_void() {
            return Mark::of(deployment.status());
        }
        let has_begun = match &deployment.started {
            Some(started) => started.at <= self.now,
            None => deployment.has_begun(),
        };
        if has_begun {
            Mark::of_progress(Progress::Running)
        } else if deployment.requested.at > self.now {
            Mark::LATER
        } else {
            Mark::of_progress(self.progress(lane, deployment))
        }
    }

    fn progress(&self, lane: &LaneId, deployment: &Deployment) -> Progress {
        let needed = deployment.requested.approvals_in_force().map_or(0, |rule| rule.needed);
        match deployment.approvals_missing() {
            0 if self.busy.contains(lane) => Progress::Queued,
            0 => Progress::Requested,
            missing => {
                Progress::WaitingForApproval { given: needed.saturating_sub(missing), needed }
            }
        }
    }

    /// From when on a deployment is as it is recorded, if that is later than now.
    pub(super) fn later(&self, deployment: &Deployment) -> Option<Timestamp> {
        let began = deployment.started.as_ref().map(|started| started.at);
        let at = deployment.finished_at().or(began).unwrap_or(deployment.requested.at);
        (at > self.now).then_some(at)
    }

    /// The block in force of its release.
    pub(super) fn block(&self, entry: &Entry) -> Option<&Blocked> {
        self.blocked.get(&release(entry))
    }
}

/// Whether it has neither begun nor ended.
fn is_waiting(deployment: &Deployment) -> bool {
    deployment.status() == Status::Requested && !deployment.has_begun()
}

fn release(entry: &Entry) -> ReleaseId {
    let version = entry.deployment.release().version.clone();
    ReleaseId { service: entry.lane.service.clone(), version }
}

async fn busy(
    app: &App,
    at_least: &AtLeast,
    now: Timestamp,
    lanes: BTreeSet<LaneId>,
) -> Result<BTreeSet<LaneId>, Problem> {
    if lanes.is_empty() {
        return Ok(lanes);
    }
    at_least.seen_by(&app.models.current).await?;
    let ask = move |view: &View<'_>| {
        let mut busy = BTreeSet::new();
        for id in lanes {
            let lane = current::lane(view, &id, AsOf::at(now))?;
            let in_progress = lane.and_then(|lane| lane.in_progress);
            if in_progress.is_some_and(|(_, progress)| progress == Progress::Running) {
                busy.insert(id);
            }
        }
        Ok(busy)
    };
    Ok(app.models.current.query(ask).await?.value)
}

async fn blocked(
    app: &App,
    at_least: &AtLeast,
    ids: BTreeSet<ReleaseId>,
) -> Result<BTreeMap<ReleaseId, Blocked>, Problem> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    at_least.seen_by(&app.models.releases).await?;
    let ask = move |view: &View<'_>| {
        let mut blocked = BTreeMap::new();
        for id in ids {
            if let Some(block) = releases::one(view, &id)?.and_then(|row| row.blocked) {
                blocked.insert(id, block);
            }
        }
        Ok(blocked)
    };
    Ok(app.models.releases.query(ask).await?.value)
}
