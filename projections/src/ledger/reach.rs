//! What a deployment that went back brought back and took back when it took effect, from what had
//! taken effect and been left in doubt in its lane until then.

use rusqlite::{Connection, OptionalExtension, Result, params};
use shiplog_domain::lane::{DeploymentNumber, Identity};

use super::{
    effects::Point,
    place::{Place, Ran, read_place, read_ran},
};
use crate::content::Kept;

/// What a deployment brought back and took back.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    /// Whose release it brought back; none if that never ran here before.
    pub(crate) to: Option<Place>,
    /// What it took back, newest first: as much of it as was asked for.
    pub(crate) reverts: Vec<Ran>,
    /// Since when what took effect there was taken back; none if that was only what it replaced.
    pub(crate) since: Option<Point>,
    /// When something had taken effect last: what was left in doubt since then was taken back as well.
    pub(crate) last: Point,
}

/// A deployment that went back.
pub(crate) struct Back<'r> {
    pub(crate) lane: i64,
    /// When it took effect.
    pub(crate) at: Point,
    pub(crate) release: Identity<'r>,
    /// The deployment that it says it restores, if it says so.
    pub(crate) restores: Option<DeploymentNumber>,
}

impl Back<'_> {
    /// What it brought back and took back, and no more of that than `most`.
    pub(crate) fn reach(&self, tables: &Connection, most: usize) -> Result<Reached> {
        let named = self.restores.map(|number| self.effect_of(tables, number)).transpose()?;
        let restored = match named.flatten() {
            Some(restored) => Some(restored),
            None => self.last_before(tables)?,
        };
        let (to, since) = restored.map_or((None, None), |(ran, at)| (Some(ran.place), Some(at)));
        let last = self.last(tables)?;
        let mut reverts = self.shaken(tables, (last, most))?;
        reverts.extend(match since {
            Some(since) => self.ran_since(tables, (since, most))?,
            // What it replaced, and no more: what it brought never ran here.
            None => self.replaced(tables)?.into_iter().collect(),
        });
        reverts.truncate(most);
        Ok(Reached { to, reverts, since, last })
    }

    /// How much it took back.
    pub(crate) fn count(&self, tables: &Connection, reached: &Reached) -> Result<usize> {
        let Point { at, record } = self.at;
        let count = |sql: &str, since: Point| {
            tables
                .prepare_cached(sql)?
                .query_row(params![self.lane, since.at, since.record, at, record], |row| {
                    row.get::<_, usize>(0)
                })
        };
        let doubts = "SELECT count(*) FROM doubts
             WHERE lane = ?1 AND (at, record) > (?2, ?3) AND (at, record) < (?4, ?5)";
        let effects = "SELECT count(*) FROM effects WHERE lane = ?1 AND version IS NOT NULL
             AND (at, record) > (?2, ?3) AND (at, record) < (?4, ?5)";
        let effects = match reached.since {
            Some(since) => count(effects, since)?,
            None => usize::from(self.replaced(tables)?.is_some()),
        };
        Ok(count(doubts, reached.last)? + effects)
    }

    /// What it left: the newest of what it took back that is not what it brought back itself, which
    /// an earlier try is.
    pub(crate) fn left(&self, tables: &Connection, reached: &Reached) -> Result<Option<Place>> {
        let other = |ran: &&Ran| !ran.release().is(&self.release);
        if let Some(ran) = reached.reverts.iter().find(other) {
            return Ok(Some(ran.place.clone()));
        }
        let Some(since) = reached.since else { return Ok(None) };
        let (version, digests) = (self.release.version.as_str(), self.release.digests.as_deref());
        let Point { at, record } = self.at;
        let left = tables
            .prepare_cached(
                "SELECT number, version FROM effects
                 WHERE lane = ?1 AND version IS NOT NULL
                   AND (at, record) > (?2, ?3) AND (at, record) < (?4, ?5)
                   AND NOT (version = ?6 AND (digests IS NULL OR ?7 IS NULL OR digests = ?7))
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row(
                params![self.lane, since.at, since.record, at, record, version, digests],
                |row| read_place(row, 0),
            )
            .optional()?;
        Ok(left.flatten())
    }

    /// The effect of a deployment, if it came before.
    fn effect_of(
        &self,
        tables: &Connection,
        number: DeploymentNumber,
    ) -> Result<Option<(Ran, Point)>> {
        let Point { at, record } = self.at;
        // What is replayed has the same version, by which it is found at once; a report may say otherwise.
        let alike = tables
            .prepare_cached(
                "SELECT number, version, digests, at, record FROM effects
                 WHERE lane = ?1 AND version = ?2 AND number = ?3 AND (at, record) < (?4, ?5)",
            )?
            .query_row(
                params![self.lane, self.release.version.as_str(), number.0, at, record],
                read_effect,
            )
            .optional()?;
        if alike.is_some() {
            return Ok(alike.flatten());
        }
        let any = tables
            .prepare_cached(
                "SELECT number, version, digests, at, record FROM effects
                 WHERE lane = ?1 AND number = ?2 AND (at, record) < (?3, ?4)",
            )?
            .query_row(params![self.lane, number.0, at, record], read_effect)
            .optional()?;
        Ok(any.flatten())
    }

    /// When its release had taken effect last.
    fn last_before(&self, tables: &Connection) -> Result<Option<(Ran, Point)>> {
        let (version, digests) = (self.release.version.as_str(), self.release.digests.as_deref());
        let effect = tables
            .prepare_cached(
                "SELECT number, version, digests, at, record FROM effects
                 WHERE lane = ?1 AND version = ?2
                   AND (digests IS NULL OR ?3 IS NULL OR digests = ?3)
                   AND (at, record) < (?4, ?5)
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row(
                params![self.lane, version, digests, self.at.at, self.at.record],
                read_effect,
            )
            .optional()?;
        Ok(effect.flatten())
    }

    fn ran_since(&self, tables: &Connection, (since, most): (Point, usize)) -> Result<Vec<Ran>> {
        tables
            .prepare_cached(
                "SELECT number, version, digests FROM effects
                 WHERE lane = ?1 AND version IS NOT NULL
                   AND (at, record) > (?2, ?3) AND (at, record) < (?4, ?5)
                 ORDER BY at DESC, record DESC LIMIT ?6",
            )?
            .query_map(
                params![self.lane, since.at, since.record, self.at.at, self.at.record, limit(most)],
                |row| read_ran(row, 0),
            )?
            .filter_map(Result::transpose)
            .collect()
    }

    fn replaced(&self, tables: &Connection) -> Result<Option<Ran>> {
        let replaced = tables
            .prepare_cached(
                "SELECT number, version, digests FROM effects
                 WHERE lane = ?1 AND (at, record) < (?2, ?3)
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row(params![self.lane, self.at.at, self.at.record], |row| read_ran(row, 0))
            .optional()?;
        Ok(replaced.flatten())
    }

    /// When anything had taken effect last.
    fn last(&self, tables: &Connection) -> Result<Point> {
        let last = tables
            .prepare_cached(
                "SELECT at, record FROM effects WHERE lane = ?1 AND (at, record) < (?2, ?3)
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row(params![self.lane, self.at.at, self.at.record], |row| {
                Ok(Point { at: row.get(0)?, record: row.get(1)? })
            })
            .optional()?;
        Ok(last.unwrap_or(Point { at: i64::MIN, record: 0 }))
    }

    /// What was left in doubt since anything had taken effect, newest first.
    fn shaken(&self, tables: &Connection, (last, most): (Point, usize)) -> Result<Vec<Ran>> {
        let Point { at, record } = self.at;
        tables
            .prepare_cached(
                "SELECT number, version, digests FROM doubts
                 WHERE lane = ?1 AND (at, record) > (?2, ?3) AND (at, record) < (?4, ?5)
                 ORDER BY at DESC, record DESC LIMIT ?6",
            )?
            .query_map(params![self.lane, last.at, last.record, at, record, limit(most)], |row| {
                read_ran(row, 0)
            })?
            .filter_map(Result::transpose)
            .collect()
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn read_effect(row: &rusqlite::Row<'_>) -> Result<Option<(Ran, Point)>> {
    let point = Point { at: row.get(3)?, record: row.get(4)? };
    Ok(read_ran(row, 0)?.map(|ran| (ran, point)))
}

/// Since when the content that took effect at `point` had run without a break, and by which
/// deployment.
pub(crate) fn ran_since(
    tables: &Connection,
    lane: i64,
    point: Point,
) -> Result<Option<(DeploymentNumber, Point)>> {
    let mut statement = tables.prepare_cached(&format!(
        "SELECT number, at, record, {} FROM effects
         WHERE lane = ?1 AND (at, record) <= (?2, ?3) ORDER BY at DESC, record DESC",
        Kept::COLUMNS
    ))?;
    let mut rows = statement.query(params![lane, point.at, point.record])?;
    let mut last: Option<Kept> = None;
    let mut first = None;
    while let Some(row) = rows.next()? {
        let Some(kept) = Kept::read(row, 3)? else { break };
        if last.as_ref().is_some_and(|last| *last != kept) {
            break;
        }
        let at = Point { at: row.get(1)?, record: row.get(2)? };
        first = Some((DeploymentNumber(row.get(0)?), at));
        last.get_or_insert(kept);
    }
    Ok(first)
}
