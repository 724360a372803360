//! What a rollback brought back and took back, told from what took effect in its lane.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, Row, params};
use shiplog_domain::lane::{Deployment, DeploymentNumber, Intent};

use super::{
    Account, Afterwards, Evidence, Rollback,
    shared::{Shared, Taken},
};
use crate::{
    columns::{document, name, timestamp},
    ledger::{Back, Entry, Place, Point, ran_since, read_place},
    view::View,
};

/// What a rollback brings back, what it takes back, and what it leaves.
struct Aim {
    to: Option<Place>,
    /// The first of what it takes back, newest first.
    reverts: Vec<Place>,
    /// How much it takes back.
    count: usize,
    taken: Taken,
    from: Option<Place>,
}

/// How many of the deployments that a rollback names are looked through for the one that it leaves.
const LOOKED_THROUGH: usize = 1_000;

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
    pub(super) fn reach(self, view: &View<'_>, shared: &Shared) -> Result<Rollback> {
        let own = self.point(view, self.entry.deployment.number())?;
        let Aim { to, reverts, count, taken, from } = match own {
            Some(own) => self.reached(view, shared, own)?,
            None => self.aimed(view, shared)?,
        };
        let ran = from.as_ref().map(|from| self.ran(view, from.number)).transpose()?.flatten();
        let afterwards =
            own.map(|own| self.afterwards(view, shared, (from.as_ref(), own))).transpose()?;
        let left = match (&ran, &from) {
            (Some((number, since)), _) => Some((*number, *since)),
            (None, Some(from)) => self.settled(view, from.number)?,
            (None, None) => None,
        };
        let evidence = self.evidence(view, left, to.as_ref())?;
        let mut irreversible = shared.crossed(view, (self.lane, &taken))?;
        let irreversible_count = irreversible.len();
        let shown = &self.entry.deployment.requested.acknowledged;
        let is_shown = irreversible.iter().all(|change| shown.contains(change));
        let shown = (irreversible_count > 0).then_some(is_shown);
        irreversible.truncate(shared.room());
        shared.told(reverts.len() + irreversible.len());
        let ran_for_ms = ran.zip(own).map(|((_, since), own)| (own.at - since.at) / 1_000);
        let left_at = left.map(|(_, left)| timestamp(0, left.at)).transpose()?;
        let Self { entry, declared, reported, .. } = self;
        Ok(Rollback {
            entry,
            declared,
            reported,
            from,
            to,
            reverts,
            reverts_count: count,
            left_at,
            ran_for_ms,
            irreversible,
            irreversible_count,
            shown,
            afterwards,
            evidence,
        })
    }

    /// What it brought back, took back and left when it took effect.
    fn reached(&self, view: &View<'_>, shared: &Shared, own: Point) -> Result<Aim> {
        let restores = match self.intent() {
            Intent::Rollback { restores, .. } => *restores,
            Intent::Deploy
            | Intent::RollForward { .. }
            | Intent::Retry { .. }
            | Intent::Unknown => None,
        };
        let release = self.entry.deployment.release().identity();
        let back = Back { lane: self.lane, at: own, release, restores };
        let reached = back.reach(view.0, shared.room())?;
        let (count, left) = (back.count(view.0, &reached)?, back.left(view.0, &reached)?);
        let reverts: Vec<_> = reached.reverts.into_iter().map(|ran| ran.place).collect();
        // Without an earlier run it took back what took effect last, and what was in doubt since then.
        let Point { at, record } = reached.last;
        let replaced = Point { at, record: record.saturating_sub(1) };
        let effects = reached.since.unwrap_or(replaced);
        let taken = Taken::Since { effects, doubts: reached.last, until: own };
        let to = match (reached.to, restores) {
            (Some(to), _) => Some(to),
            (None, Some(restores)) => self.place(view, restores)?,
            (None, None) => None,
        };
        Ok(Aim { to, reverts, count, taken, from: left.or_else(|| self.before.clone()) })
    }

    /// What it is to bring back, take back and leave, as it was asked for.
    fn aimed(&self, view: &View<'_>, shared: &Shared) -> Result<Aim> {
        let Intent::Rollback { restores, reverts } = self.intent() else {
            let taken = Taken::Numbers(Vec::new());
            let from = self.before.clone();
            return Ok(Aim { to: None, reverts: Vec::new(), count: 0, taken, from });
        };
        let to = restores.map(|restores| self.place(view, restores)).transpose()?.flatten();
        let own = self.entry.deployment.release();
        let mut places = Vec::new();
        let mut left = None;
        for number in reverts.iter().take(shared.room().max(LOOKED_THROUGH)) {
            if left.is_some() && places.len() >= shared.room() {
                break;
            }
            let Some(deployment) = self.document(view, *number)? else { continue };
            let version = deployment.release().version.clone();
            let place = Place { number: *number, version };
            if left.is_none() && !deployment.release().identity().is(&own.identity()) {
                left = Some(place.clone());
            }
            places.push(place);
        }
        places.truncate(shared.room());
        let (count, taken) = (reverts.len(), Taken::Numbers(reverts.clone()));
        let from = left.or_else(|| self.before.clone());
        Ok(Aim { to, reverts: places, count, taken, from })
    }

    /// Since when the content of a deployment that took effect had run, and which one put it there.
    fn ran(
        &self,
        view: &View<'_>,
        number: DeploymentNumber,
    ) -> Result<Option<(DeploymentNumber, Point)>> {
        let point = self.point(view, number)?;
        Ok(point.map(|point| ran_since(view.0, self.lane, point)).transpose()?.flatten())
    }

    /// When a deployment came to its own end.
    fn settled(
        &self,
        view: &View<'_>,
        number: DeploymentNumber,
    ) -> Result<Option<(DeploymentNumber, Point)>> {
        let deployment = self.document(view, number)?;
        Ok(deployment
            .as_ref()
            .and_then(Deployment::settled)
            .map(|end| (number, Point { at: end.at.as_microsecond(), record: end.record })))
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
        left: Option<(DeploymentNumber, Point)>,
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
            && let Some(point) = self.point(view, to.number)?
        {
            learned("restored", to.number, point.record);
        }
        Ok(evidence)
    }

    fn document(&self, view: &View<'_>, number: DeploymentNumber) -> Result<Option<Deployment>> {
        view.0
            .prepare_cached("SELECT document FROM deployments WHERE lane = ? AND number = ?")?
            .query_row(params![self.lane, number.0], |row| document(0, &row.get::<_, String>(0)?))
            .optional()
    }

    /// When a deployment took effect, if it did.
    fn point(&self, view: &View<'_>, number: DeploymentNumber) -> Result<Option<Point>> {
        view.0
            .prepare_cached(
                // Found by its number, and not among all that have its version.
                "SELECT e.at, e.record FROM deployments d
                 JOIN effects e ON e.lane = d.lane AND e.number = d.number
                      AND +e.version = d.document ->> '$.requested.release.version'
                 WHERE d.lane = ? AND d.number = ?",
            )?
            .query_row(params![self.lane, number.0], |row| {
                Ok(Point { at: row.get(0)?, record: row.get(1)? })
            })
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

    /// What became of what was left.
    fn afterwards(
        &self,
        view: &View<'_>,
        shared: &Shared,
        (left, own): (Option<&Place>, Point),
    ) -> Result<Afterwards> {
        let Some(left) = left else { return Ok(Afterwards::default()) };
        let Point { at, record } = own;
        let deployed_again = view
            .0
            .prepare_cached(
                "SELECT number, version, at FROM effects
                 WHERE lane = ? AND version = ? AND (at, record) > (?, ?)
                 ORDER BY at, record LIMIT 1",
            )?
            .query_row(params![self.lane, left.version.as_str(), at, record], read_dated)
            .optional()?;
        let superseded_by = shared.superseded(view, (self.lane, own))?;
        Ok(Afterwards { deployed_again: deployed_again.flatten(), superseded_by })
    }
}

pub(super) fn read_dated(row: &Row<'_>) -> Result<Option<(Place, Timestamp)>> {
    let at = timestamp(2, row.get(2)?)?;
    Ok(read_place(row, 0)?.map(|place| (place, at)))
}
