//! Every release that was registered or deployed, and whether it may go further.

mod contents;

use std::collections::{HashMap, hash_map::Entry};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Row, Transaction, params};
use shiplog_domain::{
    lane::{self, LaneId},
    names::{ServiceName, Version},
    release::{self, Blocked, Manifest, ReleaseId},
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use self::contents::Contents;
pub use self::contents::{Known, contents, count_contents};
use crate::{
    columns::{document, name, timestamp},
    page::{Listed, Page},
    projection::{ApplyError, Projection},
    sort_key::SortKeys,
    view::View,
};

/// The projection behind the list of releases.
#[derive(Clone, Copy, Debug)]
pub struct Releases;

impl Projection for Releases {
    fn name(&self) -> &'static str {
        "releases"
    }

    fn version(&self) -> u32 {
        3
    }

    fn schema(&self) -> String {
        include_str!("releases.sql").into()
    }

    fn indexes(&self) -> &'static str {
        include_str!("releases_indexes.sql")
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        let mut batch = Batch {
            tables,
            keys: SortKeys::new("SELECT max(id) FROM releases WHERE id BETWEEN ?1 AND ?2"),
            known: HashMap::new(),
        };
        for recorded in events {
            batch.apply(recorded)?;
        }
        Ok(())
    }
}

struct Batch<'t> {
    tables: &'t Transaction<'t>,
    keys: SortKeys,
    known: HashMap<ReleaseId, Contents>,
}

impl Batch<'_> {
    fn apply(&mut self, recorded: &Recorded<DomainEvent>) -> Result<(), ApplyError> {
        match &recorded.event {
            DomainEvent::Lane(lane::Event::Requested(requested)) => {
                let Some(lane) = LaneId::from_stream(&recorded.stream) else { return Ok(()) };
                let version = requested.release.version.clone();
                let id = ReleaseId { service: lane.service, version };
                self.meet(&id, &requested.release, requested.at)
            }
            DomainEvent::Release(event) => {
                let Some(id) = ReleaseId::from_stream(&recorded.stream) else { return Ok(()) };
                self.hear(&id, event)
            }
            DomainEvent::Lane(_) | DomainEvent::Environment(_) | DomainEvent::Projection(_) => {
                Ok(())
            }
        }
    }

    /// Adds a release unless it is known.
    fn meet(
        &mut self,
        id: &ReleaseId,
        manifest: &Manifest,
        at: Timestamp,
    ) -> Result<(), ApplyError> {
        let contents = match self.known.entry(id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let contents = match Contents::load(self.tables, id)? {
                    Some(contents) => contents,
                    None => Contents::new(insert(self.tables, &mut self.keys, id, manifest, at)?),
                };
                unknown.insert(contents)
            }
        };
        contents.meet(self.tables, manifest, at)
    }

    fn hear(&mut self, id: &ReleaseId, event: &release::Event) -> Result<(), ApplyError> {
        let names = (id.service.as_str(), id.version.as_str());
        let block = match event {
            release::Event::Registered(registered) => {
                self.meet(id, &registered.release, registered.at)?;
                self.tables
                    .prepare_cached(
                        "UPDATE releases SET registered = 1, manifest = ?3
                         WHERE service = ?1 AND version = ?2",
                    )?
                    .execute((names.0, names.1, serde_json::to_string(&registered.release)?))?;
                return Ok(());
            }
            release::Event::Blocked(blocked) => {
                self.meet(id, &Manifest::named(id.version.clone()), blocked.at)?;
                Some(serde_json::to_string(blocked)?)
            }
            release::Event::Unblocked(_) => None,
        };
        self.tables
            .prepare_cached("UPDATE releases SET blocked = ?3 WHERE service = ?1 AND version = ?2")?
            .execute((names.0, names.1, block))?;
        Ok(())
    }
}

/// Adds a release; answers its id.
fn insert(
    tables: &Transaction<'_>,
    keys: &mut SortKeys,
    id: &ReleaseId,
    manifest: &Manifest,
    at: Timestamp,
) -> Result<i64, ApplyError> {
    let key = keys.take(tables, at)?;
    tables.prepare_cached("INSERT INTO releases VALUES (?, ?, ?, ?, 0, NULL, ?)")?.execute(
        params![
            key,
            id.service.as_str(),
            id.version.as_str(),
            serde_json::to_string(manifest)?,
            at.as_microsecond(),
        ],
    )?;
    Ok(key)
}

/// Which releases are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this service.
    pub service: Option<ServiceName>,
}

/// One release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// Of which service, and what it is called.
    pub id: ReleaseId,
    /// As registered, else as deployed first.
    pub manifest: Manifest,
    /// Whether anybody registered it.
    pub registered: bool,
    /// The block in force.
    pub blocked: Option<Blocked>,
    /// When it was first heard of.
    pub first_seen_at: Timestamp,
}

const COLUMNS: &str =
    "SELECT id, service, version, manifest, registered, blocked, first_seen_at FROM releases";

/// Lists releases by when they were first heard of.
///
/// # Errors
///
/// What SQLite says.
pub fn list(view: &View<'_>, filter: &Filter, page: &Page) -> Result<Listed<ReleaseRow>> {
    let (comparison, direction) = page.direction();
    let service = if filter.service.is_some() { "service = ?1" } else { "?1 IS NULL" };
    let after =
        page.after.map_or_else(|| "1".into(), |after| format!("id {comparison} {}", after.0));
    let statement = format!(
        "{COLUMNS} WHERE {service} AND {after} ORDER BY id {direction} LIMIT {}",
        page.probe()
    );
    let found = view
        .0
        .prepare(&statement)?
        .query_map([filter.service.as_ref().map(ServiceName::as_str)], read)?
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(found))
}

/// One release.
///
/// # Errors
///
/// What SQLite says.
pub fn one(view: &View<'_>, id: &ReleaseId) -> Result<Option<ReleaseRow>> {
    view.0
        .prepare_cached(&format!("{COLUMNS} WHERE service = ? AND version = ?"))?
        .query_row([id.service.as_str(), id.version.as_str()], |row| {
            read(row).map(|(_, release)| release)
        })
        .optional()
}

/// Those of these versions of a service that are known, in the same order.
///
/// # Errors
///
/// What SQLite says.
pub fn of(view: &View<'_>, service: &ServiceName, versions: &[Version]) -> Result<Vec<ReleaseRow>> {
    let mut known = Vec::new();
    for version in versions {
        let id = ReleaseId { service: service.clone(), version: version.clone() };
        known.extend(one(view, &id)?);
    }
    Ok(known)
}

/// The releases of a service that were first heard of after one of them, the oldest first.
///
/// # Errors
///
/// What SQLite says.
pub fn after(view: &View<'_>, id: &ReleaseId, limit: usize) -> Result<Vec<ReleaseRow>> {
    between(view, id, None, limit)
}

/// The releases of a service that were first heard of between two of them, the oldest first.
///
/// # Errors
///
/// What SQLite says.
pub fn amid(
    view: &View<'_>,
    older: &ReleaseId,
    newer: &ReleaseId,
    limit: usize,
) -> Result<Vec<ReleaseRow>> {
    between(view, older, Some(newer), limit)
}

/// Whether one release of a service was first heard of before another one; not if either is unknown.
///
/// # Errors
///
/// What SQLite says.
pub fn is_older(view: &View<'_>, one: &ReleaseId, other: &ReleaseId) -> Result<bool> {
    let found = view
        .0
        .prepare_cached(
            "SELECT one.id < other.id FROM releases one JOIN releases other
             ON other.service = one.service
             WHERE one.service = ?1 AND one.version = ?2 AND other.version = ?3",
        )?
        .query_row([one.service.as_str(), one.version.as_str(), other.version.as_str()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(found.unwrap_or(false))
}

fn between(
    view: &View<'_>,
    older: &ReleaseId,
    newer: Option<&ReleaseId>,
    limit: usize,
) -> Result<Vec<ReleaseRow>> {
    view.0
        .prepare_cached(&format!(
            "{COLUMNS} WHERE service = ?1
             AND id > (SELECT id FROM releases WHERE service = ?1 AND version = ?2)
             AND (?3 IS NULL
                  OR id < (SELECT id FROM releases WHERE service = ?1 AND version = ?3))
             ORDER BY id LIMIT ?4"
        ))?
        .query_map(
            params![
                older.service.as_str(),
                older.version.as_str(),
                newer.map(|one| one.version.as_str()),
                limit,
            ],
            |row| read(row).map(|(_, release)| release),
        )?
        .collect()
}

fn read(row: &Row<'_>) -> Result<(i64, ReleaseRow)> {
    let blocked: Option<String> = row.get(5)?;
    let release = ReleaseRow {
        id: ReleaseId {
            service: name(1, &row.get::<_, String>(1)?)?,
            version: name(2, &row.get::<_, String>(2)?)?,
        },
        manifest: document(3, &row.get::<_, String>(3)?)?,
        registered: row.get(4)?,
        blocked: blocked.map(|blocked| document(5, &blocked)).transpose()?,
        first_seen_at: timestamp(6, row.get(6)?)?,
    };
    Ok((row.get(0)?, release))
}
