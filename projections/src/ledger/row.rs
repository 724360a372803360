//! One deployment's row.

use rusqlite::{OptionalExtension, Transaction, params};
use shiplog_domain::{
    lane::{Classification, Correction, Deployment, DeploymentNumber, Event, LaneId, Requested},
    metadata::Actor,
    wire::DomainEvent,
};
use shiplog_store::{log::Recorded, position::GlobalPosition};

use super::{
    Detail,
    effects::{After, Point, Verdict},
    place::{Place, read_place},
};
use crate::{columns::document, projection::ApplyError};

/// A row in a batch's hands.
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) lane: LaneId,
    pub(crate) deployment: Deployment,
    pub(crate) actor: Actor,
    verdict: Verdict,
    /// The rollback that took it back first.
    pub(crate) taken_back_by: Option<DeploymentNumber>,
    /// What the lane's last effect was when the verdict was found, if that was in this batch.
    pub(super) judged_after: Option<After>,
    position: GlobalPosition,
    /// Whether it is not in the tables yet.
    pub(crate) is_new: bool,
    /// Whether words were added that a search should find.
    pub(crate) has_new_words: bool,
    /// Whether it had ended when something was said of how.
    pub(crate) was_final: bool,
}

/// What an event did to whether, and since when, a deployment is in effect.
pub(super) enum Settled {
    AsBefore,
    Succeeded(Point),
    /// It was in effect, and now is since another time, or no more.
    Anew(Option<Point>),
}

impl Row {
    pub(super) fn new(
        id: i64,
        lane: LaneId,
        recorded: &Recorded<DomainEvent>,
        requested: Requested,
        (verdict, after): (Verdict, After),
    ) -> Self {
        Self {
            id,
            lane,
            deployment: Deployment::new(requested),
            actor: recorded.metadata.actor.clone(),
            verdict,
            taken_back_by: None,
            judged_after: Some(after),
            position: recorded.position,
            is_new: true,
            has_new_words: true,
            was_final: false,
        }
    }

    pub(super) fn load(
        tables: &Transaction<'_>,
        lane: i64,
        id: &LaneId,
        number: DeploymentNumber,
    ) -> Result<Option<Self>, ApplyError> {
        let mut statement = tables.prepare_cached(
            "SELECT id, actor, document, classification, before_number, before_version, position,
                    taken_back_by
             FROM deployments WHERE lane = ? AND number = ?",
        )?;
        let row = statement
            .query_row(params![lane, number.0], |row| {
                Ok(Self {
                    id: row.get(0)?,
                    lane: id.clone(),
                    actor: document(1, &row.get::<_, String>(1)?)?,
                    deployment: document(2, &row.get::<_, String>(2)?)?,
                    verdict: Verdict {
                        classification: document(3, &row.get::<_, String>(3)?)?,
                        before: read_place(row, 4)?,
                    },
                    taken_back_by: row.get::<_, Option<u32>>(7)?.map(DeploymentNumber),
                    judged_after: None,
                    position: GlobalPosition(row.get(6)?),
                    is_new: false,
                    has_new_words: false,
                    was_final: false,
                })
            })
            .optional()?;
        Ok(row)
    }

    pub(super) fn judge(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    pub(super) fn apply(
        &mut self,
        recorded: &Recorded<DomainEvent>,
        event: &Event,
        detail: Detail,
    ) -> Settled {
        if detail == Detail::Outline && !shapes_outline(event) {
            return Settled::AsBefore;
        }
        let before = self.point();
        self.was_final |= self.deployment.status().is_final() && tells_of_end(event);
        self.deployment.apply(event, recorded.version.0);
        self.position = recorded.position;
        self.has_new_words |= matches!(event, Event::Failed(_) | Event::Annotated(_));
        // Another intent takes other deployments back.
        let is_reclassified = matches!(event, Event::Corrected(corrected)
            if matches!(corrected.correction, Correction::Intent { .. }));
        match (before, self.point()) {
            (None, None) => Settled::AsBefore,
            (None, Some(point)) => Settled::Succeeded(point),
            (Some(before), Some(after)) if before == after && !is_reclassified => Settled::AsBefore,
            (Some(_), after) => Settled::Anew(after),
        }
    }

    fn point(&self) -> Option<Point> {
        self.deployment.took_effect().map(Point::of)
    }

    pub(super) fn save(&self, tables: &Transaction<'_>, lane: i64) -> Result<(), ApplyError> {
        let statement = if self.is_new {
            "INSERT INTO deployments (position, document, classification, before_number,
                                      before_version, id, lane, number, actor, taken_back_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        } else {
            "UPDATE deployments SET position = ?1, document = ?2, classification = ?3,
                    before_number = ?4, before_version = ?5, actor = ?9, taken_back_by = ?10
             WHERE id = ?6 AND lane = ?7 AND number = ?8"
        };
        let Verdict { classification, before } = &self.verdict;
        tables.prepare_cached(statement)?.execute(params![
            self.position.0,
            serde_json::to_string(&self.deployment)?,
            serde_json::to_string(classification)?,
            before.as_ref().map(|place| place.number.0),
            before.as_ref().map(|place| place.version.as_str()),
            self.id,
            lane,
            self.deployment.number().0,
            serde_json::to_string(&self.actor)?,
            self.taken_back_by.map(|number| number.0),
        ])?;
        Ok(())
    }

    /// Where its last event is in the log.
    pub(crate) fn position(&self) -> GlobalPosition {
        self.position
    }

    /// What it replaced; none until it has taken effect.
    pub(crate) fn replaced(&self) -> Option<&Place> {
        self.verdict.before.as_ref().filter(|_| self.deployment.took_effect().is_some())
    }

    pub(crate) fn classification(&self) -> Classification {
        self.verdict.classification
    }
}

/// Whether an event changes what an outline keeps.
fn shapes_outline(event: &Event) -> bool {
    match event {
        Event::Requested(_)
        | Event::Approved(_)
        | Event::Rejected(_)
        | Event::Started(_)
        | Event::Succeeded(_)
        | Event::Failed(_)
        | Event::Cancelled(_)
        | Event::Corrected(_)
        | Event::TargetStarted(_)
        | Event::TargetSucceeded(_)
        | Event::TargetFailed(_)
        | Event::Removed(_) => true,
        Event::Health(_) | Event::Annotated(_) => false,
    }
}

/// Whether an event changes how a deployment ended.
fn tells_of_end(event: &Event) -> bool {
    match event {
        Event::Rejected(_)
        | Event::Succeeded(_)
        | Event::Failed(_)
        | Event::Cancelled(_)
        | Event::Corrected(_) => true,
        Event::Requested(_)
        | Event::Approved(_)
        | Event::Started(_)
        | Event::TargetStarted(_)
        | Event::TargetSucceeded(_)
        | Event::TargetFailed(_)
        | Event::Health(_)
        | Event::Annotated(_)
        | Event::Removed(_) => false,
    }
}

pub(super) fn has_verdict(
    tables: &Transaction<'_>,
    lane: i64,
    number: DeploymentNumber,
    verdict: &Verdict,
) -> Result<bool, ApplyError> {
    let classification = serde_json::to_string(&verdict.classification)?;
    let same = tables
        .prepare_cached(
            "SELECT classification = ?3 AND before_number IS ?4 AND before_version IS ?5
             FROM deployments WHERE lane = ?1 AND number = ?2",
        )?
        .query_row(
            params![
                lane,
                number.0,
                classification,
                verdict.before.as_ref().map(|place| place.number.0),
                verdict.before.as_ref().map(|place| place.version.as_str()),
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(same.unwrap_or(false))
}

/// The deployments of a lane that were taken back, each with the rollback that did it.
pub(super) fn taken_back(
    tables: &Transaction<'_>,
    lane: i64,
) -> rusqlite::Result<Vec<(DeploymentNumber, DeploymentNumber)>> {
    tables
        .prepare_cached(
            "SELECT number, taken_back_by FROM deployments
             WHERE lane = ? AND taken_back_by IS NOT NULL",
        )?
        .query_map([lane], |row| {
            Ok((DeploymentNumber(row.get(0)?), DeploymentNumber(row.get(1)?)))
        })?
        .collect()
}
