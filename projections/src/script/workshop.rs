//! All projections that users wrote, each with its keeper.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shiplog_domain::projection::ProjectionName;
use shiplog_store::{log::Log, position::GlobalPosition};
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::timeout,
};

use super::{
    child::Program,
    folder::{Folder, Stop},
    keeper::{Standing, Status},
    place::Place,
    preview::{Preview, Slice, preview},
    tables::{self, States, Wanted},
};
use crate::{
    definitions::{self, Definition},
    known,
    models::{Phase, QueryError, ReadModels, Rebuild},
};

/// The projections that users wrote, kept level with a log for as long as it is held.
#[derive(Debug)]
pub struct Workshop {
    place: Arc<Place>,
    /// Emptied when it is stopped.
    supervising: Mutex<JoinSet<()>>,
}

impl Workshop {
    /// Keeps in `directory` what `models` say that users defined, with processes of `program`.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(
        log: &Arc<dyn Log>,
        models: &Arc<ReadModels>,
        directory: &Path,
        program: Program,
    ) -> Self {
        let directory = directory.join(known::SCRIPTS);
        let place = Arc::new(Place::new(Arc::clone(log), program, directory));
        let mut supervising = JoinSet::new();
        supervising.spawn(supervise(Arc::clone(&place), Arc::clone(models)));
        Self { place, supervising: Mutex::new(supervising) }
    }

    /// How far a projection has come; none if it is not at work here, or not yet.
    pub fn standing(&self, definition: &Definition) -> Option<Standing> {
        self.watch(definition).map(|standing| standing.borrow().clone())
    }

    /// As [`standing`](Self::standing), to be told of each change.
    pub fn watch(&self, definition: &Definition) -> Option<watch::Receiver<Standing>> {
        self.place.watch(definition)
    }

    /// Waits until a projection has come to `position`, or will not by waiting; tells where it is. None
    /// if it is not at work here, and was not put to work meanwhile.
    pub async fn at_least(
        &self,
        definition: &Definition,
        position: GlobalPosition,
        within: Duration,
    ) -> Option<Standing> {
        let there = |standing: &Standing| {
            let waits = match standing.status {
                Status::CatchingUp | Status::Live => true,
                Status::Paused | Status::Faulted(_) | Status::Stalled { .. } => false,
            };
            standing.checkpoint >= Some(position) || !waits
        };
        let reached = async {
            let mut standing = self.place.begun(definition).await;
            standing.wait_for(there).await.map(|standing| standing.clone())
        };
        match timeout(within, reached).await {
            Ok(Ok(standing)) => Some(standing),
            // Time is up, or it has been dropped: what it came to is what there is.
            Ok(Err(_)) | Err(_) => self.standing(definition),
        }
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
        let mut file = self.place.file(definition);
        while let Some(path) = file {
            let wanted = wanted.clone();
            let (read, path) = spawn_blocking(move || (tables::read(&path, &wanted), path)).await?;
            file = self.place.file(definition).filter(|now| *now != path);
            // Where a rebuild has put another one in its place meanwhile, that is the one to read.
            if file.is_none() {
                return read.map_err(QueryError::Tables);
            }
        }
        Ok(None)
    }

    /// Makes the states anew, beside those that answer, and has them answer once they are level; does
    /// nothing if that is under way.
    ///
    /// Must be called within a tokio runtime.
    pub fn rebuild(&self, definition: &Definition) {
        self.place.rebuild(definition);
    }

    /// How the rebuild of a projection goes, or how the last one went since the start.
    pub fn rebuilding(&self, definition: &Definition) -> Option<Rebuild> {
        self.place.rebuilding(definition)
    }

    /// Ends a rebuild, and deletes what it has made; false if none is under way.
    pub fn cancel_rebuild(&self, definition: &Definition) -> bool {
        self.place.cancel_rebuild(definition)
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
        self.place.retry(name);
    }

    /// Stops all work; what is kept stays.
    pub async fn stop(&self) {
        let mut supervising =
            std::mem::take(&mut *self.supervising.lock().unwrap_or_else(PoisonError::into_inner));
        supervising.shutdown().await;
        self.place.stop();
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
