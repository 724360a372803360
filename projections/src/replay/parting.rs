//! Where the read models of two logs part: the first event after which they are not the same.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, TryStreamExt as _};
use shiplog_store::{entry, log::Log, position::GlobalPosition};

use super::{
    Brief, ReplayError,
    rows::{self, RowDifference},
};
use crate::{
    digest::{Digest, digest},
    files,
    projection::Projection,
    runner::{Runner, RunnerError, Until},
};

/// How the read models of two logs compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Parting {
    /// Which read model.
    pub name: &'static str,
    /// For how many events both are the same.
    pub events: u64,
    /// Where that is in the first log; none if it is before its first event.
    pub position: Option<GlobalPosition>,
    /// The next event of the first log; none if it ends there.
    pub first: Option<Brief>,
    /// The next event of the second log; none if it ends there.
    pub second: Option<Brief>,
    /// In which rows they differ after these; none unless both logs go on.
    pub rows: Vec<RowDifference>,
}

impl Parting {
    /// Whether both logs make the same of it to their ends.
    pub fn is_none(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }
}

/// Finds, by bisection over the number of events, where what two logs make of a read model parts.
///
/// Before the events that are named it is the same, and after them it is not. Where it parts more than
/// once, because it comes together between, any of these places may be found.
///
/// # Errors
///
/// [`ReplayError`].
pub async fn part<P: Projection + Clone>(
    projection: P,
    (first, second): (&dyn Log, &dyn Log),
    until: Until,
    scratch: &Path,
) -> Result<Parting, ReplayError> {
    let name = projection.name();
    let first = Side { projection: projection.clone(), log: first, scratch, stem: "first" };
    let second = Side { projection, log: second, scratch, stem: "second" };
    let (end, other) = (first.fold("end", until).await?, second.fold("end", until).await?);
    let (mut same, mut parted) = (0, end.events.min(other.events).saturating_add(1));
    if end == other {
        let position = first.checkpoint("end")?;
        let (events, rows) = (end.events, Vec::new());
        return Ok(Parting { name, events, position, first: None, second: None, rows });
    }
    first.fold("same", Until::Events(0)).await?;
    second.fold("same", Until::Events(0)).await?;
    while same + 1 < parted {
        let events = same + (parted - same) / 2;
        if first.go_on(events).await? == second.go_on(events).await? {
            first.keep()?;
            second.keep()?;
            same = events;
        } else {
            parted = events;
        }
    }
    let position = first.checkpoint("same")?;
    let after = (first.next(same, &end).await?, second.next(same, &other).await?);
    let rows = if let (Some(_), Some(_)) = &after {
        first.go_on(parted).await?;
        second.go_on(parted).await?;
        rows::differences(&first.path("tried"), &second.path("tried"))?
    } else {
        Vec::new()
    };
    Ok(Parting { name, events: same, position, first: after.0, second: after.1, rows })
}

/// One of two logs, and the files of what it makes of a read model.
struct Side<'a, P> {
    projection: P,
    log: &'a dyn Log,
    scratch: &'a Path,
    stem: &'static str,
}

/// What a log makes of a read model somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    events: u64,
    digest: Digest,
}

impl<P: Projection + Clone> Side<'_, P> {
    fn path(&self, what: &str) -> PathBuf {
        self.scratch.join(format!("{}-{what}.sqlite", self.stem))
    }

    fn open(&self, what: &str) -> rusqlite::Result<Runner<P>> {
        Runner::open_file(self.projection.clone(), &self.path(what), self.log.id())
    }

    async fn fold(&self, what: &str, until: Until) -> Result<State, ReplayError> {
        let mut runner = self.open(what)?;
        runner.catch_up_until(self.log, until).await?;
        Ok(State { events: runner.events(), digest: digest(runner.tables())? })
    }

    /// Folds on, from where both are the same, in a copy.
    async fn go_on(&self, events: u64) -> Result<State, ReplayError> {
        files::remove(&self.path("tried"));
        fs::copy(self.path("same"), self.path("tried"))?;
        self.fold("tried", Until::Events(events)).await
    }

    /// What was tried is the same.
    fn keep(&self) -> Result<(), ReplayError> {
        files::remove(&self.path("same"));
        Ok(fs::rename(self.path("tried"), self.path("same"))?)
    }

    fn checkpoint(&self, what: &str) -> rusqlite::Result<Option<GlobalPosition>> {
        Ok(self.open(what)?.checkpoint())
    }

    /// The event after so many; none if it is not to be looked at.
    async fn next(&self, events: u64, end: &State) -> Result<Option<Brief>, ReplayError> {
        if events >= end.events {
            return Ok(None);
        }
        let after = self.checkpoint("same")?;
        let mut entries = self.log.read_all(after).map(entry::of);
        let next = entries.try_next().await.map_err(RunnerError::from)?;
        Ok(next.as_ref().map(Brief::from))
    }
}
