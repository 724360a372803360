//! One read model: how far it is, waiting for it, asking it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shiplog_store::{
    log::{Log, LogFault},
    position::GlobalPosition,
};
use tokio::{sync::watch, task::JoinError, time::timeout};

use super::{
    Answer, Behind, Phase, Progress, Rebuild, Start, StartError, opening, rebuild::Rebuilding,
    serving::Serving,
};
use crate::{
    damage::DamagedStream,
    files::{Choice, Files},
    projection::Projection,
    runner::{Following, Hurry, Indexing, Runner, Supply, Taker, follow},
    tables,
    turn::{Turns, Until},
    view::View,
};

/// How long a read may take.
pub const READ_TIME: Duration = Duration::from_secs(10);

/// A question that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The read model's file failed.
    #[error("the read model's file failed: {}", tables::in_words(.0))]
    Tables(rusqlite::Error),
    /// It took longer than it may.
    #[error("it was not answered within {} s", READ_TIME.as_secs())]
    Late,
    /// As many as may be asked at once are being answered.
    #[error("as many reads as run at once are running")]
    Busy,
    /// The question panicked or the server is going down.
    #[error("the question was not finished: {0}")]
    Unfinished(#[from] JoinError),
}

impl QueryError {
    /// Whether the machine failed rather than the question: the same can go well later.
    pub fn is_machine(&self) -> bool {
        match self {
            Self::Tables(error) => tables::is_machine(error),
            Self::Late | Self::Busy | Self::Unfinished(_) => false,
        }
    }
}

/// One read model.
pub struct Model {
    pub(super) shared: Arc<Shared>,
    pub(super) rebuilding: tokio::sync::Mutex<Option<Rebuilding>>,
}

/// What a read model has in common with its rebuild.
pub(super) struct Shared {
    pub(super) projection: Arc<dyn Projection>,
    pub(super) log: Arc<dyn Log>,
    pub(super) supply: Arc<Supply>,
    pub(super) indexing: Indexing,
    hurry: Hurry,
    turns: Turns,
    pub(super) files: Files,
    /// As it is on the disk.
    pub(super) choice: Mutex<Choice>,
    serving: Mutex<Arc<Serving>>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) following: tokio::sync::Mutex<Following>,
    /// How the rebuild goes that is under way, or went that was the last.
    pub(super) rebuild: watch::Sender<Option<Rebuild>>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("path", &self.shared.serving().path())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The file that answers now.
    pub(super) fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.serving.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has another file answer from now on; who asks the one before is still answered by it.
    pub(super) fn serve(&self, serving: Serving) {
        let mut place = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, Arc::new(serving)).replace();
    }
}

impl Model {
    /// Opens the file that answers; it follows what is fed to the one that takes it.
    pub(super) fn start<P: Projection>(
        projection: P,
        start: &Start<'_>,
    ) -> Result<(Self, Taker), StartError> {
        let (model, opened) = Self::begin(projection, start);
        opened.map(|taker| (model, taker))
    }

    /// As [`start`](Self::start); where a machine fails, it is stalled until the file can be opened.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn start_or_wait<P: Projection>(
        projection: P,
        start: &Start<'_>,
    ) -> Result<(Self, Option<Taker>), StartError> {
        let (model, opened) = Self::begin(projection, start);
        match opened {
            Ok(taker) => Ok((model, Some(taker))),
            Err(error) if error.is_machine() => {
                opening::begin(&model.shared, &error);
                Ok((model, None))
            }
            Err(error) => Err(error),
        }
    }

    /// A read model, and who takes what is fed to it, if its file can be opened.
    fn begin<P: Projection>(projection: P, start: &Start<'_>) -> (Self, Result<Taker, StartError>) {
        let Start { directory, log, ref head, indexing, hurry, supply, turns } = *start;
        let projection = Arc::new(projection) as Arc<dyn Projection>;
        let files = Files::of(directory, &projection);
        let choice = files.choice();
        files.sweep(&choice);
        let path = files.path(choice.serves);
        let (serving, progress, following, taker) = match open(&projection, log, head, &path) {
            Ok(runner) => {
                let progress = watch::Sender::new(runner.progress(Phase::CatchingUp));
                let (following, taker) = follow(runner, indexing, progress.clone());
                (Serving::new(path), progress, following, Ok(taker))
            }
            Err(error) => {
                let serving = Serving::frozen(path);
                let progress = watch::Sender::new(opening::progress(&serving, &error));
                (serving, progress, Following::Ended, Err(error))
            }
        };
        forget_earlier_when_level(&files, progress.subscribe());
        let shared = Shared {
            projection,
            log: Arc::clone(log),
            supply: Arc::clone(supply),
            indexing,
            hurry: hurry.clone(),
            turns: turns.clone(),
            files,
            rebuild: watch::Sender::new(choice.last.clone().map(Rebuild::done)),
            choice: Mutex::new(choice),
            serving: Mutex::new(Arc::new(serving)),
            progress,
            following: tokio::sync::Mutex::new(following),
        };
        (Self { shared: Arc::new(shared), rebuilding: tokio::sync::Mutex::default() }, taker)
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        self.shared.projection.name()
    }

    /// The version of its meaning.
    pub fn version(&self) -> u32 {
        self.shared.projection.version()
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.shared.progress.borrow().clone()
    }

    /// Streams that it has set aside, the earliest event first.
    pub fn damaged(&self) -> Arc<[DamagedStream]> {
        Arc::clone(&self.shared.progress.borrow().damaged)
    }

    /// To be told of each change of [`progress`](Self::progress).
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.shared.progress.subscribe()
    }

    /// Waits until everything up to `position` is folded, and has it folded at once.
    ///
    /// # Errors
    ///
    /// [`Behind`] if it is not `within` that time, or will not be because it is stalled.
    pub async fn at_least(&self, position: GlobalPosition, within: Duration) -> Result<(), Behind> {
        let mut progress = self.shared.progress.subscribe();
        let there = |progress: &Progress| progress.checkpoint >= Some(position);
        let waiting = async {
            loop {
                let now = progress.borrow_and_update().clone();
                if there(&now) || now.is_stalled() {
                    return;
                }
                // Each time: what was folded may have been read before the position was there.
                self.shared.hurry.up();
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        // Time may be up: what it came to is what there is.
        let _ = timeout(within, waiting).await;
        let now = self.progress();
        if there(&now) {
            return Ok(());
        }
        let stalled = now.is_stalled();
        Err(Behind { name: self.name(), checkpoint: now.checkpoint, stalled })
    }

    /// Waits until it has stopped following, once nobody feeds it any more.
    pub(super) async fn ended(&self) {
        self.shared.following.lock().await.ended().await;
    }

    /// Asks, on a thread of its own and in turn with others, a snapshot that nothing changes meanwhile.
    ///
    /// It ends when whoever asks has gone.
    ///
    /// # Errors
    ///
    /// [`QueryError`].
    pub async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Answer<T>, QueryError> {
        let turn = self.shared.turns.take_to_read().await.ok_or(QueryError::Busy)?;
        let serving = self.shared.serving();
        let (until, _waiting) = Until::after(READ_TIME);
        let answer = tokio::task::spawn_blocking(move || {
            // Kept to the end, also where whoever asked has gone meanwhile.
            let _turn = turn;
            let answer = serving.ask(&until, ask);
            answer.map_err(|error| {
                if until.is_late() { QueryError::Late } else { QueryError::Tables(error) }
            })
        });
        answer.await?
    }
}

/// Opens a file to fold into. One that goes further than the log knows what the log has lost, and is
/// left as it is.
pub(super) fn open(
    projection: &Arc<dyn Projection>,
    log: &Arc<dyn Log>,
    head: &Result<Option<GlobalPosition>, LogFault>,
    path: &Path,
) -> Result<Runner<Arc<dyn Projection>>, StartError> {
    let name = projection.name();
    let runner = Runner::open_file(Arc::clone(projection), path, log.id())
        .map_err(|why| StartError::File { name, why })?;
    // Of a shared log a node may not show yet what others have appended.
    match head {
        Ok(head) if !log.is_shared() && runner.checkpoint() > *head => {
            Err(StartError::Further { name, path: path.into() })
        }
        Ok(_) | Err(_) => Ok(runner),
    }
}

/// Keeps the files of earlier versions until this one can do without: an older Shiplog may be put back.
fn forget_earlier_when_level(files: &Files, mut progress: watch::Receiver<Progress>) {
    let files = files.clone();
    tokio::spawn(async move {
        // An error is that the server stops before.
        if progress.wait_for(|progress| progress.phase == Phase::Live).await.is_ok() {
            files.forget_earlier();
        }
    });
}
