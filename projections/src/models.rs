//! The read models of one server: kept level, waited for, asked.

mod model;
mod on_demand;
mod opening;
mod progress;
mod rebuild;
mod serving;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use shiplog_domain::stream::StreamName;
use shiplog_store::{
    log::{Log, LogFault},
    position::{GlobalPosition, LogId},
};

pub use self::{
    model::{Model, QueryError, READ_TIME},
    on_demand::OnDemand,
    progress::{Behind, Phase, Progress},
    rebuild::{Rebuild, RebuildError, RebuildStatus},
    serving::Answer,
};
pub use crate::files::Verdict;
use crate::{
    current::Current,
    damage::{Damage, DamagedStream},
    definitions::Definitions,
    files::Files,
    history::History,
    projection::Projection,
    releases::Releases,
    rollbacks::Rollbacks,
    runner::{Hurry, Indexing, Supply, Taker},
    tables,
    turn::{ReadTurn, Turns},
};

/// Every read model that Shiplog comes with.
pub struct ReadModels {
    /// What runs where: see [`crate::current`].
    pub current: Model,
    /// Every deployment: see [`crate::history`].
    pub history: Model,
    /// What was taken back: see [`crate::rollbacks`].
    pub rollbacks: Model,
    /// Every release: see [`crate::releases`].
    pub releases: Model,
    /// The projections that users wrote: see [`crate::definitions`].
    pub definitions: Model,
    /// What is asked in SQL, made when somebody asks first: see [`crate::sql`].
    pub sql: OnDemand,
    supply: Arc<Supply>,
    turns: Turns,
}

impl std::fmt::Debug for ReadModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
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
    /// A read model knows more than the log has.
    #[error("the read model `{name}` goes further than the log: see `{}`", .path.display())]
    Further {
        /// Which one.
        name: &'static str,
        /// Its file.
        path: PathBuf,
    },
}

impl StartError {
    /// Whether a machine fails, so that the same can go well later.
    pub(crate) fn is_machine(&self) -> bool {
        matches!(self, Self::File { why, .. } if tables::is_machine(why))
    }

    /// Why, without whose file it is about.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::File { why, .. } => tables::in_words(why),
            Self::Directory { .. } | Self::Further { .. } => self.to_string(),
        }
    }
}

impl ReadModels {
    /// Opens the read models in `directory` and keeps them level with `log`.
    ///
    /// One that is of another log is made anew. Rebuilds that were under way go on. One whose file cannot
    /// be opened or made, because the disk is full for instance, is stalled until it can be, and answers
    /// from what is there.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a file cannot be used for another reason than that a machine fails, or if a read
    /// model [knows more](crate::known) than a log that one process writes.
    pub async fn start(log: &Arc<dyn Log>, directory: &Path) -> Result<Self, StartError> {
        let models = Self::follow(log, directory, Indexing::WhenLevel).await?;
        for model in models.there() {
            model.go_on().await;
        }
        Ok(models)
    }

    /// As [`start`](Self::start), for a log that is about to be filled: questions may be slow until
    /// these have been [stopped](Self::stop), and folding takes less time.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the directory or a file cannot be made.
    pub async fn fill(log: &Arc<dyn Log>, directory: &Path) -> Result<Self, StartError> {
        fs::create_dir_all(directory)
            .map_err(|source| StartError::Directory { path: directory.into(), source })?;
        Self::follow(log, directory, Indexing::AtTheEnd).await
    }

    async fn follow(
        log: &Arc<dyn Log>,
        directory: &Path,
        indexing: Indexing,
    ) -> Result<Self, StartError> {
        let (head, hurry) = (log.head().await, Hurry::default());
        let supply = Arc::new(Supply::new(log, &hurry));
        let turns = Turns::of_this_machine();
        let (supply, turns) = (&supply, &turns);
        let start = Start { directory, log, head, indexing, hurry: &hurry, supply, turns };
        let (current, take_current) = start.model(Current)?;
        let (history, take_history) = start.model(History)?;
        let (rollbacks, take_rollbacks) = start.model(Rollbacks)?;
        let (releases, take_releases) = start.model(Releases)?;
        let (definitions, take_definitions) = start.model(Definitions)?;
        let takers = [take_current, take_history, take_rollbacks, take_releases, take_definitions];
        supply.join(takers.into_iter().flatten());
        let (sql, supply) = (OnDemand::new(&start), Arc::clone(supply));
        let turns = turns.clone();
        Ok(Self { current, history, rollbacks, releases, definitions, sql, supply, turns })
    }

    /// A turn for a read of something else, such as the log: there are so many reads together.
    ///
    /// # Errors
    ///
    /// [`QueryError::Busy`] if there is none within 2 seconds.
    pub async fn turn(&self) -> Result<ReadTurn, QueryError> {
        self.turns.take_to_read().await.ok_or(QueryError::Busy)
    }

    /// How many are always there.
    pub const COUNT: usize = 5;

    /// All of those that are always there.
    pub fn all(&self) -> [&Model; Self::COUNT] {
        let Self { current, history, rollbacks, releases, definitions, .. } = self;
        [current, history, rollbacks, releases, definitions]
    }

    /// All that are there now, with the one that was made because somebody asked.
    pub fn there(&self) -> impl Iterator<Item = &Model> {
        self.all().into_iter().chain(self.sql.started())
    }

    /// Streams that some of them have set aside, the earliest event first.
    pub fn damaged(&self) -> Vec<DamagedStream> {
        let mut all: Vec<_> = self.there().flat_map(|model| model.damaged().to_vec()).collect();
        all.sort_by_key(|damaged| damaged.position);
        let mut damage = Damage::default();
        for damaged in all {
            damage.add(damaged);
        }
        damage.to_list()
    }

    /// How many streams are set aside by the one that has set aside most.
    pub fn damaged_count(&self) -> usize {
        self.there().map(|model| model.damaged().len()).max().unwrap_or_default()
    }

    /// Whether one of those that are always there has set a stream aside.
    pub fn is_damaged(&self, stream: &StreamName) -> bool {
        let is_it = |damaged: &DamagedStream| damaged.stream.as_ref() == Some(stream);
        self.all().into_iter().any(|model| model.damaged().iter().any(is_it))
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Model> {
        self.there().find(|model| model.name() == name)
    }

    /// Stops following, after what is being folded has been committed. Rebuilds go on at the next
    /// start.
    pub async fn stop(&self) {
        self.supply.stop();
        for model in self.all() {
            model.interrupt().await;
            model.ended().await;
        }
        self.sql.stop().await;
    }
}

/// Which log the read models in a directory are of; `None` if one is missing or of another log.
pub fn folded_log(directory: &Path) -> Option<LogId> {
    let path = |projection: &dyn Projection| Files::of(directory, projection).serving();
    let paths =
        [path(&Current), path(&History), path(&Rollbacks), path(&Releases), path(&Definitions)];
    let mut logs = paths.iter().map(|path| tables::log(path));
    let first = logs.next().flatten()?;
    logs.all(|log| log == Some(first)).then_some(first)
}

/// What every read model starts with.
struct Start<'a> {
    directory: &'a Path,
    log: &'a Arc<dyn Log>,
    /// Where the log ends. One that cannot be read now is believed to be as long as it was.
    head: Result<Option<GlobalPosition>, LogFault>,
    indexing: Indexing,
    hurry: &'a Hurry,
    supply: &'a Arc<Supply>,
    turns: &'a Turns,
}

impl Start<'_> {
    /// One that is always there. While a log is being filled, all of them have to be.
    fn model<P: Projection>(&self, projection: P) -> Result<(Model, Option<Taker>), StartError> {
        match self.indexing {
            Indexing::WhenLevel => Model::start_or_wait(projection, self),
            Indexing::AtTheEnd => {
                let (model, taker) = Model::start(projection, self)?;
                Ok((model, Some(taker)))
            }
        }
    }
}
