//! What is asked in SQL: made when somebody asks first, and kept level from then on.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use super::{Answer, Model, Start, StartError};
use crate::{
    runner::{Hurry, Indexing, Supply},
    sql::{self, AskError, Limits, Question, Reader, Rows, Sql},
    turn::{Turns, Until},
};
use shiplog_store::{
    log::{Log, LogFault},
    position::GlobalPosition,
};

/// How many questions run at once: each can take a processor for itself.
const AT_ONCE: usize = 2;

/// A read model that is made when somebody asks first: it takes as much disk as the log.
pub struct OnDemand {
    log: Arc<dyn Log>,
    directory: PathBuf,
    /// Held while it is being started, so that this happens once.
    starting: tokio::sync::Mutex<()>,
    model: OnceLock<Model>,
    /// Of its own: while it is made it reads what the others have folded long ago.
    supply: Arc<Supply>,
    hurry: Hurry,
    /// For questions that users make up, which take the longest.
    turns: Turns,
    /// For all others.
    reads: Turns,
}

impl std::fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnDemand").field("model", &self.model).finish_non_exhaustive()
    }
}

impl OnDemand {
    /// One that is followed at once if it was made before, unless a log is about to be filled.
    pub(super) fn new(start: &Start<'_>) -> Self {
        let hurry = Hurry::default();
        let new = Self {
            log: Arc::clone(start.log),
            directory: start.directory.into(),
            starting: tokio::sync::Mutex::default(),
            model: OnceLock::new(),
            supply: Arc::new(Supply::new(start.log, &hurry)),
            hurry,
            turns: Turns::new(AT_ONCE),
            reads: start.turns.clone(),
        };
        if sql::is_made(start.directory)
            && start.indexing == Indexing::WhenLevel
            && let Err(error) = new.start(start.head.clone())
        {
            // It is tried again when somebody asks.
            tracing::warn!(%error, "{error}");
        }
        new
    }

    /// The read model, if anybody has ever asked.
    pub fn started(&self) -> Option<&Model> {
        self.model.get()
    }

    /// The read model, which is begun now if nobody has asked before.
    ///
    /// # Errors
    ///
    /// [`StartError`] if its file cannot be made.
    pub async fn model(&self) -> Result<&Model, StartError> {
        let _one = self.starting.lock().await;
        if let Some(model) = self.model.get() {
            return Ok(model);
        }
        self.start(self.log.head().await)
    }

    fn start(&self, head: Result<Option<GlobalPosition>, LogFault>) -> Result<&Model, StartError> {
        let start = Start {
            directory: &self.directory,
            log: &self.log,
            head,
            indexing: Indexing::WhenLevel,
            hurry: &self.hurry,
            supply: &self.supply,
            turns: &self.reads,
        };
        let (model, taker) = Model::start(Sql, &start)?;
        self.supply.join([taker]);
        Ok(self.model.get_or_init(|| model))
    }

    /// Asks what is folded so far, on a thread of its own, in turn with others. It ends when whoever asks
    /// has gone.
    ///
    /// # Errors
    ///
    /// [`AskError`]; it is busy if the turn does not come in time.
    pub async fn ask(&self, question: Question, limits: Limits) -> Result<Answer<Rows>, AskError> {
        let serving = self.model().await?.shared.serving();
        let turn = self.turns.take().await.ok_or(AskError::Busy)?;
        let (until, _waiting) = Until::after(limits.time);
        let asked = tokio::task::spawn_blocking(move || {
            // Kept to the end, also where whoever asked has gone meanwhile.
            let _turn = turn;
            let mut reader = Reader::open_file(serving.path()).map_err(AskError::Tables)?;
            reader.ask_until(&question, limits, &until)
        });
        asked.await?
    }

    /// Whether it is a question that can be asked.
    ///
    /// # Errors
    ///
    /// [`AskError`].
    pub async fn check(&self, source: String) -> Result<(), AskError> {
        let serving = self.model().await?.shared.serving();
        let checked = tokio::task::spawn_blocking(move || {
            Reader::open_file(serving.path()).map_err(AskError::Tables)?.check(&source)
        });
        checked.await?
    }

    /// Stops following, after what is being folded has been committed.
    pub(super) async fn stop(&self) {
        self.turns.close();
        self.supply.stop();
        if let Some(model) = self.started() {
            model.interrupt().await;
            model.ended().await;
        }
    }
}
