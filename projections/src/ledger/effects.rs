//! What took effect in a lane, and what that made of each deployment.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Transaction, params};
use shiplog_domain::{
    lane::{Classification, DeploymentNumber, OutcomeReport, Standing, classify, classify_all},
    names::Version,
};
use shiplog_store::position::StreamVersion;

use super::row::{Place, Verdict};
use crate::columns::name;

/// When something took effect: by time, then by record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// Microseconds since 1970.
    at: i64,
    /// The stream's version.
    record: u64,
}

impl Point {
    pub(super) fn of(report: &OutcomeReport) -> Self {
        Self { at: report.at.as_microsecond(), record: report.record }
    }

    pub(super) fn removal(at: Timestamp, version: StreamVersion) -> Self {
        Self { at: at.as_microsecond(), record: version.0 }
    }
}

/// Which effect was a lane's last; none before the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct After(Option<Point>);

/// The last end of a lane's effects.
pub(super) struct Effects {
    lane: i64,
    last: Option<Point>,
    /// What runs; none after a removal.
    running: Option<Place>,
    /// What was put there last, whether it still runs or not.
    put_last: Option<Version>,
}

impl Effects {
    pub(super) fn load(tables: &Transaction<'_>, lane: i64) -> Result<Self> {
        let last = tables
            .prepare_cached(
                "SELECT at, record, number, version FROM effects WHERE lane = ?
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row([lane], |row| {
                let point = Point { at: row.get(0)?, record: row.get(1)? };
                Ok((point, read_place(row, 2)?))
            })
            .optional()?;
        let (last, running) = last.map_or((None, None), |(point, place)| (Some(point), place));
        let put_last = match &running {
            Some(place) => Some(place.version.clone()),
            None => tables
                .prepare_cached(
                    "SELECT version FROM effects WHERE lane = ? AND version IS NOT NULL
                     ORDER BY at DESC, record DESC LIMIT 1",
                )?
                .query_row([lane], |row| name(0, &row.get::<_, String>(0)?))
                .optional()?,
        };
        Ok(Self { lane, last, running, put_last })
    }

    /// Where the lane stands: a verdict holds as long as this is the same.
    pub(super) fn after(&self) -> After {
        After(self.last)
    }

    /// Whether what takes effect then comes after all else.
    pub(super) fn is_last(&self, point: Point) -> bool {
        self.last.is_none_or(|last| last < point)
    }

    /// What putting `version` there would be, as things stand.
    pub(super) fn judge(&self, tables: &Transaction<'_>, version: &Version) -> Result<Verdict> {
        let standing = match (&self.running, &self.put_last) {
            (Some(running), _) => Standing::Runs(&running.version),
            (None, Some(removed)) => Standing::Removed(removed),
            (None, None) => Standing::Untouched,
        };
        let own = self.rank(tables, version)?;
        // What runs or was removed last ranks only against a version that ran before.
        let other = match &self.put_last {
            Some(put_last) if own.is_some() => self.rank(tables, put_last)?,
            Some(_) | None => None,
        };
        let rank = |one: &Version| if one == version { own } else { other };
        let classification = classify(version, standing, rank);
        Ok(Verdict { classification, before: self.running.clone() })
    }

    /// When the lane first ran a version.
    fn rank(&self, tables: &Transaction<'_>, version: &Version) -> Result<Option<Point>> {
        tables
            .prepare_cached(
                "SELECT at, record FROM effects WHERE lane = ? AND version = ?
                 ORDER BY at, record LIMIT 1",
            )?
            .query_row(params![self.lane, version.as_str()], |row| {
                Ok(Point { at: row.get(0)?, record: row.get(1)? })
            })
            .optional()
    }

    /// Adds an effect, wherever it belongs.
    pub(super) fn take(
        &mut self,
        tables: &Transaction<'_>,
        point: Point,
        number: Option<u32>,
        version: Option<Version>,
    ) -> Result<()> {
        tables.prepare_cached("INSERT INTO effects VALUES (?, ?, ?, ?, ?)")?.execute(params![
            self.lane,
            point.at,
            point.record,
            number,
            version.as_ref().map(Version::as_str),
        ])?;
        if !self.is_last(point) {
            // What came late may be what a later removal removed.
            *self = Self::load(tables, self.lane)?;
            return Ok(());
        }
        self.last = Some(point);
        self.put_last = version.clone().or_else(|| self.put_last.take());
        self.running = number
            .zip(version)
            .map(|(number, version)| Place { number: DeploymentNumber(number), version });
        Ok(())
    }
}

/// Takes back that a deployment took effect.
pub(super) fn forget(tables: &Transaction<'_>, lane: i64, number: DeploymentNumber) -> Result<()> {
    tables
        .prepare_cached("DELETE FROM effects WHERE lane = ? AND number = ?")?
        .execute(params![lane, number.0])
        .map(drop)
}

/// Judges a whole lane again.
pub(super) fn judge_all(
    tables: &Transaction<'_>,
    lane: i64,
) -> Result<Vec<(DeploymentNumber, Verdict)>> {
    let effects = tables
        .prepare_cached("SELECT number, version FROM effects WHERE lane = ? ORDER BY at, record")?
        .query_map([lane], |row| read_place(row, 0))?
        .collect::<Result<Vec<_>>>()?;
    let classifications =
        classify_all(effects.iter().map(|one| one.as_ref().map(|place| &place.version)));
    let befores = std::iter::once(None).chain(effects.iter().cloned());
    let judged = effects.iter().zip(classifications).zip(befores);
    Ok(judged
        .filter_map(|((effect, classification), before)| {
            let (place, classification): (_, Classification) = (effect.as_ref()?, classification?);
            Some((place.number, Verdict { classification, before }))
        })
        .collect())
}

/// Reads `number, version`, which are both there or both not.
pub(crate) fn read_place(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<Place>> {
    let number = row.get::<_, Option<u32>>(column)?;
    let version = row.get::<_, Option<String>>(column + 1)?;
    number
        .zip(version)
        .map(|(number, version)| {
            let version = name(column + 1, &version)?;
            Ok(Place { number: DeploymentNumber(number), version })
        })
        .transpose()
}
