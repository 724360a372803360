//! Events in, tables out.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{OptionalExtension, Row, Transaction, params};
use shiplog_domain::{
    environment,
    lane::{Approved, Event, LaneId, Requested},
    stream::StreamName,
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use super::{
    approvals, content,
    restate::{read_dated, read_doubt, restate},
    timeline::{self, Fact, Kind, Standing, Tail},
};
use crate::projection::ApplyError;

/// A lane's row, while a batch goes over it.
struct Lane {
    id: i64,
    version: u64,
    /// When the last fact by time happened; none before the first.
    at: Option<i64>,
    recorded_at: i64,
    late: bool,
    tail: Tail,
    /// Whether the tail no longer tells and the lane has to be folded again.
    stale: bool,
}

struct Batch<'t> {
    tables: &'t Transaction<'t>,
    lanes: HashMap<StreamName, Lane>,
    environments: HashSet<String>,
    label_sets: HashMap<String, i64>,
}

pub(super) fn fold(
    tables: &Transaction<'_>,
    events: &[Recorded<DomainEvent>],
) -> Result<(), ApplyError> {
    let mut batch = Batch {
        tables,
        lanes: HashMap::new(),
        environments: HashSet::new(),
        label_sets: HashMap::new(),
    };
    for recorded in events {
        match &recorded.event {
            DomainEvent::Lane(event) => batch.lane(recorded, event)?,
            DomainEvent::Environment(event) => batch.environment(recorded, event)?,
            DomainEvent::Release(_) | DomainEvent::Projection(_) => {}
        }
    }
    batch.finish()
}

impl Batch<'_> {
    fn lane(&mut self, recorded: &Recorded<DomainEvent>, event: &Event) -> Result<(), ApplyError> {
        if !self.lanes.contains_key(&recorded.stream) {
            let Some(id) = LaneId::from_stream(&recorded.stream) else { return Ok(()) };
            let lane = self.load(&id)?;
            self.lanes.insert(recorded.stream.clone(), lane);
        }
        let labels = if let Event::Requested(requested) = event {
            self.label_set(&requested.labels)?
        } else {
            None
        };
        let Some(lane) = self.lanes.get_mut(&recorded.stream) else { return Ok(()) };
        lane.version = recorded.version.0;
        if let Event::Requested(requested) = event {
            insert_deployment(self.tables, (lane.id, labels), requested, recorded)?;
        }
        if let Event::Failed(failed) = event {
            self.tables
                .prepare_cached(
                    "UPDATE deployments SET error = ?3 WHERE lane = ?1 AND number = ?2",
                )?
                .execute(params![lane.id, failed.number.0, failed.error])?;
        }
        if let Event::Approved(Approved { number, at, by, .. }) = event {
            let given = (by.as_str(), at.as_microsecond(), recorded.recorded_at.as_microsecond());
            approvals::give(self.tables, (lane.id, number.0), given)?;
            lane.recorded_at = recorded.recorded_at.as_microsecond();
        }
        if let Some(kind) = Kind::of(event) {
            let fact = Fact {
                at: event.at().as_microsecond(),
                position: recorded.position.0,
                kind,
                number: event.number().map(|number| number.0),
                target: timeline::target(event),
                version: recorded.version.0,
            };
            lane.recorded_at = recorded.recorded_at.as_microsecond();
            lane.take(self.tables, &fact)?;
        }
        Ok(())
    }

    fn load(&mut self, id: &LaneId) -> Result<Lane, ApplyError> {
        let (environment, service) = (id.environment.as_str(), id.service.as_str());
        let known = self
            .tables
            .prepare_cached(
                "SELECT id, version, at, recorded_at, late, open, running, since, failed, failed_at,
                        doubted, doubt
                 FROM lanes WHERE environment = ? AND service = ?",
            )?
            .query_row([environment, service], read_lane)
            .optional()?;
        if let Some((mut lane, open)) = known {
            lane.tail.open = serde_json::from_str(&open)?;
            return Ok(lane);
        }
        self.declare(environment)?;
        self.tables
            .prepare_cached(
                "INSERT INTO lanes (environment, service, version, at, recorded_at, late, open,
                                    waiting_count)
                 VALUES (?, ?, 0, 0, 0, 0, '', 0)",
            )?
            .execute([environment, service])?;
        Ok(Lane {
            id: self.tables.last_insert_rowid(),
            version: 0,
            at: None,
            recorded_at: 0,
            late: false,
            tail: Tail::default(),
            stale: false,
        })
    }

    /// The set of these labels, which is made when it is met first; none for no labels.
    fn label_set(&mut self, labels: &BTreeMap<String, String>) -> Result<Option<i64>, ApplyError> {
        if labels.is_empty() {
            return Ok(None);
        }
        let labels = serde_json::to_string(labels)?;
        if let Some(id) = self.label_sets.get(&labels) {
            return Ok(Some(*id));
        }
        let known = self
            .tables
            .prepare_cached("SELECT id FROM label_sets WHERE labels = ?")?
            .query_row([&labels], |row| row.get(0))
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            self.tables
                .prepare_cached("INSERT INTO label_sets (labels) VALUES (?)")?
                .execute([&labels])?;
            self.tables.last_insert_rowid()
        };
        self.label_sets.insert(labels, id);
        Ok(Some(id))
    }

    fn declare(&mut self, environment: &str) -> rusqlite::Result<()> {
        if self.environments.insert(environment.into()) {
            self.tables
                .prepare_cached("INSERT INTO environments VALUES (?) ON CONFLICT DO NOTHING")?
                .execute([environment])?;
        }
        Ok(())
    }

    fn environment(
        &mut self,
        recorded: &Recorded<DomainEvent>,
        event: &environment::Event,
    ) -> Result<(), ApplyError> {
        let Some(name) = environment::from_stream(&recorded.stream) else { return Ok(()) };
        self.declare(name.as_str())?;
        let encoded = shiplog_domain::wire::encode(event);
        self.tables
            .prepare_cached("INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                name.as_str(),
                event.at().as_microsecond(),
                recorded.position.0,
                recorded.recorded_at.as_microsecond(),
                encoded.event_type,
                encoded.schema,
                String::from_utf8_lossy(&encoded.data),
            ])?;
        Ok(())
    }

    fn finish(self) -> Result<(), ApplyError> {
        for lane in self.lanes.into_values() {
            lane.save(self.tables)?;
        }
        Ok(())
    }
}

/// Reads what [`Batch::load`] asks for, with `open` apart.
fn read_lane(row: &Row<'_>) -> rusqlite::Result<(Lane, String)> {
    let lane = Lane {
        id: row.get("id")?,
        version: row.get("version")?,
        at: row.get("at")?,
        recorded_at: row.get("recorded_at")?,
        late: row.get("late")?,
        tail: Tail {
            running: read_dated(row, 6)?,
            failed: read_dated(row, 8)?,
            doubt: read_doubt(row, 10)?,
            open: timeline::Open::default(),
        },
        stale: false,
    };
    Ok((lane, row.get("open")?))
}

fn insert_deployment(
    tables: &Transaction<'_>,
    (lane, labels): (i64, Option<i64>),
    requested: &Requested,
    recorded: &Recorded<DomainEvent>,
) -> Result<(), ApplyError> {
    let configuration =
        requested.configuration.as_deref().map(serde_json::to_string).transpose()?;
    tables
        .prepare_cached("INSERT INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)")?
        .execute(params![
            lane,
            requested.number.0,
            requested.release.version.as_str(),
            requested.release.commit,
            serde_json::to_string(&recorded.metadata.actor)?,
            serde_json::to_string(&requested.intent)?,
            requested.at.as_microsecond(),
            configuration,
            labels,
            requested.release.digests(),
            approvals::needed(requested)?,
        ])?;
    Ok(())
}

impl Lane {
    fn take(&mut self, tables: &Transaction<'_>, fact: &Fact) -> Result<(), ApplyError> {
        if self.at.is_some_and(|last| fact.at < last) {
            self.late = true;
            self.stale = true;
        } else {
            self.at = Some(fact.at);
        }
        let id = self.id;
        let same = |one, other| content::same(tables, id, one, other);
        self.stale = self.stale || !self.tail.step(fact, &same)?;
        let Standing { running, begun, waiting, waiting_count, failed, doubt } =
            self.tail.standing();
        tables
            .prepare_cached(
                "INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.id,
                fact.at,
                fact.position,
                self.recorded_at,
                fact.version,
                fact.kind as u8,
                fact.number,
                fact.target,
                running.map(|(number, _)| number),
                running.map(|(_, since)| since),
                begun,
                waiting,
                waiting_count,
                failed.map(|(number, _)| number),
                failed.map(|(_, at)| at),
                doubt.map(|doubt| doubt.number),
                doubt.map(|doubt| doubt.cause),
            ])?;
        Ok(())
    }

    fn save(mut self, tables: &Transaction<'_>) -> Result<(), ApplyError> {
        if self.stale {
            // A contradiction or a correction changes what was known before it was recorded.
            self.late = true;
            self.tail = restate(tables, self.id)?;
        }
        let Standing { running, begun, waiting, waiting_count, failed, doubt } =
            self.tail.standing();
        tables
            .prepare_cached(
                "UPDATE lanes SET version = ?2, at = ?3, recorded_at = ?4, late = ?5, open = ?6,
                        running = ?7, since = ?8, begun = ?9, waiting = ?10, waiting_count = ?11,
                        failed = ?12, failed_at = ?13, doubted = ?14, doubt = ?15
                 WHERE id = ?1",
            )?
            .execute(params![
                self.id,
                self.version,
                self.at.unwrap_or(0),
                self.recorded_at,
                self.late,
                serde_json::to_string(&self.tail.open)?,
                running.map(|(number, _)| number),
                running.map(|(_, since)| since),
                begun,
                waiting,
                waiting_count,
                failed.map(|(number, _)| number),
                failed.map(|(_, at)| at),
                doubt.map(|doubt| doubt.number),
                doubt.map(|doubt| doubt.cause),
            ])?;
        Ok(())
    }
}

/// Reads `at, position, kind, number, target, version`.
pub(super) fn read_fact(row: &Row<'_>) -> rusqlite::Result<Fact> {
    Ok(Fact {
        at: row.get(0)?,
        position: row.get(1)?,
        kind: row.get(2)?,
        number: row.get(3)?,
        target: row.get(4)?,
        version: row.get(5)?,
    })
}
