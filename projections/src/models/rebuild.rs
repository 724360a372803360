//! A read model made anew beside the one that answers, and then put in its place.
//!
//! What is made is a file of the next generation; the one that answers goes on being kept level. Which
//! of them answers is one small file, replaced in one step, so that whatever a kill leaves is either the
//! old read model, whole, or the new one, whole.

mod build;
mod fold;
mod pace;
mod swap;

use std::{
    io,
    num::NonZeroU32,
    sync::{Arc, PoisonError},
    time::Duration,
};

use shiplog_store::position::GlobalPosition;
use tokio::{sync::watch, task::JoinHandle};

use self::build::{Build, End, Wanted};
use super::{Model, model::Shared};
use crate::files::{Begun, Choice, Swapped, Verdict};

/// How a rebuild goes, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuild {
    /// What it is doing.
    pub status: RebuildStatus,
    /// Up to where it is folded.
    pub position: Option<GlobalPosition>,
    /// How many events it has folded or passed over.
    pub events_done: u64,
    /// How many that will be, as far as is known.
    pub events_total: u64,
    /// How many it has folded a second lately; 0 while it rests.
    pub events_per_second: u64,
    /// How long it will take yet, if nothing changes.
    pub left: Option<Duration>,
    /// How many it folds a second at most.
    pub max_events_per_second: Option<NonZeroU32>,
    /// How it compared with what it was to replace, once that is known.
    pub verdict: Option<Verdict>,
}

/// What a rebuild is doing, or came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebuildStatus {
    /// Folding what was recorded.
    Building,
    /// Resting until it is resumed.
    Paused,
    /// A machine fails; it tries again every second.
    Waiting {
        /// What fails.
        why: String,
    },
    /// Being compared with what answers, at the same place in the log.
    Comparing,
    /// It answers.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// It could not be made; what answered before does so still.
    Failed {
        /// Where and why.
        why: String,
    },
}

/// Why a rebuild was not begun or changed.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is nothing to change.
    #[error("`{name}` is not being rebuilt")]
    NotUnderWay {
        /// Which read model.
        name: &'static str,
    },
    /// What was asked for cannot be written down, so that it would not outlive a restart.
    #[error("cannot write down what is to become of `{name}`")]
    Unwritten {
        /// Which read model.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl RebuildStatus {
    /// Whether it is still to come to an end.
    pub fn is_under_way(&self) -> bool {
        match self {
            Self::Building | Self::Paused | Self::Waiting { .. } | Self::Comparing => true,
            Self::Done | Self::Cancelled | Self::Failed { .. } => false,
        }
    }
}

impl Verdict {
    /// Whether both were the same; none if that could not be told.
    pub fn is_same(&self) -> Option<bool> {
        self.served.as_ref().map(|served| *served == self.rebuilt)
    }
}

impl Rebuild {
    /// One that has just begun or goes on.
    fn begun(begun: &Begun, events_total: u64) -> Self {
        let status = if begun.paused { RebuildStatus::Paused } else { RebuildStatus::Building };
        Self {
            status,
            position: None,
            events_done: 0,
            events_total,
            events_per_second: 0,
            left: None,
            max_events_per_second: NonZeroU32::new(begun.max_events_per_second),
            verdict: None,
        }
    }

    /// One that answers.
    pub(super) fn done(swapped: Swapped) -> Self {
        let Swapped { events, verdict } = swapped;
        Self {
            status: RebuildStatus::Done,
            position: verdict.position.map(GlobalPosition),
            events_done: events,
            events_total: events,
            events_per_second: 0,
            left: None,
            max_events_per_second: None,
            verdict: Some(verdict),
        }
    }
}

/// A rebuild that goes on, and how to change what is wanted of it.
pub(super) struct Rebuilding {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
}

impl Model {
    /// How the rebuild goes that is under way or, if there is none, how the last one went.
    pub fn rebuilding(&self) -> Option<Rebuild> {
        self.shared.rebuild.borrow().clone()
    }

    /// Begins to make it anew beside the one that answers; of one that is under way already, it changes
    /// how many events it folds a second at most.
    ///
    /// A `max` of 0 is as many as it can. None leaves that as it is, which is so at the beginning, too.
    ///
    /// # Errors
    ///
    /// [`RebuildError::Unwritten`].
    pub async fn rebuild(&self, max: Option<u32>) -> Result<(), RebuildError> {
        let mut rebuilding = self.rebuilding.lock().await;
        if let Some(going) = self.under_way(rebuilding.as_ref()) {
            let Some(max) = max else { return Ok(()) };
            self.amend_begun(move |begun| begun.max_events_per_second = max).await?;
            going.wanted.send_modify(|wanted| wanted.max = NonZeroU32::new(max));
            return Ok(());
        }
        let generation = self.shared.files.next(&self.shared.chosen());
        let max_events_per_second = max.unwrap_or_default();
        let begun = Begun { generation, paused: false, max_events_per_second };
        Shared::write(&self.shared, move |choice| choice.rebuild = Some(begun)).await?;
        *rebuilding = Some(self.spawn(&begun));
        Ok(())
    }

    /// Has the rebuild rest, over a restart too.
    ///
    /// # Errors
    ///
    /// [`RebuildError`].
    pub async fn pause(&self) -> Result<(), RebuildError> {
        self.set_paused(true).await
    }

    /// Has the rebuild go on.
    ///
    /// # Errors
    ///
    /// [`RebuildError`].
    pub async fn resume(&self) -> Result<(), RebuildError> {
        self.set_paused(false).await
    }

    async fn set_paused(&self, paused: bool) -> Result<(), RebuildError> {
        let rebuilding = self.rebuilding.lock().await;
        let going = self.under_way(rebuilding.as_ref()).ok_or_else(|| self.not_under_way())?;
        self.amend_begun(move |begun| begun.paused = paused).await?;
        going.wanted.send_modify(|wanted| wanted.paused = paused);
        Ok(())
    }

    /// Ends the rebuild and deletes what it has made. What answers is not touched.
    ///
    /// # Errors
    ///
    /// [`RebuildError`]; also if it came to its end first.
    pub async fn cancel(&self) -> Result<(), RebuildError> {
        let mut rebuilding = self.rebuilding.lock().await;
        let going = rebuilding.take().filter(|going| !going.task.is_finished());
        let going = going.ok_or_else(|| self.not_under_way())?;
        going.wanted.send_modify(|wanted| wanted.end = Some(End::Cancel));
        // Either it ended, or it panicked and the panic has been reported already.
        let _ = going.task.await;
        match self.rebuilding().map(|rebuild| rebuild.status) {
            Some(RebuildStatus::Cancelled) => Ok(()),
            Some(_) | None => Err(self.not_under_way()),
        }
    }

    /// Goes on with what was begun before a restart.
    pub(super) async fn go_on(&self) {
        if let Some(begun) = self.shared.chosen().rebuild {
            *self.rebuilding.lock().await = Some(self.spawn(&begun));
        }
    }

    /// Stops the rebuild where it is; the next start goes on with it.
    pub(super) async fn interrupt(&self) {
        if let Some(going) = self.rebuilding.lock().await.take() {
            going.wanted.send_modify(|wanted| wanted.end = Some(End::Stop));
            // As above.
            let _ = going.task.await;
        }
    }

    fn under_way<'r>(&self, rebuilding: Option<&'r Rebuilding>) -> Option<&'r Rebuilding> {
        let status = self.rebuilding().map(|rebuild| rebuild.status);
        rebuilding.filter(|_| status.is_some_and(|status| status.is_under_way()))
    }

    fn not_under_way(&self) -> RebuildError {
        RebuildError::NotUnderWay { name: self.name() }
    }

    /// Changes what is kept of the rebuild, unless it came to its end first.
    async fn amend_begun(
        &self,
        change: impl FnOnce(&mut Begun) + Send + 'static,
    ) -> Result<(), RebuildError> {
        let amend = |choice: &mut Choice| choice.rebuild.as_mut().map(change);
        let amended = Shared::write(&self.shared, amend).await?;
        amended.ok_or_else(|| self.not_under_way())
    }

    fn spawn(&self, begun: &Begun) -> Rebuilding {
        let wanted = Wanted {
            paused: begun.paused,
            max: NonZeroU32::new(begun.max_events_per_second),
            end: None,
        };
        let (wanted, heard) = watch::channel(wanted);
        let rebuild = Rebuild::begun(begun, self.progress().events);
        self.shared.rebuild.send_replace(Some(rebuild));
        let build = Build::new(Arc::clone(&self.shared), begun.generation, heard);
        Rebuilding { wanted, task: tokio::spawn(build.run()) }
    }
}

impl Shared {
    /// What was chosen last.
    pub(super) fn chosen(&self) -> Choice {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is chosen, on the disk first. May take as long as a disk does.
    fn amend<T>(&self, change: impl FnOnce(&mut Choice) -> T) -> Result<T, RebuildError> {
        let mut choice = self.choice.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = choice.clone();
        let value = change(&mut changed);
        let name = self.projection.name();
        self.files.choose(&changed).map_err(|source| RebuildError::Unwritten { name, source })?;
        *choice = changed;
        Ok(value)
    }

    /// As [`amend`](Self::amend), on a thread of its own.
    async fn write<T: Send + 'static>(
        shared: &Arc<Self>,
        change: impl FnOnce(&mut Choice) -> T + Send + 'static,
    ) -> Result<T, RebuildError> {
        let (name, apart) = (shared.projection.name(), Arc::clone(shared));
        let written = tokio::task::spawn_blocking(move || apart.amend(change)).await;
        let unfinished = |error| RebuildError::Unwritten { name, source: io::Error::other(error) };
        written.map_err(unfinished)?
    }
}
