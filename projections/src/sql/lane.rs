//! What each lane is, as the table of lanes has it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use shiplog_domain::lane::{Deployment, Effect, LaneId, State, Status};
use shiplog_store::position::StreamVersion;

use super::times::text;
use crate::{
    columns::{document, timestamp},
    history::intent,
    ledger::{Point, Row, ran_since},
    projection::ApplyError,
};

fn id(tables: &Transaction<'_>, lane: &LaneId) -> rusqlite::Result<i64> {
    tables
        .prepare_cached("SELECT id FROM lanes WHERE service = ? AND environment = ?")?
        .query_row((lane.service.as_str(), lane.environment.as_str()), |row| row.get(0))
}

/// Notes where a failure stands among what happened in the lane, and whether a deployment is open.
pub(super) fn note(tables: &Transaction<'_>, row: &Row) -> Result<(), ApplyError> {
    let Row { lane, deployment, is_new, .. } = row;
    let (id, number) = (id(tables, lane)?, deployment.number().0);
    if !is_new {
        for statement in [
            "DELETE FROM sql_failures WHERE lane = ? AND number = ?",
            "DELETE FROM sql_open WHERE lane = ? AND begun IN (0, 1) AND number = ?",
        ] {
            tables.prepare_cached(statement)?.execute(params![id, number])?;
        }
    }
    let settled = deployment.settled().filter(|_| !deployment.is_void());
    if let Some(end) = settled.filter(|end| end.status == Status::Failed) {
        tables.prepare_cached("INSERT INTO sql_failures VALUES (?, ?, ?, ?)")?.execute(params![
            id,
            end.at.as_microsecond(),
            end.record,
            number
        ])?;
    }
    if deployment.is_open() {
        tables.prepare_cached("INSERT INTO sql_open VALUES (?, ?, ?)")?.execute(params![
            id,
            deployment.has_begun(),
            number
        ])?;
    }
    Ok(())
}

/// The last that is recorded of a lane.
pub(super) struct Last {
    /// The stream's version.
    pub(super) version: StreamVersion,
    /// When it was recorded.
    pub(super) recorded_at: Timestamp,
    /// When the latest of what was recorded in this batch happened or happens.
    pub(super) latest: Timestamp,
}

/// Tells what a lane is after its last event.
pub(super) fn tell(
    tables: &Transaction<'_>,
    lane: &LaneId,
    last_told: &Last,
) -> Result<(), ApplyError> {
    let id = id(tables, lane)?;
    let last = tables
        .prepare_cached(
            "SELECT at, record, number FROM effects WHERE lane = ?
             ORDER BY at DESC, record DESC LIMIT 1",
        )?
        .query_row([id], |row| {
            Ok((Point { at: row.get(0)?, record: row.get(1)? }, row.get::<_, Option<u32>>(2)?))
        })
        .optional()?;
    let since = last.map(|(point, _)| ran_since(tables, id, point)).transpose()?.flatten();
    let since = since.map(|(_, since)| timestamp(0, since.at)).transpose()?;
    let uncertain = is_uncertain(tables, id, last)?;
    tables.prepare_cached(include_str!("lane.sql"))?.execute(params![
        id,
        last_told.version.0,
        since.map(text),
        uncertain
    ])?;
    tell_upcoming(tables, (id, lane), last_told)
}

/// Whether the last to end left the lane in doubt, be it what took effect last.
fn is_uncertain(
    tables: &Transaction<'_>,
    lane: i64,
    last: Option<(Point, Option<u32>)>,
) -> Result<bool, ApplyError> {
    let doubted = tables
        .prepare_cached(
            "SELECT at, record FROM doubts WHERE lane = ? ORDER BY at DESC, record DESC LIMIT 1",
        )?
        .query_row([lane], |row| Ok(Point { at: row.get(0)?, record: row.get(1)? }))
        .optional()?;
    if doubted > last.map(|(point, _)| point) {
        return Ok(true);
    }
    let Some(number) = last.and_then(|(_, number)| number) else { return Ok(false) };
    let deployment: Option<Deployment> = tables
        .prepare_cached("SELECT document FROM deployments WHERE lane = ? AND number = ?")?
        .query_row(params![lane, number], |row| document(0, row.get_ref(0)?.as_str()?))
        .optional()?;
    Ok(deployment.is_some_and(|deployment| deployment.doubt().is_some()))
}

/// Tells what a lane is from each instant on that is later than its last event, if anything is
/// recorded for later.
fn tell_upcoming(
    tables: &Transaction<'_>,
    (id, lane): (i64, &LaneId),
    Last { version, recorded_at, latest }: &Last,
) -> Result<(), ApplyError> {
    let latest: i64 = tables
        .prepare_cached(
            "INSERT INTO sql_latest VALUES (?, ?)
             ON CONFLICT (lane) DO UPDATE SET latest = max(latest, excluded.latest)
             RETURNING latest",
        )?
        .query_row((id, latest.as_microsecond()), |row| row.get(0))?;
    tables
        .prepare_cached("DELETE FROM sql_upcoming WHERE service = ? AND environment = ?")?
        .execute((lane.service.as_str(), lane.environment.as_str()))?;
    if latest <= recorded_at.as_microsecond() {
        return Ok(());
    }
    let (deployments, removals) = whole(tables, id)?;
    let removed = removals.iter().map(|removal| removal.at);
    let mut instants: Vec<_> = deployments.iter().flat_map(|one| instants(&one.0)).collect();
    instants.extend(removed);
    instants.retain(|at| at > recorded_at);
    instants.push(*recorded_at);
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
        let known = deployments.iter().map(|(deployment, _)| deployment.clone());
        let state = State::told(known, removals.iter().copied(), at);
        // What is yet to come is a lane already.
        if at == *recorded_at || !state.is_empty() {
            // A clock that is put back still finds the lane as it was when this was recorded.
            let from = if at == *recorded_at { String::new() } else { text(at) };
            let actors: Vec<_> = deployments.iter().map(|(_, actor)| actor.as_str()).collect();
            tell_state(tables, lane, &state, (from, *version), &actors)?;
        }
    }
    Ok(())
}

/// When something happens to a deployment.
fn instants(deployment: &Deployment) -> Vec<Timestamp> {
    let Deployment { requested, started, outcomes, targets, earlier_on_targets, .. } = deployment;
    let started = started.iter().map(|started| started.at);
    let ended = outcomes.iter().map(|outcome| outcome.at);
    let earlier = earlier_on_targets.iter().map(|(_, target)| target);
    let targets = targets.values().chain(earlier).map(|target| target.at);
    [requested.at].into_iter().chain(started).chain(ended).chain(targets).collect()
}

/// A deployment, and the id of who asked for it.
type Asked = (Deployment, String);

/// Every deployment of a lane by its number, and every removal from it.
fn whole(tables: &Transaction<'_>, lane: i64) -> Result<(Vec<Asked>, Vec<Effect>), ApplyError> {
    let deployments = tables
        .prepare_cached(
            "SELECT document, actor ->> '$.id' FROM deployments WHERE lane = ? ORDER BY number",
        )?
        .query_map([lane], |row| Ok((document(0, row.get_ref(0)?.as_str()?)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let removals = tables
        .prepare_cached("SELECT at, record FROM effects WHERE lane = ? AND number IS NULL")?
        .query_map([lane], |row| {
            Ok(Effect { at: timestamp(0, row.get(0)?)?, record: row.get(1)?, number: None })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok((deployments, removals))
}

/// Tells what a lane is from an instant on.
fn tell_state(
    tables: &Transaction<'_>,
    lane: &LaneId,
    state: &State,
    (valid_from, StreamVersion(version)): (String, StreamVersion),
    actors: &[&str],
) -> Result<(), ApplyError> {
    let number = |one: &Deployment| one.number().0;
    let running = state.running();
    let failed = state.last_failed();
    let actor = |one: &Deployment| {
        usize::try_from(number(one)).ok().and_then(|number| actors.get(number.checked_sub(1)?))
    };
    tables
        .prepare_cached(
            "INSERT INTO sql_upcoming VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            lane.service.as_str(),
            lane.environment.as_str(),
            valid_from,
            running.map(|one| one.release().version.as_str()),
            running.map(number),
            state.running_since().map(text),
            running.and_then(actor),
            running.and_then(|one| one.release().commit.as_deref()),
            running.map(|one| intent(one.intent())),
            state.in_progress().map(number),
            failed.map(number),
            failed.and_then(Deployment::finished_at).map(text),
            state.is_in_doubt(),
            version,
        ])?;
    Ok(())
}
