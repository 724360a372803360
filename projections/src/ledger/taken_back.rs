//! What each deployment of a lane was, and by which rollback it was taken back.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use rusqlite::Transaction;
use shiplog_domain::lane::{Classification, DeploymentNumber, Intent, LaneId};

use super::{
    Ledger,
    effects::{self, Point},
    reach::Back,
    row::{self, Row},
};
use crate::projection::ApplyError;

impl Ledger<'_> {
    /// Notes what a deployment took back, if it went back.
    pub(super) fn take_back(
        &mut self,
        (lane, id): (i64, &LaneId),
        number: u32,
        at: Point,
    ) -> Result<(), ApplyError> {
        let Some(row) = self.rows.get(&(lane, number)) else { return Ok(()) };
        for taken in taken_back(self.tables, lane, row, at)? {
            if let Some(row) = self.row(lane, id, taken)? {
                row.taken_back_by.get_or_insert(DeploymentNumber(number));
            }
        }
        Ok(())
    }

    /// The row of a deployment, read if the batch has not touched it.
    fn row(
        &mut self,
        lane: i64,
        id: &LaneId,
        number: DeploymentNumber,
    ) -> Result<Option<&mut Row>, ApplyError> {
        Ok(match self.rows.entry((lane, number.0)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(missing) => {
                Row::load(self.tables, lane, id, number)?.map(|row| missing.insert(row))
            }
        })
    }

    /// Tells anew what each deployment of a lane was, and by which rollback it was taken back.
    pub(super) fn judge_anew(&mut self, lane: i64, id: &LaneId) -> Result<(), ApplyError> {
        let judged = effects::judge_all(self.tables, lane)?;
        for (number, _, verdict) in &judged {
            if !self.rows.contains_key(&(lane, number.0))
                && row::has_verdict(self.tables, lane, *number, verdict)?
            {
                continue;
            }
            if let Some(row) = self.row(lane, id, *number)? {
                row.judge(verdict.clone());
            }
        }
        // Those that went back have to be there to be asked what they took back.
        let mut taken: BTreeMap<DeploymentNumber, DeploymentNumber> = BTreeMap::new();
        for (number, at, verdict) in judged {
            if verdict.classification != Classification::Rollback
                && !effects::is_declared(self.tables, lane, at)?
            {
                continue;
            }
            let tables = self.tables;
            let Some(row) = self.row(lane, id, number)? else { continue };
            for one in taken_back(tables, lane, row, at)? {
                taken.entry(one).or_insert(number);
            }
        }
        let before = row::taken_back(self.tables, lane)?;
        let pending = self
            .rows
            .range((lane, 0)..=(lane, u32::MAX))
            .map(|((_, one), row)| (DeploymentNumber(*one), row.taken_back_by));
        let pending: Vec<_> = pending.filter_map(|(one, by)| Some((one, by?))).collect();
        let numbers: BTreeSet<_> = before
            .into_iter()
            .chain(pending)
            .map(|(one, _)| one)
            .chain(taken.keys().copied())
            .collect();
        for number in numbers {
            let by = taken.get(&number).copied();
            if let Some(row) = self.row(lane, id, number)? {
                row.taken_back_by = by;
            }
        }
        Ok(())
    }
}

/// What a deployment took back when it took effect, if it went back; what put the same release
/// there as it did is not taken back by it.
fn taken_back(
    tables: &Transaction<'_>,
    lane: i64,
    row: &Row,
    at: Point,
) -> Result<Vec<DeploymentNumber>, ApplyError> {
    let restores = match row.deployment.intent() {
        Intent::Rollback { restores, .. } => *restores,
        Intent::Deploy | Intent::RollForward { .. } | Intent::Retry { .. } | Intent::Unknown
            if row.classification() == Classification::Rollback =>
        {
            None
        }
        Intent::Deploy | Intent::RollForward { .. } | Intent::Retry { .. } | Intent::Unknown => {
            return Ok(Vec::new());
        }
    };
    let release = row.deployment.release().identity();
    let back = Back { lane, at, release: release.clone(), restores };
    let reached = back.reach(tables, usize::MAX)?;
    let others = reached.reverts.into_iter().filter(|ran| !ran.release().is(&release));
    Ok(others.map(|ran| ran.place.number).collect())
}
