//! Events in, tables out.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use shiplog_domain::{
    environment,
    lane::{Approved, Event, LaneId, Requested},
    stream::StreamName,
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use super::{
    approvals,
    lane::Lane,
    timeline::{self, Fact, Kind},
};
use crate::projection::ApplyError;

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
            let lane = if let Some(lane) = Lane::load(self.tables, &id)? {
                lane
            } else {
                self.declare(id.environment.as_str())?;
                Lane::insert(self.tables, &id)?
            };
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
