//! The read models of one server: kept level, waited for, asked.

mod model;
mod on_demand;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use shiplog_store::{
    log::{Log, LogFault},
    position::{GlobalPosition, LogId},
};

pub use self::{
    model::{Answer, Behind, Model, Phase, Progress, QueryError},
    on_demand::OnDemand,
};
use crate::{
    current::Current,
    history::History,
    releases::Releases,
    rollbacks::Rollbacks,
    runner::{Hurry, Indexing, Reading},
    tables,
};

/// Every read model that Shiplog comes with.
#[derive(Debug)]
pub struct ReadModels {
    /// What runs where: see [`crate::current`].
    pub current: Model,
    /// Every deployment: see [`crate::history`].
    pub history: Model,
    /// What was taken back: see [`crate::rollbacks`].
    pub rollbacks: Model,
    /// Every release: see [`crate::releases`].
    pub releases: Model,
    /// What is asked in SQL, made when somebody asks first: see [`crate::sql`].
    pub sql: OnDemand,
    /// `None` once they are stopped.
    reading: Mutex<Option<Reading>>,
}

/// Why the read models cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Their directory cannot be made.
    #[error("cannot make the directory `{}`", .path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be opened.
    #[error("cannot open the read model `{name}`: {}", tables::in_words(.why))]
    File {
        /// Whose.
        name: &'static str,
        /// Why.
        why: rusqlite::Error,
    },
}

impl ReadModels {
    /// Opens the read models in `directory` and keeps them level with `log`.
    ///
    /// One that is of another log, or goes further than this one, is made anew.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the directory or a file cannot be made.
    pub async fn start(log: &Arc<dyn Log>, directory: &Path) -> Result<Self, StartError> {
        Self::follow(log, directory, Indexing::WhenLevel).await
    }

    /// As [`start`](Self::start), for a log that is about to be filled: questions may be slow until
    /// these have been [stopped](Self::stop), and folding takes less time.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn fill(log: &Arc<dyn Log>, directory: &Path) -> Result<Self, StartError> {
        Self::follow(log, directory, Indexing::AtTheEnd).await
    }

    async fn follow(
        log: &Arc<dyn Log>,
        directory: &Path,
        indexing: Indexing,
    ) -> Result<Self, StartError> {
        fs::create_dir_all(directory)
            .map_err(|source| StartError::Directory { path: directory.into(), source })?;
        let (id, head, hurry) = (log.id(), log.head().await, Hurry::default());
        let start = Start { directory, log: id, head, indexing, hurry };
        let (current, feed_current) = Model::start(Current, &start)?;
        let (history, feed_history) = Model::start(History, &start)?;
        let (rollbacks, feed_rollbacks) = Model::start(Rollbacks, &start)?;
        let (releases, feed_releases) = Model::start(Releases, &start)?;
        let feeds = vec![feed_current, feed_history, feed_rollbacks, feed_releases];
        let reading = Mutex::new(Some(Reading::start(log, feeds, &start.hurry)));
        let sql = OnDemand::new(log, &start)?;
        Ok(Self { current, history, rollbacks, releases, sql, reading })
    }

    /// All of those that are always there.
    pub fn all(&self) -> [&Model; 4] {
        let Self { current, history, rollbacks, releases, sql: _, reading: _ } = self;
        [current, history, rollbacks, releases]
    }

    /// Stops following, after what is being folded has been committed.
    pub async fn stop(&self) {
        drop(self.reading.lock().unwrap_or_else(PoisonError::into_inner).take());
        for model in self.all() {
            model.ended().await;
        }
        self.sql.stop().await;
    }
}

/// Which log the read models in a directory are of; `None` if one is missing or of another log.
pub fn folded_log(directory: &Path) -> Option<LogId> {
    let paths = [
        tables::path(directory, &Current),
        tables::path(directory, &History),
        tables::path(directory, &Rollbacks),
        tables::path(directory, &Releases),
    ];
    let mut logs = paths.iter().map(|path| tables::log(path));
    let first = logs.next().flatten()?;
    logs.all(|log| log == Some(first)).then_some(first)
}

/// What every read model starts with.
struct Start<'a> {
    directory: &'a Path,
    log: LogId,
    /// Where the log ends. One that cannot be read now is believed to be as long as it was.
    head: Result<Option<GlobalPosition>, LogFault>,
    indexing: Indexing,
    hurry: Hurry,
}
