//! How far the answer to a request is behind what was acknowledged before the request came.
//!
//! Each request has one [`Lag`]. A read model that is not level in time is noted there, and when the
//! answer is complete it says so, whatever the handler did: in a header, in the body, or with a `503` in
//! the place of "there is nothing".

mod mark;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use shiplog_store::{
    log::{Log, LogFault, readable},
    position::{ConsistencyToken, GlobalPosition},
};
use utoipa::ToSchema;

pub(crate) use self::mark::mark;
use crate::{
    problem::{Problem, ProblemKind},
    projections::COUNTED,
    shapes::Moment,
};

/// What an answer does not include yet, of what was acknowledged before the request came.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Behind {
    /// How many events; on a cluster, counted up to 1,000.
    #[schema(minimum = 1)]
    pub(crate) events: u64,
    /// Up to where the answer is complete, written like `Shiplog-Position`.
    pub(crate) position: String,
    /// When the first of these events was recorded.
    pub(crate) since: Moment,
    /// Up to where the read model has folded the log.
    #[serde(skip)]
    checkpoint: Option<GlobalPosition>,
    /// Which read model it is, and what can be done, for people.
    #[serde(skip)]
    why: String,
}

/// The lag of the answer to one request; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lag(Arc<Mutex<Option<Behind>>>);

impl Lag {
    /// The read model that is furthest behind; none if all were level.
    pub(crate) fn behind(&self) -> Option<Behind> {
        self.noted().clone()
    }

    /// Notes that a read model is behind, at a checkpoint. The one that is furthest behind counts.
    ///
    /// # Errors
    ///
    /// The problem, where the log cannot be read: then nobody knows by how much.
    pub(crate) async fn note(
        &self,
        log: &dyn Log,
        checkpoint: Option<GlobalPosition>,
        problem: Problem,
    ) -> Result<(), Problem> {
        if self.noted().as_ref().is_some_and(|noted| noted.checkpoint <= checkpoint) {
            return Ok(());
        }
        let Ok(gap) = gap(log, checkpoint).await else { return Err(problem) };
        // There is none if it has been folded meanwhile.
        if let Some((events, since)) = gap {
            let position = ConsistencyToken { log: log.id(), position: checkpoint }.to_string();
            let (since, why) = (Moment(since), problem.detail);
            *self.noted() = Some(Behind { events, position, since, checkpoint, why });
        }
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, Option<Behind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many events come after a position, and when the first of them was recorded.
async fn gap(
    log: &dyn Log,
    after: Option<GlobalPosition>,
) -> Result<Option<(u64, Timestamp)>, LogFault> {
    let mut missing = readable(log.read_all(after)).take(COUNTED);
    let Some(first) = missing.try_next().await? else { return Ok(None) };
    let events = match log.count(after).await? {
        Some(events) => events,
        None => missing.try_fold(1, async |events, _| Ok(events + 1)).await?,
    };
    Ok(Some((events.max(1), first.recorded_at)))
}

impl Behind {
    /// Says no, where the answer would be that there is nothing.
    pub(crate) fn problem(&self) -> Problem {
        ProblemKind::ProjectionBehind.because(self.why.clone())
    }

    /// `36 events`.
    pub(crate) fn counted(&self) -> String {
        match self.events {
            1 => "1 event".into(),
            events => format!("{events} events"),
        }
    }
}
