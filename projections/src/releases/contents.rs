//! What bears the name of a release: one content, or several where a tag moved.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Transaction, params};
use shiplog_domain::release::{Manifest, ReleaseId};

use crate::{
    columns::{document, timestamp},
    projection::ApplyError,
    view::View,
};

/// How many contents of one name are told apart.
const CONTENTS: usize = 20;

/// A content that bears the name of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its version, its commit and its artifacts; nothing else of it is here.
    pub manifest: Manifest,
    /// When it was first heard of.
    pub first_seen_at: Timestamp,
}

/// What bears the name of a release, in the order in which it was heard of: 20 contents at most.
///
/// # Errors
///
/// What SQLite says.
pub fn contents(view: &View<'_>, id: &ReleaseId) -> Result<Vec<Known>> {
    view.0
        .prepare_cached(
            "SELECT c.manifest, c.first_seen_at FROM releases r
             JOIN contents c ON c.release = r.id
             WHERE r.service = ? AND r.version = ? ORDER BY c.place",
        )?
        .query_map([id.service.as_str(), id.version.as_str()], |row| {
            Ok(Known {
                manifest: document(0, row.get_ref(0)?.as_str()?)?,
                first_seen_at: timestamp(1, row.get(1)?)?,
            })
        })?
        .collect()
}

/// How many different contents bear the name of a release.
///
/// # Errors
///
/// What SQLite says.
pub fn count_contents(view: &View<'_>, id: &ReleaseId) -> Result<usize> {
    view.0
        .prepare_cached(
            "SELECT count(*) FROM releases r
             JOIN contents c ON c.release = r.id
             WHERE r.service = ? AND r.version = ?",
        )?
        .query_one([id.service.as_str(), id.version.as_str()], |row| row.get(0))
}

/// The contents of one name, while a batch goes over it.
pub(super) struct Contents {
    release: i64,
    known: Vec<Manifest>,
}

impl Contents {
    /// Of a release that nobody had heard of.
    pub(super) fn new(release: i64) -> Self {
        Self { release, known: Vec::new() }
    }

    /// Of a release that is known; none if it is not.
    pub(super) fn load(tables: &Transaction<'_>, id: &ReleaseId) -> Result<Option<Self>> {
        let release = tables
            .prepare_cached("SELECT id FROM releases WHERE service = ? AND version = ?")?
            .query_row([id.service.as_str(), id.version.as_str()], |row| row.get(0))
            .optional()?;
        let Some(release) = release else { return Ok(None) };
        let known = tables
            .prepare_cached("SELECT manifest FROM contents WHERE release = ? ORDER BY place")?
            .query_map([release], |row| document(0, row.get_ref(0)?.as_str()?))?
            .collect::<Result<_>>()?;
        Ok(Some(Self { release, known }))
    }

    /// Notes what bears the name, unless it is known.
    pub(super) fn meet(
        &mut self,
        tables: &Transaction<'_>,
        manifest: &Manifest,
        at: Timestamp,
    ) -> Result<(), ApplyError> {
        let alike = self.known.iter().position(|one| one.is_same_as(manifest));
        let place = alike.unwrap_or(self.known.len());
        let Some(known) = self.known.get_mut(place) else {
            return if place < CONTENTS { self.add(tables, manifest, at) } else { Ok(()) };
        };
        // What is known of it grows: the next one is compared with all of that.
        let mut grown = known.clone();
        grown.commit = grown.commit.or_else(|| manifest.commit.clone());
        if grown.artifacts.is_empty() {
            grown.artifacts.clone_from(&manifest.artifacts);
        }
        if grown == *known {
            return Ok(());
        }
        tables
            .prepare_cached("UPDATE contents SET manifest = ?3 WHERE release = ?1 AND place = ?2")?
            .execute(params![self.release, place, serde_json::to_string(&grown)?])?;
        *known = grown;
        Ok(())
    }

    fn add(
        &mut self,
        tables: &Transaction<'_>,
        manifest: &Manifest,
        at: Timestamp,
    ) -> Result<(), ApplyError> {
        let content = Manifest {
            commit: manifest.commit.clone(),
            artifacts: manifest.artifacts.clone(),
            ..Manifest::named(manifest.version.clone())
        };
        tables.prepare_cached("INSERT INTO contents VALUES (?, ?, ?, ?)")?.execute(params![
            self.release,
            self.known.len(),
            serde_json::to_string(&content)?,
            at.as_microsecond(),
        ])?;
        self.known.push(content);
        Ok(())
    }
}
