//! What a rollback brought back and took back, told from what took effect in its lane.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Row, params};
use shiplog_domain::{
    lane::{Deployment, DeploymentNumber, Intent, Irreversible, OutcomeReport},
    names::Version,
};

use super::{Account, Afterwards, Evidence, Rollback};
use crate::{
    columns::{document, name, timestamp},
    ledger::{Entry, Place, read_place},
    view::View,
};

/// When something took effect in a lane: by time, then by record.
type Point = (i64, i64);

/// A rollback's row, before it is known what it reached.
pub(super) struct Found {
    pub(super) entry: Entry,
    pub(super) before: Option<Place>,
    pub(super) declared: bool,
    pub(super) reported: bool,
    pub(super) lane: i64,
    pub(super) account: Account,
}

impl Found {
    pub(super) fn reach(self, view: &View<'_>) -> Result<Rollback> {
        let own = self.point(view, self.entry.deployment.number())?;
        let (to, reverts) = match self.intent() {
            Intent::Rollback { restores: Some(restores), reverts } => {
                (self.place(view, *restores)?, self.places(view, reverts)?)
            }
            Intent::Rollback { restores: None, .. }
            | Intent::Deploy
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
            | Intent::Unknown => self.inferred(view, own)?,
        };
        let from = self.left(view, reverts.first())?;
        let ran_for_ms = self.ran_for(view, from.as_ref(), own)?;
        let afterwards = own.map(|own| self.afterwards(view, from.as_ref(), own)).transpose()?;
        let left =
            from.as_ref().map(|from| self.document(view, from.number)).transpose()?.flatten();
        let left = left.as_ref().and_then(|left| Some((left.number(), left.settled()?)));
        let evidence = self.evidence(view, left, to.as_ref())?;
        let irreversible = self.crossed(view, &reverts)?;
        let Self { entry, declared, reported, .. } = self;
        Ok(Rollback {
            entry,
            declared,
            reported,
            from,
            to,
            reverts,
            left_at: left.map(|(_, end)| end.at),
            ran_for_ms,
            irreversible,
            afterwards,
            evidence,
        })
    }

    fn intent(&self) -> &Intent {
        match self.account {
            Account::Corrected => self.entry.deployment.intent(),
            Account::Reported => &self.entry.deployment.requested.intent,
        }
    }

    /// The events that request, end, what was left and what was restored were learned from.
    fn evidence(
        &self,
        view: &View<'_>,
        left: Option<(DeploymentNumber, &OutcomeReport)>,
        to: Option<&Place>,
    ) -> Result<Vec<Evidence>> {
        let deployment = &self.entry.deployment;
        let number = deployment.number();
        let mut evidence = vec![Evidence { of: "request", number, version: None }];
        let mut learned = |of, number, version| {
            evidence.push(Evidence { of, number, version: Some(version) });
        };
        if let Some(end) = deployment.settled() {
            learned("end", number, end.record);
        }
        if let Some((number, end)) = left {
            learned("left", number, end.record);
        }
        if let Some(to) = to
            && let Some((_, record)) = self.point(view, to.number)?
        {
            learned("restored", to.number, record.unsigned_abs());
        }
        Ok(evidence)
    }

    fn document(&self, view: &View<'_>, number: DeploymentNumber) -> Result<Option<Deployment>> {
        view.0
            .prepare_cached("SELECT document FROM deployments WHERE lane = ? AND number = ?")?
            .query_row(params![self.lane, number.0], |row| document(0, &row.get::<_, String>(0)?))
            .optional()
    }

    /// What the deployments that were taken back had changed for good.
    fn crossed(&self, view: &View<'_>, reverts: &[Place]) -> Result<Vec<Irreversible>> {
        let mut crossed = Vec::new();
        for place in reverts {
            let Some(deployment) = self.document(view, place.number)? else { continue };
            for change in &deployment.release().changes {
                let (version, id) = (place.version.clone(), change.id.clone());
                let made = Irreversible { version, id, description: change.description.clone() };
                if !crossed.contains(&made) {
                    crossed.push(made);
                }
            }
        }
        Ok(crossed)
    }

    fn version(&self) -> &Version {
        &self.entry.deployment.release().version
    }

    /// When a deployment took effect, if it did.
    fn point(&self, view: &View<'_>, number: DeploymentNumber) -> Result<Option<Point>> {
        view.0
            .prepare_cached(
                "SELECT e.at, e.record FROM deployments d
                 JOIN effects e ON e.lane = d.lane AND e.number = d.number
                      AND e.version = d.document ->> '$.requested.release.version'
                 WHERE d.lane = ? AND d.number = ?",
            )?
            .query_row(params![self.lane, number.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    fn place(&self, view: &View<'_>, number: DeploymentNumber) -> Result<Option<Place>> {
        view.0
            .prepare_cached(
                "SELECT document ->> '$.requested.release.version' FROM deployments
                 WHERE lane = ? AND number = ?",
            )?
            .query_row(params![self.lane, number.0], |row| {
                Ok(Place { number, version: name(0, &row.get::<_, String>(0)?)? })
            })
            .optional()
    }

    fn places(&self, view: &View<'_>, numbers: &[DeploymentNumber]) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for number in numbers {
            places.extend(self.place(view, *number)?);
        }
        Ok(places)
    }

    /// The last time that the version took effect before, and what took effect since.
    fn inferred(&self, view: &View<'_>, own: Option<Point>) -> Result<(Option<Place>, Vec<Place>)> {
        let Some((at, record)) = own else { return Ok((None, Vec::new())) };
        let restored = view
            .0
            .prepare_cached(
                "SELECT number, version, at, record FROM effects
                 WHERE lane = ? AND version = ? AND (at, record) < (?, ?)
                 ORDER BY at DESC, record DESC LIMIT 1",
            )?
            .query_row(params![self.lane, self.version().as_str(), at, record], |row| {
                Ok((read_place(row, 0)?, (row.get::<_, i64>(2)?, row.get::<_, i64>(3)?)))
            })
            .optional()?;
        let Some((to, since)) = restored else { return Ok((None, Vec::new())) };
        let reverts = view
            .0
            .prepare_cached(
                "SELECT number, version FROM effects
                 WHERE lane = ? AND version IS NOT NULL
                   AND (at, record) > (?, ?) AND (at, record) < (?, ?)
                 ORDER BY at DESC, record DESC",
            )?
            .query_map(params![self.lane, since.0, since.1, at, record], |row| read_place(row, 0))?
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>>>()?;
        Ok((to, reverts))
    }

    /// What was left: a deployment that had failed half-way, if the newest that was taken back is
    /// one, else what ran.
    fn left(&self, view: &View<'_>, newest: Option<&Place>) -> Result<Option<Place>> {
        Ok(match newest {
            Some(newest) if self.point(view, newest.number)?.is_none() => Some(newest.clone()),
            Some(_) | None => self.before.clone(),
        })
    }

    /// How long what was left had run when the rollback took effect.
    fn ran_for(
        &self,
        view: &View<'_>,
        left: Option<&Place>,
        own: Option<Point>,
    ) -> Result<Option<i64>> {
        let (Some(left), Some((until, _))) = (left, own) else { return Ok(None) };
        let since = self.point(view, left.number)?;
        Ok(since.map(|(since, _)| (until - since) / 1_000))
    }

    /// What became of what was left.
    fn afterwards(
        &self,
        view: &View<'_>,
        left: Option<&Place>,
        (at, record): Point,
    ) -> Result<Afterwards> {
        let Some(left) = left else { return Ok(Afterwards::default()) };
        let deployed_again = view
            .0
            .prepare_cached(
                "SELECT number, version, at FROM effects
                 WHERE lane = ? AND version = ? AND (at, record) > (?, ?)
                 ORDER BY at, record LIMIT 1",
            )?
            .query_row(params![self.lane, left.version.as_str(), at, record], read_dated)
            .optional()?;
        let superseded_by = view
            .0
            .prepare_cached(include_str!("superseded.sql"))?
            .query_row(params![self.lane, at, record], read_dated)
            .optional()?;
        Ok(Afterwards {
            deployed_again: deployed_again.flatten(),
            superseded_by: superseded_by.flatten(),
        })
    }
}

fn read_dated(row: &Row<'_>) -> Result<Option<(Place, Timestamp)>> {
    let at = timestamp(2, row.get(2)?)?;
    Ok(read_place(row, 0)?.map(|place| (place, at)))
}
