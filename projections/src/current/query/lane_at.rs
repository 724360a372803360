//! What a lane was at an instant, read as far as anybody asks.

use rusqlite::{OptionalExtension, Result};
use shiplog_domain::lane::{DeploymentNumber, LaneId};
use shiplog_store::position::StreamVersion;

use super::{Brief, LaneNow, lanes::LaneRow};
use crate::{
    columns::{document, name, timestamp},
    current::timeline::Standing,
    view::View,
};

/// What a lane was at an instant; each deployment that is asked for is read then.
#[derive(Debug)]
pub struct LaneAt<'v> {
    pub(super) view: &'v View<'v>,
    pub(super) row: &'v LaneRow,
    pub(super) version: u64,
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

    /// Whether the last thing to end there failed, so that nobody knows what is really there.
    pub fn is_uncertain(&self) -> bool {
        self.standing.uncertain && self.standing.failed.is_some()
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

    /// What has not ended; `at` is when it was requested.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn in_progress(&self) -> Result<Option<Brief>> {
        let open = self.standing.in_progress;
        Ok(open.map(|number| self.brief(number, None)).transpose()?.flatten())
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
                        label_sets.labels
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
                })
            })
            .optional()
    }
}

/// All of it.
pub(super) fn told(lane: &LaneAt<'_>) -> Result<LaneNow> {
    let failed = lane.standing.failed.filter(|_| lane.is_uncertain());
    let half_way = |(number, _)| format!("{} failed half-way", DeploymentNumber(number));
    Ok(LaneNow {
        lane: lane.row.lane.clone(),
        version: StreamVersion(lane.version),
        running: lane.running()?,
        in_progress: lane.in_progress()?,
        last_failed: lane.last_failed()?,
        uncertain: failed.map(half_way),
    })
}
