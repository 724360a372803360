//! The projections that users wrote that are at work, and the files that answer for them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shiplog_domain::projection::{Language, ProjectionName};
use shiplog_store::log::Log;
use tokio::{sync::watch, task::JoinSet};

use super::{
    child::Program,
    keeper::{Keeper, Standing, Status},
    rebuild::Rebuilding,
    tables::Files,
    turns::Turns,
};
use crate::{definitions::Definition, files, models::Rebuild};

/// What all keepers share.
pub(super) struct Place {
    pub(super) log: Arc<dyn Log>,
    pub(super) program: Program,
    turns: Turns,
    directory: PathBuf,
    kept: Mutex<HashMap<ProjectionName, Kept>>,
    /// Told of each change of what is at work.
    changes: watch::Sender<()>,
    /// The rebuild of each that is under way, or was the last.
    rebuilds: Mutex<HashMap<ProjectionName, Rebuilding>>,
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

impl Place {
    pub(super) fn new(log: Arc<dyn Log>, program: Program, directory: PathBuf) -> Self {
        let (kept, rebuilds) = (Mutex::default(), Mutex::default());
        let (turns, changes) = (Turns::new(), watch::Sender::default());
        Self { log, program, turns, directory, kept, changes, rebuilds }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ProjectionName, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rebuilds(&self) -> MutexGuard<'_, HashMap<ProjectionName, Rebuilding>> {
        self.rebuilds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self, definition: &Definition) -> Files {
        Files::of(&self.directory, &definition.name, definition.revision)
    }

    /// How far a projection has come, to be told of each change; none if it is not at work here.
    pub(super) fn watch(&self, definition: &Definition) -> Option<watch::Receiver<Standing>> {
        let kept = self.kept();
        let kept = kept.get(&definition.name)?;
        (kept.definition.revision == definition.revision).then(|| kept.standing.clone())
    }

    /// As [`watch`](Self::watch), as soon as it is at work.
    pub(super) async fn begun(&self, definition: &Definition) -> watch::Receiver<Standing> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(standing) = self.watch(definition) {
                return standing;
            }
            // No error: what sends them is here.
            let _ = changes.changed().await;
        }
    }

    /// The file that answers for a projection; none if it is not at work here.
    pub(super) fn file(&self, definition: &Definition) -> Option<PathBuf> {
        let kept = self.kept();
        let kept = kept.get(&definition.name)?;
        (kept.definition.revision == definition.revision).then(|| kept.file.clone())
    }

    /// Has those at work that are defined, and no others.
    pub(super) fn reconcile(&self, definitions: &[Definition]) {
        let scripts = definitions.iter().filter(|one| one.language == Language::Javascript);
        // In the order of their names, so that after each start the same ones run if there are too many.
        let wanted: BTreeMap<_, _> = scripts.map(|one| (&one.name, one)).collect();
        let is_wanted = |definition: &Definition| {
            wanted.get(&definition.name).is_some_and(|wanted| *wanted == definition)
        };
        self.rebuilds().retain(|_, rebuild| is_wanted(&rebuild.definition));
        let mut kept = self.kept();
        kept.retain(|_, kept| is_wanted(&kept.definition));
        for (name, definition) in wanted {
            if !kept.contains_key(name) {
                kept.insert(name.clone(), self.begin(definition));
            }
        }
        self.changes.send_replace(());
    }

    /// Has a projection go on that has failed.
    pub(super) fn retry(&self, name: &ProjectionName) {
        let mut kept = self.kept();
        let failed = kept
            .get(name)
            .filter(|kept| matches!(kept.standing.borrow().status, Status::Faulted(_)));
        if let Some(definition) = failed.map(|kept| kept.definition.clone()) {
            kept.insert(name.clone(), self.begin(&definition));
        }
    }

    /// Ends all work.
    pub(super) fn stop(&self) {
        self.rebuilds().clear();
        self.kept().clear();
    }

    fn begin(&self, definition: &Definition) -> Kept {
        // One that is paused says so once it is known how far it had come: nobody is told before that it is
        // at the beginning, and stays there.
        let standing = Standing::new(Status::CatchingUp);
        self.keep(definition, self.files(definition).latest(), standing)
    }

    fn keep(&self, definition: &Definition, file: PathBuf, standing: Standing) -> Kept {
        let (keeper, standing) = self.keeper(definition, file.clone(), standing);
        let mut keeping = JoinSet::new();
        if definition.paused {
            keeping.spawn(keeper.hold());
        } else {
            keeping.spawn(keeper.keep());
        }
        Kept { definition: definition.clone(), file, standing, _keeping: keeping }
    }

    fn keeper(
        &self,
        definition: &Definition,
        file: PathBuf,
        standing: Standing,
    ) -> (Keeper, watch::Receiver<Standing>) {
        let Definition { name, source, .. } = definition.clone();
        let (log, program, turns) =
            (Arc::clone(&self.log), self.program.clone(), self.turns.clone());
        let (sender, standing) = watch::channel(standing);
        (Keeper { log, program, turns, name, source, file, standing: sender }, standing)
    }

    /// Begins to make a projection's states anew, unless that is under way.
    pub(super) fn rebuild(self: &Arc<Self>, definition: &Definition) {
        let mut rebuilds = self.rebuilds();
        let known = rebuilds.get(&definition.name);
        if known.is_some_and(|one| one.definition == *definition && one.is_under_way()) {
            return;
        }
        // The one before ends first.
        drop(rebuilds.remove(&definition.name));
        let file = self.files(definition).building();
        files::remove(&file);
        let standing = Standing::new(Status::CatchingUp);
        let (keeper, standing) = self.keeper(definition, file, standing);
        let rebuilding = Rebuilding::begin(definition, keeper, standing, Arc::downgrade(self));
        rebuilds.insert(definition.name.clone(), rebuilding);
    }

    /// How the rebuild of a projection goes, or how the last one went.
    pub(super) fn rebuilding(&self, definition: &Definition) -> Option<Rebuild> {
        let total = self.watch(definition).map_or(0, |standing| standing.borrow().events);
        let rebuilds = self.rebuilds();
        let known = rebuilds.get(&definition.name)?;
        (known.definition == *definition).then(|| known.tell(total))
    }

    /// Ends a rebuild, and deletes what it has made; false if none is under way.
    pub(super) fn cancel_rebuild(&self, definition: &Definition) -> bool {
        let mut rebuilds = self.rebuilds();
        let is_under_way = rebuilds.get(&definition.name).is_some_and(Rebuilding::is_under_way);
        if is_under_way {
            rebuilds.remove(&definition.name);
            files::remove(&self.files(definition).building());
        }
        is_under_way
    }

    /// Has a projection answer from what was made anew; none if it is no more what it was.
    pub(super) fn swap(
        &self,
        definition: &Definition,
        built: &Path,
        standing: Standing,
    ) -> Option<io::Result<()>> {
        let mut kept = self.kept();
        let old = kept.get(&definition.name).filter(|kept| kept.definition == *definition)?;
        let (old, file) = (old.file.clone(), self.files(definition).next());
        if let Err(error) = fs::rename(built, &file) {
            return Some(Err(error));
        }
        kept.insert(definition.name.clone(), self.keep(definition, file, standing));
        files::remove(&old);
        Some(Ok(()))
    }

    /// Removes the files of what is defined no more, or otherwise.
    pub(super) fn clear(&self) {
        // Held to the end: what is put in its place meanwhile would be taken for a leftover.
        let (rebuilds, kept) = (self.rebuilds(), self.kept());
        let building = rebuilds.values().map(|rebuild| &rebuild.file);
        let known: HashSet<_> = kept.values().map(|kept| &kept.file).chain(building).collect();
        let Ok(files) = fs::read_dir(&self.directory) else { return };
        for path in files.flatten().map(|entry| entry.path()) {
            let is_base = path.extension().is_some_and(|extension| extension == "sqlite");
            if is_base && !known.contains(&path) {
                files::remove(&path);
            }
        }
    }
}
