//! All projections that users wrote, each with its keeper.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shiplog_domain::projection::{Language, ProjectionName};
use shiplog_store::{log::Log, position::GlobalPosition};
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::timeout,
};

use super::{
    child::Program,
    folder::{Folder, Stop},
    keeper::{Keeper, Standing, Status},
    preview::{Preview, Slice, preview},
    tables::{self, States, Wanted},
};
use crate::{
    definitions::{self, Definition},
    files,
    models::{Phase, QueryError, ReadModels},
};

/// The projections that users wrote, kept level with a log for as long as it is held.
#[derive(Debug)]
pub struct Workshop {
    place: Arc<Place>,
    /// Emptied when it is stopped.
    supervising: Mutex<JoinSet<()>>,
}

/// What all keepers share.
struct Place {
    log: Arc<dyn Log>,
    directory: PathBuf,
    program: Program,
    kept: Mutex<HashMap<ProjectionName, Kept>>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// A projection at work.
struct Kept {
    definition: Definition,
    file: PathBuf,
    standing: watch::Receiver<Standing>,
    /// Ends with it.
    _keeping: JoinSet<()>,
}

impl Workshop {
    /// Keeps in `directory` what `models` say that users defined, with processes of `program`.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What making the directory says.
    pub fn start(
        log: &Arc<dyn Log>,
        models: &Arc<ReadModels>,
        directory: &Path,
        program: Program,
    ) -> io::Result<Self> {
        let directory = directory.join("scripts");
        fs::create_dir_all(&directory)?;
        let kept = Mutex::default();
        let place = Arc::new(Place { log: Arc::clone(log), directory, program, kept });
        let mut supervising = JoinSet::new();
        supervising.spawn(supervise(Arc::clone(&place), Arc::clone(models)));
        Ok(Self { place, supervising: Mutex::new(supervising) })
    }

    /// How far a projection has come; none if it is not at work here, or not yet.
    pub fn standing(&self, definition: &Definition) -> Option<Standing> {
        self.watch(definition).map(|standing| standing.borrow().clone())
    }

    /// As [`standing`](Self::standing), to be told of each change.
    pub fn watch(&self, definition: &Definition) -> Option<watch::Receiver<Standing>> {
        let kept = self.place.kept();
        let kept = kept.get(&definition.name)?;
        (kept.definition.revision == definition.revision).then(|| kept.standing.clone())
    }

    /// Waits until a projection has come to `position`, or will not by waiting; tells where it is.
    pub async fn at_least(
        &self,
        definition: &Definition,
        position: GlobalPosition,
        within: Duration,
    ) -> Option<Standing> {
        let mut standing = self.watch(definition)?;
        let there = |standing: &Standing| {
            let waits = match standing.status {
                Status::CatchingUp | Status::Live => true,
                Status::Paused | Status::Faulted(_) | Status::Stalled { .. } => false,
            };
            standing.checkpoint >= Some(position) || !waits
        };
        // Time may be up, or it may have been dropped: what it came to is what there is.
        let _ = timeout(within, standing.wait_for(there)).await;
        Some(standing.borrow().clone())
    }

    /// Reads states of a projection as they are; none if nothing is kept of it yet.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if its file fails.
    pub async fn states(
        &self,
        definition: &Definition,
        wanted: Wanted,
    ) -> Result<Option<States>, QueryError> {
        let file = tables::path(&self.place.directory, &definition.name, definition.revision);
        let read = spawn_blocking(move || tables::read(&file, &wanted));
        read.await?.map_err(QueryError::Tables)
    }

    /// Has those at work that are defined, and no others, before it is heard of otherwise.
    ///
    /// Must be called within a tokio runtime.
    pub fn settle(&self, definitions: &[Definition]) {
        self.place.reconcile(definitions);
    }

    /// Tries a projection again that has failed, from the event that it failed at.
    ///
    /// Must be called within a tokio runtime.
    pub fn retry(&self, name: &ProjectionName) {
        let mut kept = self.place.kept();
        let failed = kept
            .get(name)
            .filter(|kept| matches!(kept.standing.borrow().status, Status::Faulted(_)));
        if let Some(definition) = failed.map(|kept| kept.definition.clone()) {
            kept.insert(name.clone(), self.place.keep(&definition));
        }
    }

    /// Stops all work; what is kept stays.
    pub async fn stop(&self) {
        let mut supervising =
            std::mem::take(&mut *self.supervising.lock().unwrap_or_else(PoisonError::into_inner));
        supervising.shutdown().await;
        self.place.kept().clear();
    }

    /// Loads a script and tells what is wrong with it, if something is; nothing is kept.
    ///
    /// # Errors
    ///
    /// [`Stop::Fault`] if the script fails; [`Stop::Machine`] if its process cannot be started.
    pub async fn check(&self, name: &ProjectionName, source: &str) -> Result<(), Stop> {
        let Place { program, log, .. } = &*self.place;
        Folder::start(program, (name, source), (None, log.id())).await.map(drop)
    }

    /// Runs a script over a part of the history; nothing is kept.
    ///
    /// `tell` is called now and then with how many events of the log were looked at.
    ///
    /// # Errors
    ///
    /// [`Stop::Machine`] if the log or the process fails; what is wrong with the script is in the
    /// preview.
    pub async fn preview(
        &self,
        (name, source): (&ProjectionName, &str),
        slice: &Slice,
        tell: impl FnMut(u64) + Send,
    ) -> Result<Preview, Stop> {
        let Place { program, log, .. } = &*self.place;
        preview(Arc::clone(log), program, (name, source), slice, tell).await
    }
}

impl Place {
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectionName, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has those at work that are defined, and no others.
    fn reconcile(&self, definitions: &[Definition]) {
        let scripts = definitions.iter().filter(|one| one.language == Language::Javascript);
        let wanted: HashMap<_, _> = scripts.map(|one| (&one.name, one)).collect();
        let mut kept = self.kept();
        kept.retain(|name, kept| {
            wanted.get(name).is_some_and(|wanted| **wanted == kept.definition)
        });
        for (name, definition) in wanted {
            if !kept.contains_key(name) {
                kept.insert(name.clone(), self.keep(definition));
            }
        }
    }

    fn keep(&self, definition: &Definition) -> Kept {
        let Definition { name, revision, source, paused, .. } = definition;
        let file = tables::path(&self.directory, name, *revision);
        let status = if *paused { Status::Paused } else { Status::CatchingUp };
        let (sender, standing) = watch::channel(Standing::new(status.clone()));
        let keeper = Keeper {
            log: Arc::clone(&self.log),
            program: self.program.clone(),
            name: name.clone(),
            source: source.clone(),
            file: file.clone(),
            standing: sender,
        };
        let mut keeping = JoinSet::new();
        if *paused {
            keeping.spawn(keeper.hold());
        } else {
            keeping.spawn(keeper.keep());
        }
        Kept { definition: definition.clone(), file, standing, _keeping: keeping }
    }

    /// Removes the files of what is defined no more, or otherwise.
    fn clear(&self) {
        let kept: Vec<_> = self.kept().values().map(|kept| kept.file.clone()).collect();
        let Ok(files) = fs::read_dir(&self.directory) else { return };
        for path in files.flatten().map(|entry| entry.path()) {
            let is_base = path.extension().is_some_and(|extension| extension == "sqlite");
            if is_base && !kept.contains(&path) {
                files::remove(&path);
            }
        }
    }
}

/// Follows the definitions.
async fn supervise(place: Arc<Place>, models: Arc<ReadModels>) {
    let mut progress = models.definitions.watch();
    let mut last = None;
    loop {
        let is_level = progress.borrow_and_update().phase == Phase::Live;
        let known = last;
        let asked = models.definitions.query(move |view| {
            let change = definitions::last_change(view)?;
            let is_new = known != Some(change);
            Ok((change, if is_new { Some(definitions::all(view)?) } else { None }))
        });
        match asked.await.map(|answer| answer.value) {
            Ok((change, Some(definitions))) => {
                last = Some(change);
                place.reconcile(&definitions);
                if is_level {
                    place.clear();
                }
            }
            Ok((_, None)) => {}
            Err(error) => tracing::warn!(%error, "cannot read which projections users wrote"),
        }
        if progress.changed().await.is_err() {
            return;
        }
    }
}
