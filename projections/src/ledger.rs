//! Every deployment whole, and what each one was: shared by the read models that tell of single
//! deployments, each of which keeps its own.

mod effects;
mod entry;
mod place;
mod reach;
mod row;
mod taken_back;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Transaction;
use shiplog_domain::{
    lane::{Event, LaneId, Requested},
    release::{Change, Manifest},
    stream::StreamName,
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use self::{effects::Effects, row::Settled};
pub(crate) use self::{
    effects::Point,
    entry::{ENTRY, ENTRY_COLUMNS, read_entry},
    place::read_place,
    reach::{Back, ran_since},
    row::Row,
};
pub use self::{
    entry::{Entry, TakenBack},
    place::Place,
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
