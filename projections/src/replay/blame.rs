//! Which event made a row of the live read model different from what the log makes of it.
//!
//! The live one exists at one place alone, so what is followed is the row that the log makes: from
//! batch to batch first, and then event by event in the batches that count.

use std::{collections::BTreeSet, path::Path};

use futures::{StreamExt as _, TryStreamExt as _, future};
use rusqlite::types::Value;
use shiplog_store::{
    entry::{self, Entry},
    log::Log,
    position::GlobalPosition,
};

use super::{Brief, ReplayError, rows::RowDifference};
use crate::{
    projection::Projection,
    runner::{Batch, ENOUGH, Runner, RunnerError},
};

/// How many rows are followed to an event; the others are told of without.
const FOLLOWED: usize = 100;

/// In how many batches, of those in which it changed last, a row is followed event by event.
const LOOKED_AT: usize = 4;

/// A row that differs, and the event that made it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The row.
    pub difference: RowDifference,
    /// The event; none if no event of the log has to do with it, or if it was not followed.
    pub event: Option<Brief>,
    /// What that event has to do with it.
    pub why: Why,
}

/// What an event has to do with a row that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The live row is as the log had it right before the event, and does not tell of that.
    NotFolded,
    /// The log never had it so, as far as it was looked at; the event was the last to change it.
    NeverSo,
    /// Only so many rows are followed.
    NotFollowed,
}

/// A row on its way through the log.
struct Watched {
    difference: RowDifference,
    /// What the log had made of it after the last batch.
    row: Option<Vec<Value>>,
    /// The batches in which that changed.
    changed: Vec<usize>,
    /// The batch in which it was as the live one is for the last time.
    left: Option<usize>,
    /// The last event before which it was as the live one is.
    missed: Option<Brief>,
    /// The last event that changed it.
    last: Option<Brief>,
}

impl Watched {
    fn new(difference: RowDifference) -> Self {
        // Before the first event there is no row.
        let left = difference.live.is_none().then_some(0);
        let (row, changed) = (None, Vec::new());
        Self { difference, row, changed, left, missed: None, last: None }
    }

    /// Notes what it is after a batch.
    fn note(&mut self, batch: usize, row: Option<Vec<Value>>) {
        if row == self.difference.live {
            self.left = Some(batch + 1);
        }
        if row != self.row {
            self.changed.push(batch);
        }
        self.row = row;
    }

    /// The batches that are to be looked at event by event.
    fn batches(&self) -> impl Iterator<Item = usize> {
        let late = self.changed.iter().rev().take(LOOKED_AT).copied();
        late.chain(self.left)
    }

    /// Notes what an event has made of it.
    fn meet(&mut self, event: &Brief, before: Option<&Vec<Value>>, after: Option<&Vec<Value>>) {
        if before == after {
            return;
        }
        self.last = Some(event.clone());
        if before == self.difference.live.as_ref() {
            self.missed = Some(event.clone());
        }
    }

    fn explained(self) -> Explained {
        let Self { difference, missed, last, .. } = self;
        let why = if missed.is_some() { Why::NotFolded } else { Why::NeverSo };
        Explained { difference, event: missed.or(last), why }
    }
}

/// Follows each row to the event that made it different.
pub(super) async fn blame<P: Projection + Clone>(
    projection: P,
    (log, position): (&dyn Log, Option<GlobalPosition>),
    differences: Vec<RowDifference>,
    scratch: &Path,
) -> Result<Vec<Explained>, ReplayError> {
    let mut differences = differences.into_iter();
    let mut watched: Vec<_> = differences.by_ref().take(FOLLOWED).map(Watched::new).collect();
    let rest = differences.map(|difference| {
        let (event, why) = (None, Why::NotFollowed);
        Explained { difference, event, why }
    });
    if watched.is_empty() {
        return Ok(Vec::new());
    }
    let first = Runner::open_file(projection.clone(), &scratch.join("coarse.sqlite"), log.id())?;
    coarsely(first, (log, position), &mut watched).await?;
    let second = Runner::open_file(projection, &scratch.join("fine.sqlite"), log.id())?;
    finely(second, (log, position), &mut watched).await?;
    Ok(watched.into_iter().map(Watched::explained).chain(rest).collect())
}

/// Looks at the rows after each batch.
async fn coarsely<P: Projection>(
    mut runner: Runner<P>,
    place: (&dyn Log, Option<GlobalPosition>),
    watched: &mut [Watched],
) -> Result<(), ReplayError> {
    for batch in 0.. {
        let records = next(&runner, place).await?;
        if records.is_empty() {
            break;
        }
        runner.fold(&Batch::decode(records))?;
        for one in &mut *watched {
            let row = one.difference.identity.find(runner.tables())?;
            one.note(batch, row);
        }
    }
    Ok(())
}

/// Looks at the rows after each event of the batches that count.
async fn finely<P: Projection>(
    mut runner: Runner<P>,
    place: (&dyn Log, Option<GlobalPosition>),
    watched: &mut [Watched],
) -> Result<(), ReplayError> {
    let batches: BTreeSet<_> = watched.iter().flat_map(Watched::batches).collect();
    let Some(last) = batches.last().copied() else { return Ok(()) };
    for batch in 0..=last {
        let records = next(&runner, place).await?;
        if !batches.contains(&batch) {
            runner.fold(&Batch::decode(records))?;
            continue;
        }
        let mut before = found(&runner, watched)?;
        for record in records {
            let event = Brief::from(&record);
            runner.fold(&Batch::decode([record]))?;
            let after = found(&runner, watched)?;
            for ((row, before), after) in watched.iter_mut().zip(&before).zip(&after) {
                row.meet(&event, before.as_ref(), after.as_ref());
            }
            before = after;
        }
    }
    Ok(())
}

/// What the log has made of each row until now.
fn found<P: Projection>(
    runner: &Runner<P>,
    watched: &[Watched],
) -> rusqlite::Result<Vec<Option<Vec<Value>>>> {
    watched.iter().map(|one| one.difference.identity.find(runner.tables())).collect()
}

/// The records of the next batch.
async fn next<P: Projection>(
    runner: &Runner<P>,
    (log, position): (&dyn Log, Option<GlobalPosition>),
) -> Result<Vec<Entry>, ReplayError> {
    let records = log
        .read_all(runner.checkpoint())
        .map(entry::of)
        .try_take_while(|one| future::ready(Ok(Some(entry::position(one)) <= position)))
        .take(ENOUGH)
        .try_collect()
        .await;
    records.map_err(|fault| RunnerError::from(fault).into())
}
