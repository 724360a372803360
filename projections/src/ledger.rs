//! Every deployment whole, and what each one was: shared by the read models that tell of single
//! deployments, each of which keeps its own.

mod effects;
mod place;
mod reach;
mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry as Slot};

use rusqlite::Transaction;
use shiplog_domain::{
    lane::{Classification, DeploymentNumber, Event, Intent, LaneId, Requested},
    release::{Change, Manifest},
    stream::StreamName,
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use self::{effects::Effects, row::Settled};
pub(crate) use self::{
    effects::Point,
    place::read_place,
    reach::{Back, ran_since},
    row::{ENTRY, ENTRY_COLUMNS, Row, read_entry},
};
pub use self::{
    place::Place,
    row::{Entry, TakenBack},
};
use crate::{projection::ApplyError, sort_key::SortKeys};

/// The tables of every model that keeps a ledger.
pub(crate) const SCHEMA: &str = include_str!("ledger.sql");

/// How much of each deployment is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All that its events say.
    Whole,
    /// Without labels, links, notes, health, and without what its release changes unless that is for
    /// good.
    Outline,
}

/// A batch of events on its way into a ledger.
pub(crate) struct Ledger<'t> {
    tables: &'t Transaction<'t>,
    detail: Detail,
    keys: SortKeys,
    lanes: HashMap<StreamName, Lane>,
    rows: BTreeMap<(i64, u32), Row>,
    /// Lanes in which something happened before what had happened already.
    late: BTreeSet<i64>,
}

struct Lane {
    row: i64,
    id: LaneId,
    effects: Effects,
}

impl<'t> Ledger<'t> {
    pub(crate) fn new(tables: &'t Transaction<'t>, detail: Detail) -> Self {
        Self {
            tables,
            detail,
            keys: SortKeys::new("SELECT max(id) FROM deployments WHERE id BETWEEN ?1 AND ?2"),
            lanes: HashMap::new(),
            rows: BTreeMap::new(),
            late: BTreeSet::new(),
        }
    }

    pub(crate) fn apply(&mut self, recorded: &Recorded<DomainEvent>) -> Result<(), ApplyError> {
        let DomainEvent::Lane(event) = &recorded.event else { return Ok(()) };
        if !self.lanes.contains_key(&recorded.stream) {
            let Some(id) = LaneId::from_stream(&recorded.stream) else { return Ok(()) };
            let row = intern(self.tables, &id)?;
            let effects = Effects::load(self.tables, row)?;
            self.lanes.insert(recorded.stream.clone(), Lane { row, id, effects });
        }
        match event {
            Event::Requested(requested) => self.request(recorded, requested),
            Event::Removed(removed) => {
                let point = Point::removal(removed.at, recorded.version);
                self.take_effect(&recorded.stream, point, None)
            }
            Event::Approved(_)
            | Event::Rejected(_)
            | Event::Started(_)
            | Event::TargetStarted(_)
            | Event::TargetSucceeded(_)
            | Event::TargetFailed(_)
            | Event::Succeeded(_)
            | Event::Failed(_)
            | Event::Cancelled(_)
            | Event::Health(_)
            | Event::Annotated(_)
            | Event::Corrected(_) => self.happen(recorded, event),
        }
    }

    fn request(
        &mut self,
        recorded: &Recorded<DomainEvent>,
        requested: &Requested,
    ) -> Result<(), ApplyError> {
        let Some(lane) = self.lanes.get(&recorded.stream) else { return Ok(()) };
        let id = self.keys.take(self.tables, requested.at)?;
        let verdict = lane.effects.judge(self.tables, &requested.release.identity())?;
        let judged = (verdict, lane.effects.after());
        let row = Row::new(id, lane.id.clone(), recorded, self.detail.cut(requested), judged);
        self.rows.insert((lane.row, requested.number.0), row);
        Ok(())
    }

    fn happen(
        &mut self,
        recorded: &Recorded<DomainEvent>,
        event: &Event,
    ) -> Result<(), ApplyError> {
        let (Some(lane), Some(number)) = (self.lanes.get(&recorded.stream), event.number()) else {
            return Ok(());
        };
        let key = (lane.row, number.0);
        if !self.rows.contains_key(&key) {
            let unheard = || ApplyError::Unheard {
                position: recorded.position.0,
                stream: recorded.stream.to_string(),
                number: number.0,
            };
            let row = Row::load(self.tables, lane.row, &lane.id, number)?.ok_or_else(unheard)?;
            self.rows.insert(key, row);
        }
        let Some(row) = self.rows.get_mut(&key) else { return Ok(()) };
        let lane_row = lane.row;
        let doubt = row.deployment.doubt();
        let settled = row.apply(recorded, event, self.detail);
        if row.deployment.doubt() != doubt {
            effects::doubt(self.tables, lane_row, &row.deployment)?;
            // What has taken effect since may have taken it back, or not.
            let point = row.deployment.doubt().or(doubt).map(Point::of_doubt);
            if point.is_some_and(|point| !lane.effects.is_last(point)) {
                self.late.insert(lane_row);
            }
        }
        match settled {
            Settled::AsBefore => Ok(()),
            Settled::Succeeded(point) => self.take_effect(&recorded.stream, point, Some(number.0)),
            Settled::Anew(point) => {
                effects::forget(self.tables, lane_row, number)?;
                self.late.insert(lane_row);
                let effects = Effects::load(self.tables, lane_row)?;
                // From here on it is what it would be now, however the batches were cut.
                row.judge(effects.judge(self.tables, &row.deployment.release().identity())?);
                if let Some(lane) = self.lanes.get_mut(&recorded.stream) {
                    lane.effects = effects;
                }
                let Some(point) = point else { return Ok(()) };
                self.take_effect(&recorded.stream, point, Some(number.0))
            }
        }
    }

    fn take_effect(
        &mut self,
        stream: &StreamName,
        point: Point,
        number: Option<u32>,
    ) -> Result<(), ApplyError> {
        let Some(lane) = self.lanes.get_mut(stream) else { return Ok(()) };
        let mut row = number.and_then(|number| self.rows.get_mut(&(lane.row, number)));
        if !lane.effects.is_last(point) {
            self.late.insert(lane.row);
        } else if let Some(row) = &mut row
            && row.judged_after != Some(lane.effects.after())
        {
            let release = row.deployment.release().identity();
            let verdict = lane.effects.judge(self.tables, &release)?;
            row.judge(verdict);
        }
        let deployment = row.map(|row| &row.deployment);
        lane.effects.take(self.tables, point, deployment)?;
        let (lane, is_late) = ((lane.row, lane.id.clone()), self.late.contains(&lane.row));
        match number {
            Some(number) if !is_late => self.take_back((lane.0, &lane.1), number, point),
            Some(_) | None => Ok(()),
        }
    }

    /// Notes what a deployment took back, if it went back.
    fn take_back(
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
            Slot::Occupied(known) => Some(known.into_mut()),
            Slot::Vacant(missing) => {
                Row::load(self.tables, lane, id, number)?.map(|row| missing.insert(row))
            }
        })
    }

    /// The lanes in which something happened before what had happened already.
    pub(crate) fn late(&self) -> Vec<LaneId> {
        let late = |lane: &&Lane| self.late.contains(&lane.row);
        self.lanes.values().filter(late).map(|lane| lane.id.clone()).collect()
    }

    /// Writes the batch; returns what it changed.
    pub(crate) fn finish(mut self) -> Result<Vec<Row>, ApplyError> {
        let lanes: HashMap<i64, LaneId> =
            std::mem::take(&mut self.lanes).into_values().map(|lane| (lane.row, lane.id)).collect();
        for lane in std::mem::take(&mut self.late) {
            if let Some(id) = lanes.get(&lane) {
                self.judge_anew(lane, id)?;
            }
        }
        for ((lane, _), row) in &self.rows {
            row.save(self.tables, *lane)?;
        }
        Ok(self.rows.into_values().collect())
    }
}

impl Ledger<'_> {
    /// Tells anew what each deployment of a lane was, and by which rollback it was taken back.
    fn judge_anew(&mut self, lane: i64, id: &LaneId) -> Result<(), ApplyError> {
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
    let reached = Back { lane, at, release: release.clone(), restores }.reach(tables)?;
    let others = reached.reverts.into_iter().filter(|ran| !ran.release().is(&release));
    Ok(others.map(|ran| ran.place.number).collect())
}

impl Detail {
    fn cut(self, requested: &Requested) -> Requested {
        match self {
            Self::Whole => requested.clone(),
            Self::Outline => Requested {
                release: outline(&requested.release).into(),
                url: None,
                labels: BTreeMap::new(),
                ..requested.clone()
            },
        }
    }
}

/// What a release is called and told apart by, and what it changes for good.
fn outline(release: &Manifest) -> Manifest {
    let for_good = |change: &&Change| change.reversible == Some(false);
    let changes = release.changes.iter().filter(for_good).cloned().collect();
    let (commit, artifacts) = (release.commit.clone(), release.artifacts.clone());
    Manifest { changes, commit, artifacts, ..Manifest::named(release.version.clone()) }
}

fn intern(tables: &Transaction<'_>, lane: &LaneId) -> rusqlite::Result<i64> {
    use rusqlite::OptionalExtension;
    let names = [lane.service.as_str(), lane.environment.as_str()];
    let known = tables
        .prepare_cached("SELECT id FROM lanes WHERE service = ? AND environment = ?")?
        .query_row(names, |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    tables
        .prepare_cached("INSERT INTO lanes (service, environment) VALUES (?, ?)")?
        .execute(names)?;
    Ok(tables.last_insert_rowid())
}
