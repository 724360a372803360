//! What was taken back, by what, and why: rollbacks that somebody declared, and
//! deployments that went back without saying so.

mod query;

use rusqlite::{Transaction, params};
use shiplog_domain::{
    lane::{Classification, Intent},
    wire::DomainEvent,
};
use shiplog_store::log::Recorded;

pub use self::query::{Account, Afterwards, Evidence, Fate, Filter, Rollback, list};
use crate::{
    ledger::{self, Detail, Ledger, Row},
    projection::{ApplyError, Projection},
};

/// The tables of every model that tells of rollbacks, beside the ledger's.
pub(crate) const TABLES: &str = include_str!("rollbacks.sql");

/// The projection behind the audit of rollbacks.
#[derive(Clone, Copy, Debug)]
pub struct Rollbacks;

impl Projection for Rollbacks {
    fn name(&self) -> &'static str {
        "rollbacks"
    }

    fn version(&self) -> u32 {
        3
    }

    fn schema(&self) -> String {
        [ledger::SCHEMA, TABLES].concat()
    }

    fn indexes(&self) -> &'static str {
        include_str!("rollbacks_indexes.sql")
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        let mut ledger = Ledger::new(tables, Detail::Outline);
        for recorded in events {
            ledger.apply(recorded)?;
        }
        for row in ledger.finish()? {
            save(tables, &row)?;
        }
        Ok(())
    }
}

/// Keeps a deployment that went back; answers whether it did, or had been believed to.
pub(crate) fn save(tables: &Transaction<'_>, row: &Row) -> rusqlite::Result<bool> {
    let is_rollback = |intent: &Intent| matches!(intent, Intent::Rollback { .. });
    let deployment = &row.deployment;
    let declared = is_rollback(deployment.intent()) && !deployment.is_void();
    let reported = is_rollback(&deployment.requested.intent);
    let inferred =
        deployment.took_effect().is_some() && row.classification() == Classification::Rollback;
    if !declared && !reported && !inferred {
        if row.is_new {
            return Ok(false);
        }
        let mut delete = tables.prepare_cached("DELETE FROM rollbacks WHERE id = ?")?;
        return Ok(delete.execute([row.id])? > 0);
    }
    tables
        .prepare_cached(
            "INSERT INTO rollbacks
             SELECT id, ?2, lane, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM deployments WHERE id = ?1
             ON CONFLICT (id) DO UPDATE SET status = excluded.status,
                declared = excluded.declared, inferred = excluded.inferred",
        )?
        .execute(params![
            row.id,
            deployment.requested.at.as_microsecond(),
            row.lane.service.as_str(),
            row.lane.environment.as_str(),
            row.actor.id,
            deployment.status().as_str(),
            declared,
            reported,
            inferred,
        ])
        .map(|_| true)
}
