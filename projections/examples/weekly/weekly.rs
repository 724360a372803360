//! Deployments that succeeded, per service and week.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, Transaction, params};
use shiplog_domain::{
    lane::{Corrected, Correction, DeploymentNumber, Event, Failed, LaneId, Succeeded},
    wire::DomainEvent,
};
use shiplog_projections::projection::{ApplyError, Projection};
use shiplog_store::log::Recorded;

/// The projection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weekly;

/// How often a service was deployed in a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Week {
    pub(crate) service: String,
    /// The day with which the week begins, in UTC.
    pub(crate) monday: String,
    pub(crate) deployments: u64,
}

impl Projection for Weekly {
    fn name(&self) -> &'static str {
        "weekly"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> String {
        include_str!("weekly.sql").into()
    }

    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS outcomes_by_week ON outcomes (week, service);"
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        for recorded in events {
            let Some(lane) = LaneId::from_stream(&recorded.stream) else { continue };
            match &recorded.event {
                DomainEvent::Lane(event) => apply(tables, &lane, event)?,
                DomainEvent::Release(_)
                | DomainEvent::Environment(_)
                | DomainEvent::Projection(_) => {}
            }
        }
        Ok(())
    }
}

fn apply(tables: &Transaction<'_>, lane: &LaneId, event: &Event) -> Result<(), ApplyError> {
    match event {
        Event::Succeeded(Succeeded { number, at }) => end(tables, lane, *number, *at, true),
        Event::Failed(Failed { number, at, .. }) => end(tables, lane, *number, *at, false),
        Event::Corrected(Corrected { number, correction, .. }) => match correction {
            Correction::Void => void(tables, lane, *number),
            Correction::Intent { .. } | Correction::Blamed | Correction::Cleared => Ok(()),
        },
        Event::Requested(_)
        | Event::Approved(_)
        | Event::Rejected(_)
        | Event::Started(_)
        | Event::TargetStarted(_)
        | Event::TargetSucceeded(_)
        | Event::TargetFailed(_)
        | Event::Cancelled(_)
        | Event::Health(_)
        | Event::Annotated(_)
        | Event::Removed(_) => Ok(()),
    }
}

/// Of two reports, the one that speaks of the later moment counts, whichever came first.
fn end(
    tables: &Transaction<'_>,
    lane: &LaneId,
    number: DeploymentNumber,
    at: Timestamp,
    succeeded: bool,
) -> Result<(), ApplyError> {
    let LaneId { service, environment } = lane;
    tables
        .prepare_cached(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE
             SET at = excluded.at, week = excluded.week, succeeded = excluded.succeeded
             WHERE excluded.at >= at",
        )?
        .execute(params![
            service.as_str(),
            environment.as_str(),
            number.0,
            at.as_microsecond(),
            monday(at).to_string(),
            succeeded,
        ])?;
    Ok(())
}

fn void(
    tables: &Transaction<'_>,
    lane: &LaneId,
    number: DeploymentNumber,
) -> Result<(), ApplyError> {
    let LaneId { service, environment } = lane;
    tables
        .prepare_cached("INSERT INTO voided VALUES (?, ?, ?) ON CONFLICT DO NOTHING")?
        .execute(params![service.as_str(), environment.as_str(), number.0])?;
    Ok(())
}

/// The first day of the week, in UTC.
fn monday(at: Timestamp) -> Date {
    let day = at.to_zoned(TimeZone::UTC).date();
    let since = i32::from(day.weekday().to_monday_zero_offset());
    (0..since).fold(day, |day, _| day.yesterday().unwrap_or(day))
}

/// How often each service was deployed in each week, the first week first.
pub(crate) fn per_week(tables: &Connection) -> rusqlite::Result<Vec<Week>> {
    tables
        .prepare(include_str!("per_week.sql"))?
        .query_map([], |row| {
            Ok(Week { service: row.get(0)?, monday: row.get(1)?, deployments: row.get(2)? })
        })?
        .collect()
}
