//! What took effect in a lane, and what that made of each deployment.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Transaction, params};
use shiplog_domain::lane::{
    Classification, Deployment, DeploymentNumber, Doubt, Identity, Intent, OutcomeReport, Standing,
    classify, classify_all,
};
use shiplog_store::position::StreamVersion;

use super::place::{Place, Ran, read_ran};

/// When something took effect: by time, then by record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// Microseconds since 1970.
    pub(crate) at: i64,
    /// The stream's version.
    pub(crate) record: u64,
}

impl Point {
    pub(super) fn of(report: &OutcomeReport) -> Self {
        Self { at: report.at.as_microsecond(), record: report.record }
    }

    pub(super) fn of_doubt(doubt: Doubt) -> Self {
        Self { at: doubt.at.as_microsecond(), record: doubt.record }
    }

    pub(super) fn removal(at: Timestamp, version: StreamVersion) -> Self {
        Self { at: at.as_microsecond(), record: version.0 }
    }
}

/// What a deployment was, seen from its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) classification: Classification,
    pub(super) before: Option<Place>,
}

/// Which effect was a lane's last; none before the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct After(Option<Point>);

/// The last end of a lane's effects.
pub(super) struct Effects {
    lane: i64,
    last: Option<Point>,
    /// What was put there last, whether it still runs or not.
    put_last: Option<Ran>,
    /// Whether it runs.
    runs: bool,
}

impl Effects {
    pub(super) fn load(tables: &Transaction<'_>, lane: i64) -> Result<Self> {
        let last = tables
            .prepare_cached(
                "SELECT at, record, number, version, digests FROM effects WHERE lane = ?
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row([lane], |row| {
                let point = Point { at: row.get(0)?, record: row.get(1)? };
                Ok((point, read_ran(row, 2)?))
            })
            .optional()?;
        let (last, running) = last.map_or((None, None), |(point, ran)| (Some(point), ran));
        let runs = running.is_some();
        let put_last = match running {
            Some(running) => Some(running),
            None => tables
                .prepare_cached(
                    "SELECT number, version, digests FROM effects
                     WHERE lane = ? AND version IS NOT NULL
                     ORDER BY at DESC, record DESC LIMIT 1",
                )?
                .query_row([lane], |row| read_ran(row, 0))
                .optional()?
                .flatten(),
        };
        Ok(Self { lane, last, put_last, runs })
    }

    /// Where the lane stands: a verdict holds as long as this is the same.
    pub(super) fn after(&self) -> After {
        After(self.last)
    }

    /// Whether what takes effect then comes after all else.
    pub(super) fn is_last(&self, point: Point) -> bool {
        self.last.is_none_or(|last| last < point)
    }

    /// What putting `release` there would be, as things stand.
    pub(super) fn judge(
        &self,
        tables: &Transaction<'_>,
        release: &Identity<'_>,
    ) -> Result<Verdict> {
        let standing = match &self.put_last {
            Some(running) if self.runs => Standing::Runs(running.release()),
            Some(removed) => Standing::Removed(removed.release()),
            None => Standing::Untouched,
        };
        let own = self.rank(tables, release)?;
        // What runs or was removed last ranks only against a release that ran before.
        let other = match &self.put_last {
            Some(put_last) if own.is_some() => self.rank(tables, &put_last.release())?,
            Some(_) | None => None,
        };
        let rank = |one: &Identity<'_>| if one == release { own } else { other };
        let classification = classify(release, &standing, rank);
        let before = self.put_last.as_ref().filter(|_| self.runs).map(|ran| ran.place.clone());
        Ok(Verdict { classification, before })
    }

    /// When the lane first ran a release.
    fn rank(&self, tables: &Transaction<'_>, release: &Identity<'_>) -> Result<Option<Point>> {
        tables
            .prepare_cached(
                "SELECT at, record FROM effects
                 WHERE lane = ?1 AND version = ?2
                   AND (digests IS NULL OR ?3 IS NULL OR digests = ?3)
                 ORDER BY at, record LIMIT 1",
            )?
            .query_row(
                params![self.lane, release.version.as_str(), release.digests.as_deref()],
                |row| Ok(Point { at: row.get(0)?, record: row.get(1)? }),
            )
            .optional()
    }

    /// Adds an effect, wherever it belongs; without a deployment it is a removal.
    pub(super) fn take(
        &mut self,
        tables: &Transaction<'_>,
        point: Point,
        deployment: Option<&Deployment>,
    ) -> Result<()> {
        insert(tables, (self.lane, point), deployment)?;
        if !self.is_last(point) {
            // What came late may be what a later removal removed.
            *self = Self::load(tables, self.lane)?;
            return Ok(());
        }
        self.last = Some(point);
        self.runs = deployment.is_some();
        if let Some(deployment) = deployment {
            self.put_last = Some(Ran::of(deployment));
        }
        Ok(())
    }
}

fn insert(
    tables: &Transaction<'_>,
    (lane, point): (i64, Point),
    deployment: Option<&Deployment>,
) -> Result<()> {
    let configuration = deployment.and_then(Deployment::configuration);
    let configuration = configuration
        .map(serde_json::to_string)
        .transpose()
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let release = deployment.map(Deployment::release);
    let restores = deployment.and_then(|one| match one.intent() {
        Intent::Rollback { restores, .. } => Some(*restores),
        Intent::Deploy | Intent::RollForward { .. } | Intent::Retry { .. } | Intent::Unknown => {
            None
        }
    });
    tables
        .prepare_cached("INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            lane,
            point.at,
            point.record,
            deployment.map(|one| one.number().0),
            release.map(|release| release.version.as_str()),
            release.and_then(|release| release.commit.as_deref()),
            release.and_then(|release| release.digests()),
            configuration,
            restores.is_some(),
            restores.flatten().map(|number: DeploymentNumber| number.0),
        ])
        .map(drop)
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
) -> Result<Vec<(DeploymentNumber, Point, Verdict)>> {
    let (points, ran): (Vec<_>, Vec<_>) = tables
        .prepare_cached(
            "SELECT at, record, number, version, digests FROM effects WHERE lane = ?
             ORDER BY at, record",
        )?
        .query_map([lane], |row| {
            Ok((Point { at: row.get(0)?, record: row.get(1)? }, read_ran(row, 2)?))
        })?
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let classifications = classify_all(ran.iter().map(|one| one.as_ref().map(Ran::release)));
    let places = || ran.iter().map(|one| one.as_ref().map(|ran| ran.place.clone()));
    let befores = std::iter::once(None).chain(places());
    let judged = points.into_iter().zip(places()).zip(classifications).zip(befores);
    Ok(judged
        .filter_map(|(((point, place), classification), before)| {
            let (place, classification): (_, Classification) = (place?, classification?);
            Some((place.number, point, Verdict { classification, before }))
        })
        .collect())
}

/// Whether somebody says that what took effect then is a rollback.
pub(super) fn is_declared(tables: &Transaction<'_>, lane: i64, point: Point) -> Result<bool> {
    tables
        .prepare_cached("SELECT declared FROM effects WHERE (lane, at, record) = (?, ?, ?)")?
        .query_row(params![lane, point.at, point.record], |row| row.get(0))
}

/// Notes where a deployment left its lane in doubt, if it did and did not take effect.
pub(super) fn doubt(tables: &Transaction<'_>, lane: i64, deployment: &Deployment) -> Result<()> {
    let number = deployment.number().0;
    let doubt = deployment.doubt().filter(|_| deployment.took_effect().is_none());
    tables
        .prepare_cached("DELETE FROM doubts WHERE lane = ? AND number = ?")?
        .execute(params![lane, number])?;
    if let Some(doubt) = doubt {
        let release = deployment.release();
        tables.prepare_cached("INSERT INTO doubts VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
            lane,
            doubt.at.as_microsecond(),
            doubt.record,
            number,
            release.version.as_str(),
            release.digests(),
        ])?;
    }
    Ok(())
}
