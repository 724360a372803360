//! Events in, tables out: the ledger's rows, told as the tables have them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};
use shiplog_domain::{
    lane::{Deployment, Health, LaneId, Rail},
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

use super::{
    events::kind,
    lane::{self, Last},
    times::text,
};
use crate::{
    history::intent,
    ledger::{Detail, Ledger, Place, Row},
    page::Page,
    projection::ApplyError,
    rollbacks::{self, Filter, Rollback},
    view::View,
};

pub(super) fn fold(
    tables: &Transaction<'_>,
    events: &[Recorded<DomainEvent>],
) -> Result<(), ApplyError> {
    let mut ledger = Ledger::new(tables, Detail::Whole);
    let mut touched = BTreeMap::new();
    for recorded in events {
        ledger.apply(recorded)?;
        let DomainEvent::Lane(event) = &recorded.event else { continue };
        if let Some(lane) = LaneId::from_stream(&recorded.stream) {
            let at = event.at();
            let latest = touched.get(&lane).map_or(at, |last: &Last| last.latest.max(at));
            let (version, recorded_at) = (recorded.version, recorded.recorded_at);
            touched.insert(lane, Last { version, recorded_at, latest });
        }
    }
    // Lanes whose rollbacks may have reached something else than is told of them.
    let mut reached: BTreeSet<_> = ledger.late().into_iter().collect();
    for row in ledger.finish()? {
        deployment(tables, &row)?;
        lane::note(tables, &row)?;
        if rollbacks::save(tables, &row)? || row.was_final {
            reached.insert(row.lane);
        }
    }
    for (id, last) in touched {
        lane::tell(tables, &id, &last)?;
    }
    for lane in reached {
        tell_rollbacks(tables, &lane)?;
    }
    Ok(())
}

fn deployment(tables: &Transaction<'_>, row: &Row) -> Result<(), ApplyError> {
    let Deployment { requested, started, failure, approvals, health, .. } = &row.deployment;
    let failed = failure.as_ref();
    let replaced = row.replaced();
    let approved_by: Vec<_> = approvals.iter().map(|approved| &approved.by).collect();
    let crossed = requested.crosses.iter().flat_map(|crosses| &crosses.rails);
    let crossed: Vec<_> = crossed.map(|rail: &Rail| rail.as_str()).collect();
    tables
        .prepare_cached(
            "INSERT OR REPLACE INTO sql_deployments
             VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        )?
        .execute(params![
            row.lane.service.as_str(),
            row.lane.environment.as_str(),
            requested.number.0,
            requested.release.version.as_str(),
            requested.release.commit,
            row.deployment.status().as_str(),
            intent(row.deployment.intent()),
            row.classification().as_str(),
            row.actor.id,
            kind(row.actor.kind),
            row.actor.name,
            requested.reason,
            text(requested.at),
            started.as_ref().map(|started| text(started.at)),
            row.deployment.finished_at().map(text),
            row.deployment.duration_ms(),
            replaced.map(|place| place.number.0),
            replaced.map(|place| place.version.as_str()),
            failed.and_then(|failed| failed.error.as_ref()),
            failed.and_then(|failed| failed.failed_step.as_ref()),
            row.deployment.ended_because,
            requested.approvals.map_or(0, |approvals| approvals.needed),
            serde_json::to_string(&approved_by)?,
            serde_json::to_string(&crossed)?,
            health.as_ref().map(|report| doing(report.health)),
            row.deployment.is_void(),
            row.deployment.is_blamed(),
            row.deployment.is_contradicted(),
            row.taken_back_by.map(|number| number.0),
            requested.external_id,
            requested.url,
            serde_json::to_string(&requested.labels)?,
            serde_json::to_string(&requested.release)?,
            row.position().0,
        ])?;
    Ok(())
}

fn doing(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Degraded => "degraded",
        Health::Unhealthy => "unhealthy",
    }
}

/// Tells anew of every rollback in a lane.
fn tell_rollbacks(tables: &Transaction<'_>, lane: &LaneId) -> Result<(), ApplyError> {
    tables
        .prepare_cached("DELETE FROM sql_rollbacks WHERE service = ? AND environment = ?")?
        .execute((lane.service.as_str(), lane.environment.as_str()))?;
    let filter = Filter {
        service: Some(lane.service.clone()),
        environment: Some(lane.environment.clone()),
        ..Filter::default()
    };
    let all = Page::first(usize::MAX);
    for rollback in rollbacks::list(&View::alone(tables), &filter, &all)?.items {
        tell(tables, &rollback)?;
    }
    Ok(())
}

fn tell(tables: &Transaction<'_>, rollback: &Rollback) -> Result<(), ApplyError> {
    let Rollback { entry, declared, from, to, reverts, left_at, ran_for_ms, .. } = rollback;
    let number = |place: &Option<Place>| place.as_ref().map(|place| place.number.0);
    let version = |place: &Option<Place>| place.as_ref().map(|place| place.version.to_string());
    let reverts: Vec<_> = reverts.iter().map(|place| place.number.0).collect();
    tables
        .prepare_cached("INSERT INTO sql_rollbacks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?
        .execute(params![
            entry.lane.service.as_str(),
            entry.lane.environment.as_str(),
            entry.deployment.number().0,
            declared,
            entry.deployment.status().as_str(),
            number(from),
            version(from),
            number(to),
            version(to),
            serde_json::to_string(&reverts)?,
            entry.deployment.requested.reason,
            entry.actor.id,
            kind(entry.actor.kind),
            text(entry.deployment.requested.at),
            entry.deployment.finished_at().map(text),
            left_at.map(text),
            ran_for_ms,
        ])?;
    Ok(())
}
