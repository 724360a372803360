//! What a lane was at an instant, read as far as anybody asks.

use rusqlite::{OptionalExtension, Result};
use shiplog_domain::lane::{Cause, DeploymentNumber, LaneId};
use shiplog_store::position::StreamVersion;

use super::{
    Brief, LaneNow, Progress,
    lanes::{Instant, LaneRow},
};
use crate::{
    columns::{document, name, timestamp},
    current::{
        approvals::Approvals,
        timeline::{Doubted, Doubtful, Standing},
    },
    view::View,
};

/// What a lane was at an instant; each deployment that is asked for is read then.
#[derive(Debug)]
pub struct LaneAt<'v> {
    pub(super) view: &'v View<'v>,
    pub(super) row: &'v LaneRow,
    pub(super) version: u64,
    pub(super) instant: Instant,
    pub(super) standing: Standing,
}

impl LaneAt<'_> {
    /// Which one.
    pub fn id(&self) -> &LaneId {
        &self.row.lane
    }

    /// Whether anything runs.
    pub fn runs(&self) -> bool {
        self.standing.running.is_some()
    }

    /// Whether nobody knows what is really there.
    pub fn is_uncertain(&self) -> bool {
        self.standing.doubt.is_some()
    }

    /// The deployment that left the lane in doubt, and why.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn doubted(&self) -> Result<Option<(Brief, Cause)>> {
        let Some(Doubtful { number, cause: Doubted(cause) }) = self.standing.doubt else {
            return Ok(None);
        };
        Ok(self.brief(number, None)?.map(|brief| (brief, cause)))
    }

    /// What runs; `at` is since when.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn running(&self) -> Result<Option<Brief>> {
        let running = self.standing.running;
        Ok(running.map(|(number, at)| self.brief(number, Some(at))).transpose()?.flatten())
    }

    /// What is in progress: the newest that has begun or, if none has, the newest that waits; `at` is
    /// when it was requested.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn in_progress(&self) -> Result<Option<(Brief, Progress)>> {
        match self.standing.begun {
            Some(number) => Ok(self.brief(number, None)?.map(|brief| (brief, Progress::Running))),
            None => self.waiting(),
        }
    }

    /// The newest of what waits beside what is in progress.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn queued(&self) -> Result<Option<(Brief, Progress)>> {
        if self.standing.begun.is_some() { self.waiting() } else { Ok(None) }
    }

    /// How many deployments wait beside what is in progress.
    pub fn queued_count(&self) -> u32 {
        let Standing { begun, waiting_count, .. } = self.standing;
        if begun.is_some() { waiting_count } else { waiting_count.saturating_sub(1) }
    }

    fn waiting(&self) -> Result<Option<(Brief, Progress)>> {
        let Some(number) = self.standing.waiting else { return Ok(None) };
        let Some(brief) = self.brief(number, None)? else { return Ok(None) };
        let approvals: Option<String> = self
            .view
            .0
            .prepare_cached("SELECT approvals FROM deployments WHERE lane = ? AND number = ?")?
            .query_row((self.row.id, number), |row| row.get(0))?;
        let approvals = approvals.map(|text| document::<Approvals>(0, &text)).transpose()?;
        let given =
            approvals.map(|approvals| approvals.at(self.instant.at, self.instant.known_until()));
        Ok(Some((brief, Progress::of_waiting(given, self.standing.begun.is_some()))))
    }

    /// What is recorded to run from a later instant on; `at` is from when.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn upcoming(&self) -> Result<Option<Brief>> {
        let upcoming = self.row.upcoming(self.instant, self.standing);
        Ok(upcoming.map(|(number, at)| self.brief(number, Some(at))).transpose()?.flatten())
    }

    /// What failed last; `at` is when it did.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn last_failed(&self) -> Result<Option<Brief>> {
        let failed = self.standing.failed;
        Ok(failed.map(|(number, at)| self.brief(number, Some(at))).transpose()?.flatten())
    }

    fn brief(&self, number: u32, at: Option<i64>) -> Result<Option<Brief>> {
        let deployment = (self.row.id, number);
        self.view
            .0
            .prepare_cached(
                "SELECT version, commit_id, actor, intent, requested_at, error, configuration,
                        label_sets.labels, digests
                 FROM deployments LEFT JOIN label_sets ON label_sets.id = deployments.labels
                 WHERE lane = ? AND number = ?",
            )?
            .query_row(deployment, |row| {
                let configuration = row.get_ref(6)?.as_str_or_null()?;
                let labels = row.get_ref(7)?.as_str_or_null()?;
                let at = at.map_or_else(|| row.get::<_, i64>(4), Ok)?;
                Ok(Brief {
                    number: DeploymentNumber(number),
                    version: name(0, row.get_ref(0)?.as_str()?)?,
                    commit: row.get(1)?,
                    actor: document(2, row.get_ref(2)?.as_str()?)?,
                    intent: document(3, row.get_ref(3)?.as_str()?)?,
                    at: timestamp(4, at)?,
                    error: row.get(5)?,
                    configuration: configuration.map(|text| document(6, text)).transpose()?,
                    labels: labels.map(|text| document(7, text)).transpose()?.unwrap_or_default(),
                    digests: row.get(8)?,
                })
            })
            .optional()
    }
}

/// All of it.
pub(super) fn told(lane: &LaneAt<'_>) -> Result<LaneNow> {
    Ok(LaneNow {
        lane: lane.row.lane.clone(),
        version: StreamVersion(lane.version),
        running: lane.running()?,
        in_progress: lane.in_progress()?,
        queued: lane.queued()?,
        queued_count: lane.queued_count(),
        last_failed: lane.last_failed()?,
        doubt: lane.standing.doubt.map(|doubt| (DeploymentNumber(doubt.number), doubt.cause.0)),
        upcoming: lane.upcoming()?,
    })
}
