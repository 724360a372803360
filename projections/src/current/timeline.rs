//! What a lane was after each thing that happened in it, by when it happened.

mod history;
mod tail;

use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use shiplog_domain::lane::{Cause, Event, TargetFailed, TargetReport};

pub(super) use self::{
    history::fold,
    tail::{Open, Tail},
};

/// What sort of fact it is, as far as it changes what a lane is. The numbers are in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Requested = 0,
    Succeeded = 1,
    Failed = 2,
    /// Cancelled or rejected.
    Dropped = 3,
    Removed = 4,
    /// Corrected never to have taken place: changes all of the past.
    Voided = 5,
    Started = 6,
    TargetStarted = 7,
    TargetSucceeded = 8,
    TargetFailed = 9,
}

impl Kind {
    /// The kind of an event; none if it changes nothing here.
    pub(super) fn of(event: &Event) -> Option<Self> {
        use shiplog_domain::lane::Correction;
        match event {
            Event::Requested(_) => Some(Self::Requested),
            Event::Started(_) => Some(Self::Started),
            Event::TargetStarted(_) => Some(Self::TargetStarted),
            Event::TargetSucceeded(_) => Some(Self::TargetSucceeded),
            Event::TargetFailed(_) => Some(Self::TargetFailed),
            Event::Succeeded(_) => Some(Self::Succeeded),
            Event::Failed(_) => Some(Self::Failed),
            Event::Cancelled(_) | Event::Rejected(_) => Some(Self::Dropped),
            Event::Removed(_) => Some(Self::Removed),
            Event::Corrected(corrected) => {
                (corrected.correction == Correction::Void).then_some(Self::Voided)
            }
            Event::Approved(_) | Event::Health(_) | Event::Annotated(_) => None,
        }
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Requested),
            1 => Ok(Self::Succeeded),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Dropped),
            4 => Ok(Self::Removed),
            5 => Ok(Self::Voided),
            6 => Ok(Self::Started),
            7 => Ok(Self::TargetStarted),
            8 => Ok(Self::TargetSucceeded),
            9 => Ok(Self::TargetFailed),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// One fact; its place is when it happened, then its position in the log.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) position: u64,
    pub(super) kind: Kind,
    pub(super) number: Option<u32>,
    /// The target that it is about.
    pub(super) target: Option<Arc<str>>,
    /// The stream's version.
    pub(super) version: u64,
}

/// The target that an event is about, if it is about one.
pub(super) fn target(event: &Event) -> Option<Arc<str>> {
    match event {
        Event::TargetStarted(TargetReport { target, .. })
        | Event::TargetSucceeded(TargetReport { target, .. })
        | Event::TargetFailed(TargetFailed { target, .. }) => Some(target.as_str().into()),
        Event::Requested(_)
        | Event::Approved(_)
        | Event::Rejected(_)
        | Event::Started(_)
        | Event::Succeeded(_)
        | Event::Failed(_)
        | Event::Cancelled(_)
        | Event::Health(_)
        | Event::Annotated(_)
        | Event::Corrected(_)
        | Event::Removed(_) => None,
    }
}

/// A deployment and since when it is what it is.
pub(super) type Dated = (u32, i64);

/// A deployment that left its lane in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubtful {
    pub(super) number: u32,
    pub(super) cause: Doubted,
}

/// Why a lane is in doubt, as it is kept. The numbers are in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubted(pub(super) Cause);

impl Doubted {
    /// The number that it is kept as.
    pub(super) fn number(self) -> i64 {
        match self.0 {
            Cause::Failed => 0,
            Cause::Cancelled => 1,
            Cause::TargetsFailed => 2,
            Cause::TargetsUnfinished => 3,
        }
    }
}

impl FromSql for Doubted {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_i64()? {
            0 => Cause::Failed,
            1 => Cause::Cancelled,
            2 => Cause::TargetsFailed,
            3 => Cause::TargetsUnfinished,
            other => return Err(FromSqlError::OutOfRange(other)),
        }))
    }
}

/// What a lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// What runs, and since when its content has run without a break.
    pub(super) running: Option<Dated>,
    /// The newest deployment that has begun and not ended.
    pub(super) begun: Option<u32>,
    /// The newest deployment that has neither begun nor ended, and how many of these there are.
    pub(super) waiting: Option<u32>,
    pub(super) waiting_count: u32,
    pub(super) failed: Option<Dated>,
    /// Why nobody knows what is there.
    pub(super) doubt: Option<Doubtful>,
}

/// Whether the same was stated of what two deployments of a lane put there.
pub(super) type Same<'s> = &'s dyn Fn(u32, u32) -> rusqlite::Result<bool>;

#[cfg(test)]
mod tests;
