//! The history as tables that people ask in SQL: events, deployments, lanes and rollbacks.
//!
//! It costs as much disk as the log and more, so a server makes it when somebody asks first: see
//! [`OnDemand`](crate::models::OnDemand).

mod ask;
mod errors;
mod events;
mod fold;
mod functions;
mod guard;
mod lane;
mod now;
mod parameters;
mod patterns;
mod reader;
mod running;
mod times;

use std::path::Path;

use rusqlite::Transaction;
use shiplog_domain::wire::DomainEvent;
use shiplog_store::log::Recorded;

pub use self::{
    ask::{Limits, Question, Rows},
    errors::{AskError, Place},
    parameters::{Parameters, parameter},
    reader::Reader,
};
use crate::{
    files::Files,
    ledger,
    projection::{ApplyError, Projection, Written},
    rollbacks, tables,
};

/// The tables as their files name them.
const TABLES: &str = include_str!("sql/tables.sql");
const INDEXES: &str = include_str!("sql/indexes.sql");

/// What the tables' names begin with, so that they are none of the ledger's.
const PREFIX: &str = "sql_";

/// What the read model is called.
pub const NAME: &str = "sql";

/// What can be asked.
const NAMES: [&str; 4] = ["events", "deployments", "lanes", "rollbacks"];

/// The projection behind what is asked in SQL.
#[derive(Clone, Copy, Debug)]
pub struct Sql;

/// The documented schema: every table and index that can be asked, as SQL.
pub fn schema() -> String {
    [TABLES, INDEXES].join("\n").replace(PREFIX, "")
}

/// Whether the tables were ever made in a directory; what a full disk or a kill left half made is not.
pub fn is_made(directory: &Path) -> bool {
    let path = Files::of(directory, &Sql).serving();
    path.exists() && !tables::is_half_made(&path)
}

impl Projection for Sql {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> String {
        [ledger::SCHEMA, rollbacks::TABLES, TABLES, include_str!("sql/private.sql")].concat()
    }

    fn indexes(&self) -> &'static str {
        INDEXES
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        fold::fold(tables, events)
    }

    fn keep(&self, tables: &Transaction<'_>, written: Written<'_>) -> Result<(), ApplyError> {
        events::keep(tables, written)
    }
}
