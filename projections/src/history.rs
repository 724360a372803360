//! Every deployment: who, what, when, how it went, and what it replaced.

mod filter;
mod query;
pub mod search;
mod statement;
mod words;

use rusqlite::{Transaction, params};
use shiplog_domain::{lane::Intent, wire::DomainEvent};
use shiplog_store::log::Recorded;

pub use self::{
    filter::{Comparison, Condition, Fact, Filter},
    query::{Run, list, one, runs},
};
pub use crate::ledger::{Entry, Place, TakenBack};
use crate::{
    ledger::{self, Detail, Ledger, Row},
    projection::{ApplyError, Projection},
};

/// The projection behind the list of deployments.
#[derive(Clone, Copy, Debug)]
pub struct History;

impl Projection for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn version(&self) -> u32 {
        5
    }

    fn schema(&self) -> String {
        [ledger::SCHEMA, include_str!("history.sql")].concat()
    }

    fn indexes(&self) -> &'static str {
        include_str!("history_indexes.sql")
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        let mut ledger = Ledger::new(tables, Detail::Whole);
        for recorded in events {
            ledger.apply(recorded)?;
        }
        for row in ledger.finish()? {
            if row.is_new {
                add(tables, &row)?;
            } else {
                amend(tables, &row)?;
            }
            if row.has_new_words {
                index(tables, &row)?;
            }
        }
        Ok(())
    }
}

fn add(tables: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    let requested = &row.deployment.requested;
    tables
        .prepare_cached("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            row.id,
            requested.at.as_microsecond(),
            row.lane.service.as_str(),
            row.lane.environment.as_str(),
            row.actor.id,
            requested.release.version.as_str(),
            requested.release.commit.as_deref().map(commit),
            row.deployment.status().as_str(),
            intent(row.deployment.intent()),
            row.classification().as_str(),
            row.deployment.duration_ms(),
            row.deployment.is_void(),
            row.deployment.is_contradicted(),
            row.taken_back_by.is_some(),
        ])?;
    for (name, value) in &requested.labels {
        tables
            .prepare_cached("INSERT INTO labels VALUES (?, ?, ?)")?
            .execute(params![name, value, row.id])?;
    }
    for artifact in &requested.release.artifacts {
        for text in [&artifact.name, &artifact.digest] {
            tables
                .prepare_cached("INSERT INTO artifacts VALUES (?, ?) ON CONFLICT DO NOTHING")?
                .execute(params![text, row.id])?;
        }
    }
    Ok(())
}

/// Rewrites what can change about a deployment after it was requested.
fn amend(tables: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    tables
        .prepare_cached(
            "UPDATE entries SET status = ?2, intent = ?3, classification = ?4, duration_ms = ?5,
                    void = ?6, contradicted = ?7, taken_back = ?8
             WHERE id = ?1
                   AND (status, intent, classification, duration_ms, void, contradicted, taken_back)
                       IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            row.id,
            row.deployment.status().as_str(),
            intent(row.deployment.intent()),
            row.classification().as_str(),
            row.deployment.duration_ms(),
            row.deployment.is_void(),
            row.deployment.is_contradicted(),
            row.taken_back_by.is_some(),
        ])
        .map(drop)
}

fn index(tables: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    if !row.is_new {
        tables.prepare_cached("DELETE FROM search WHERE rowid = ?")?.execute([row.id])?;
    }
    tables
        .prepare_cached("INSERT INTO search (rowid, words) VALUES (?, ?)")?
        .execute(params![row.id, words::of(row)])
        .map(drop)
}

/// A commit as it is looked for: whoever copies one may have it in capital letters.
///
/// Of letters beyond ASCII, some have small ones that depend on what follows, and then the beginning
/// of a text would not be the beginning of what is kept.
fn commit(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The words for intents.
pub const INTENTS: [&str; 5] = ["deploy", "rollback", "roll_forward", "retry", "unknown"];

/// The word for an intent, one of [`INTENTS`].
pub(crate) fn intent(intent: &Intent) -> &'static str {
    match intent {
        Intent::Deploy => "deploy",
        Intent::Rollback { .. } => "rollback",
        Intent::RollForward { .. } => "roll_forward",
        Intent::Retry { .. } => "retry",
        Intent::Unknown => "unknown",
    }
}
