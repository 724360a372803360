//! The states of a projection that a user wrote, made anew beside those that answer.

use std::{
    path::{Path, PathBuf},
    sync::Weak,
    time::{Duration, Instant},
};

use shiplog_store::position::GlobalPosition;
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
};

use super::{
    keeper::{Keeper, Standing},
    place::Place,
};
use crate::{
    definitions::Definition,
    digest::digest,
    files::Verdict,
    models::{Rebuild, RebuildStatus},
    tables,
};

/// A rebuild that is under way, or has ended.
pub(super) struct Rebuilding {
    pub(super) definition: Definition,
    /// What it is made in.
    pub(super) file: PathBuf,
    began: Instant,
    standing: watch::Receiver<Standing>,
    ended: watch::Receiver<Option<End>>,
    /// Ends with it.
    _work: JoinSet<()>,
}

/// How a rebuild ended.
#[derive(Clone, Debug)]
enum End {
    Done(Verdict),
    Failed(String),
}

impl Rebuilding {
    /// Begins to make with `keeper`, in its file, what is to answer in `place`.
    pub(super) fn begin(
        definition: &Definition,
        keeper: Keeper,
        standing: watch::Receiver<Standing>,
        place: Weak<Place>,
    ) -> Self {
        let (file, definition) = (keeper.file.clone(), definition.clone());
        let (end, ended) = watch::channel(None);
        let mut work = JoinSet::new();
        work.spawn(rebuild(place, definition.clone(), keeper, end));
        Self { definition, file, began: Instant::now(), standing, ended, _work: work }
    }

    /// Whether it has yet to end.
    pub(super) fn is_under_way(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// How it goes, where what answers has looked at `total` events.
    pub(super) fn tell(&self, total: u64) -> Rebuild {
        let Standing { checkpoint, events, .. } = self.standing.borrow().clone();
        let (status, verdict) = match self.ended.borrow().clone() {
            None => (RebuildStatus::Building, None),
            Some(End::Done(verdict)) => (RebuildStatus::Done, Some(verdict)),
            Some(End::Failed(why)) => (RebuildStatus::Failed { why }, None),
        };
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let is_under_way = status.is_under_way();
        let rate = if is_under_way { events * 1_000 / took.max(1) } else { 0 };
        let left = total.saturating_sub(events).checked_div(rate);
        Rebuild {
            status,
            position: checkpoint,
            events_done: events,
            events_total: total.max(events),
            events_per_second: rate,
            left: left.map(Duration::from_secs),
            max_events_per_second: None,
            verdict,
        }
    }
}

/// Folds until it is level, compares, and has it answer.
async fn rebuild(
    place: Weak<Place>,
    definition: Definition,
    keeper: Keeper,
    end: watch::Sender<Option<End>>,
) {
    let built = keeper.file.clone();
    let ended = match keeper.catch_up().await {
        Ok(standing) => put_in_place(&place, &definition, built, standing).await,
        Err(stop) => Err(stop.to_string()),
    };
    end.send_replace(Some(ended.map_or_else(End::Failed, End::Done)));
}

async fn put_in_place(
    place: &Weak<Place>,
    definition: &Definition,
    built: PathBuf,
    standing: Standing,
) -> Result<Verdict, String> {
    let gone = || "the projection is no more what it was".to_owned();
    let served = place.upgrade().and_then(|place| place.file(definition)).ok_or_else(gone)?;
    let file = built.clone();
    let compared = spawn_blocking(move || compare(&file, &served)).await;
    let verdict = compared.map_err(|error| error.to_string())?;
    let verdict = verdict.map_err(|error| tables::in_words(&error))?;
    let place = place.upgrade().ok_or_else(gone)?;
    let swapped = place.swap(definition, &built, standing).ok_or_else(gone)?;
    swapped.map_err(|error| format!("what was made cannot be put in its place: {error}"))?;
    Ok(verdict)
}

/// Compares what was made with what answers, if both are of the same place in the log.
fn compare(built: &Path, served: &Path) -> rusqlite::Result<Verdict> {
    let mut built = tables::open_read_only(built)?;
    let built = built.transaction()?;
    let position = tables::checkpoint(&built)?.position;
    Ok(Verdict {
        position: position.map(|position| position.0),
        rebuilt: digest(&built)?.to_string(),
        // What answers may be damaged: then it is high time.
        served: digest_at(served, position).unwrap_or_default(),
    })
}

fn digest_at(path: &Path, position: Option<GlobalPosition>) -> rusqlite::Result<Option<String>> {
    let mut tables = tables::open_read_only(path)?;
    let snapshot = tables.transaction()?;
    let is_there = tables::checkpoint(&snapshot)?.position == position;
    is_there.then(|| digest(&snapshot).map(|digest| digest.to_string())).transpose()
}
