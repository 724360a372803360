//! What runs where, now and at any instant, with both clocks.
//!
//! Each thing that changes what a lane is becomes a row that says what the lane
//! was from then on, so "as of T" is one seek a lane. Facts that arrive in order
//! cost one row; one that arrives late has its lane folded again.

mod approvals;
mod fold;
mod lane;
mod query;
mod restate;
mod rows;
mod same;
mod timeline;

use rusqlite::Transaction;
use shiplog_domain::wire::DomainEvent;
use shiplog_store::log::Recorded;

pub use self::query::{
    AsOf, Board, Brief, Census, Difference, EnvironmentRow, KnownNames, LaneAt, LaneNow, Names,
    Progress, ServiceLanes, board, census, declared_environments, diff, environments, is_heard_of,
    known_names, lane, ran, running_labels, service, services,
};
use crate::projection::{ApplyError, Projection};

/// The projection behind boards and lanes.
#[derive(Clone, Copy, Debug)]
pub struct Current;

impl Projection for Current {
    fn name(&self) -> &'static str {
        "current"
    }

    fn version(&self) -> u32 {
        5
    }

    fn schema(&self) -> String {
        include_str!("current.sql").into()
    }

    fn indexes(&self) -> &'static str {
        // All else is asked for by its keys.
        "CREATE INDEX IF NOT EXISTS lanes_by_service ON lanes (service)"
    }

    fn fold(
        &self,
        tables: &Transaction<'_>,
        events: &[Recorded<DomainEvent>],
    ) -> Result<(), ApplyError> {
        fold::fold(tables, events)
    }
}
