//! A lane's row, while a batch goes over it.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use shiplog_domain::lane::LaneId;

use super::{
    restate::restate,
    rows::{read_dated, read_doubt, standing_columns, with_standing},
    same,
    timeline::{Fact, Open, Tail},
};
use crate::projection::ApplyError;

/// A lane's row, while a batch goes over it.
pub(super) struct Lane {
    pub(super) id: i64,
    pub(super) version: u64,
    /// When the last fact by time happened; none before the first.
    at: Option<i64>,
    pub(super) recorded_at: i64,
    late: bool,
    tail: Tail,
    /// Whether the tail no longer tells and the lane has to be folded again.
    stale: bool,
}

impl Lane {
    /// A lane that is there.
    pub(super) fn load(tables: &Transaction<'_>, id: &LaneId) -> Result<Option<Self>, ApplyError> {
        let known = tables
            .prepare_cached(
                "SELECT id, version, at, recorded_at, late, open, running, since, failed, failed_at,
                        doubted, doubt
                 FROM lanes WHERE environment = ? AND service = ?",
            )?
            .query_row([id.environment.as_str(), id.service.as_str()], read_lane)
            .optional()?;
        let Some((mut lane, open)) = known else { return Ok(None) };
        lane.tail.open = serde_json::from_str(&open)?;
        Ok(Some(lane))
    }

    /// A lane that is there from now on.
    pub(super) fn insert(tables: &Transaction<'_>, id: &LaneId) -> rusqlite::Result<Self> {
        tables
            .prepare_cached(
                "INSERT INTO lanes (environment, service, version, at, recorded_at, late, open,
                                    waiting_count)
                 VALUES (?, ?, 0, 0, 0, 0, '', 0)",
            )?
            .execute([id.environment.as_str(), id.service.as_str()])?;
        Ok(Self {
            id: tables.last_insert_rowid(),
            version: 0,
            at: None,
            recorded_at: 0,
            late: false,
            tail: Tail::default(),
            stale: false,
        })
    }

    /// Takes a fact, and tells what the lane is after it.
    pub(super) fn take(&mut self, tables: &Transaction<'_>, fact: &Fact) -> Result<(), ApplyError> {
        if self.at.is_some_and(|last| fact.at < last) {
            self.late = true;
            self.stale = true;
        } else {
            self.at = Some(fact.at);
        }
        let id = self.id;
        let same = |one, other| same::same(tables, id, one, other);
        self.stale = self.stale || !self.tail.step(fact, &same)?;
        let standing = standing_columns(&self.tail.standing());
        tables
            .prepare_cached(
                "INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(with_standing(
                params![
                    self.id,
                    fact.at,
                    fact.position,
                    self.recorded_at,
                    fact.version,
                    fact.kind as u8,
                    fact.number,
                    fact.target,
                ],
                &standing,
            ))?;
        Ok(())
    }

    /// Writes what became of it in a batch.
    pub(super) fn save(mut self, tables: &Transaction<'_>) -> Result<(), ApplyError> {
        if self.stale {
            // A contradiction or a correction changes what was known before it was recorded.
            self.late = true;
            self.tail = restate(tables, self.id)?;
        }
        let standing = standing_columns(&self.tail.standing());
        tables
            .prepare_cached(
                "UPDATE lanes SET version = ?2, at = ?3, recorded_at = ?4, late = ?5, open = ?6,
                        running = ?7, since = ?8, begun = ?9, waiting = ?10, waiting_count = ?11,
                        failed = ?12, failed_at = ?13, doubted = ?14, doubt = ?15
                 WHERE id = ?1",
            )?
            .execute(with_standing(
                params![
                    self.id,
                    self.version,
                    self.at.unwrap_or(0),
                    self.recorded_at,
                    self.late,
                    serde_json::to_string(&self.tail.open)?,
                ],
                &standing,
            ))?;
        Ok(())
    }
}

/// Reads what [`Lane::load`] asks for, with `open` apart.
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
            open: Open::default(),
        },
        stale: false,
    };
    Ok((lane, row.get("open")?))
}
