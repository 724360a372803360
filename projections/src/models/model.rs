//! One read model: how far it is, waiting for it, asking it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::Connection;
use shiplog_store::position::GlobalPosition;
use tokio::{sync::watch, task::JoinError, time::timeout};

use super::{Start, StartError};
use crate::{
    projection::{Projection, View},
    runner::{Feed, Following, Hurry, Runner, follow},
    tables,
};

/// How many connections a read model keeps open for its next questions.
const IDLE_CONNECTIONS: usize = 4;

/// How far a read model has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Up to where the log is folded.
    pub checkpoint: Option<GlobalPosition>,
    /// When the event there was recorded.
    pub recorded_at: Option<Timestamp>,
    /// What it is doing.
    pub phase: Phase,
    /// How many events of a future Shiplog were passed over.
    pub skipped: u64,
}

/// What a follower is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Folding what was recorded before.
    CatchingUp,
    /// Level with the log.
    Live,
    /// It cannot go on; the other read models do.
    Stalled {
        /// Where and why.
        why: String,
    },
}

/// A read model is not as far as was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has not come that far yet")]
pub struct Behind {
    /// Which one.
    pub name: &'static str,
    /// How far it is.
    pub checkpoint: Option<GlobalPosition>,
    /// Whether it will not get there by waiting.
    pub stalled: bool,
}

/// A question that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The read model's file failed.
    #[error("the read model's file failed: {}", tables::in_words(.0))]
    Tables(rusqlite::Error),
    /// The question panicked or the server is going down.
    #[error("the question was not finished: {0}")]
    Unfinished(#[from] JoinError),
}

impl QueryError {
    /// Whether the machine failed rather than the question: the same can go well later.
    pub fn is_machine(&self) -> bool {
        match self {
            Self::Tables(error) => tables::is_machine(error),
            Self::Unfinished(_) => false,
        }
    }
}

/// What was asked for, and up to where the log was folded for it.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The read model's checkpoint then.
    pub position: Option<GlobalPosition>,
}

/// One read model.
pub struct Model {
    name: &'static str,
    version: u32,
    path: PathBuf,
    progress: watch::Receiver<Progress>,
    following: tokio::sync::Mutex<Following>,
    hurry: Hurry,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, version, path, .. } = self;
        f.debug_struct("Model")
            .field("name", name)
            .field("version", version)
            .field("path", path)
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Opens the file, and follows what the feed is given.
    pub(super) fn start<P: Projection>(
        projection: P,
        start: &Start<'_>,
    ) -> Result<(Self, Feed), StartError> {
        let (name, version) = (projection.name(), projection.version());
        let Start { directory, log, ref head, indexing, ref hurry } = *start;
        let path = tables::path(directory, &projection);
        let file = |why| StartError::File { name, why };
        let mut runner = Runner::open(projection, directory, log).map_err(file)?;
        if head.as_ref().is_ok_and(|head| runner.checkpoint() > *head) {
            tracing::warn!(
                projection = name,
                "`{name}` goes further than the log, which must be an older copy: made anew"
            );
            runner = runner.anew(directory, log).map_err(file)?;
        }
        let (checkpoint, recorded_at) = (runner.checkpoint(), runner.recorded_at());
        let before = Progress { checkpoint, recorded_at, phase: Phase::CatchingUp, skipped: 0 };
        let (sender, progress) = watch::channel(before);
        let (following, feed) = follow(runner, indexing, sender);
        let following = tokio::sync::Mutex::new(following);
        let (hurry, idle) = (hurry.clone(), Arc::default());
        Ok((Self { name, version, path, progress, following, hurry, idle }, feed))
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The version of its meaning.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// To be told of each change of [`progress`](Self::progress).
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until everything up to `position` is folded, and has it folded at once.
    ///
    /// # Errors
    ///
    /// [`Behind`] if it is not `within` that time, or will not be because it is stalled.
    pub async fn at_least(&self, position: GlobalPosition, within: Duration) -> Result<(), Behind> {
        let mut progress = self.progress.clone();
        let there = |progress: &Progress| progress.checkpoint >= Some(position);
        let stuck = |progress: &Progress| matches!(progress.phase, Phase::Stalled { .. });
        let waiting = async {
            loop {
                let now = progress.borrow_and_update().clone();
                if there(&now) || stuck(&now) {
                    return;
                }
                // Each time: what was folded may have been read before the position was there.
                self.hurry.up();
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        // Time may be up, or the follower have ended: what it came to is what there is.
        let _ = timeout(within, waiting).await;
        let now = self.progress();
        if there(&now) {
            return Ok(());
        }
        Err(Behind { name: self.name, checkpoint: now.checkpoint, stalled: stuck(&now) })
    }

    /// Waits until it has stopped following, once its reader has.
    pub(super) async fn ended(&self) {
        self.following.lock().await.ended().await;
    }

    /// Asks, on a thread of its own, a snapshot that nothing changes meanwhile.
    ///
    /// # Errors
    ///
    /// [`QueryError`].
    pub async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Answer<T>, QueryError> {
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        let answer = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut tables = match kept {
                Some(tables) => tables,
                None => tables::open_read_only(&path)?,
            };
            let answer = look(&mut tables, ask)?;
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_CONNECTIONS {
                idle.push(tables);
            }
            Ok::<_, rusqlite::Error>(answer)
        });
        answer.await?.map_err(QueryError::Tables)
    }
}

fn look<T>(
    tables: &mut Connection,
    ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Answer<T>> {
    let snapshot = tables.transaction()?;
    let position = tables::checkpoint(&snapshot)?.position;
    let value = ask(&View(&snapshot))?;
    Ok(Answer { value, position })
}
