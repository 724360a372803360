//! Keeps one projection that a user wrote level with the log.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use shiplog_domain::projection::ProjectionName;
use shiplog_store::{log::Log, position::GlobalPosition};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    ahead::Ahead,
    batch::Batch,
    child::Program,
    folder::{Fault, Folder, Stop},
    tables,
    turns::Turns,
};
use crate::damage::DamagedStream;

/// The least time between two batches once it is level.
const GATHERING: Duration = Duration::from_millis(50);

/// How long to wait before trying again what a machine's fault stopped.
const PAUSE: Duration = Duration::from_secs(1);

/// What a projection that a user wrote is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Folding what was recorded before.
    CatchingUp,
    /// Level with the log.
    Live,
    /// Folding nothing, because somebody wants it so.
    Paused,
    /// Its script failed; it stays at the event before.
    Faulted(Fault),
    /// It cannot go on, and its script is not to blame.
    Stalled {
        /// Why.
        why: String,
    },
}

/// How far a projection that a user wrote has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is doing.
    pub status: Status,
    /// Up to where the log is folded.
    pub checkpoint: Option<GlobalPosition>,
    /// When the event there was recorded.
    pub recorded_at: Option<Timestamp>,
    /// How many events of the log were looked at.
    pub events: u64,
    /// How many events of a future Shiplog were passed over.
    pub skipped: u64,
    /// Whether it has a state for each of several partitions; none as long as nobody knows.
    pub is_partitioned: Option<bool>,
    /// Streams that are not folded any further, the earliest event first; a rebuild tries them again.
    pub damaged: Arc<[DamagedStream]>,
}

impl Standing {
    /// Of a projection that has yet to begin.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            checkpoint: None,
            recorded_at: None,
            events: 0,
            skipped: 0,
            is_partitioned: None,
            damaged: Arc::default(),
        }
    }

    fn of(folder: &Folder, status: Status) -> Self {
        let reached = folder.reached();
        Self {
            status,
            checkpoint: reached.position,
            recorded_at: reached.recorded_at,
            events: reached.events,
            skipped: reached.skipped,
            is_partitioned: Some(folder.is_partitioned()),
            damaged: folder.damage().to_list().into(),
        }
    }
}

/// What keeps one projection level.
pub(super) struct Keeper {
    pub(super) log: Arc<dyn Log>,
    pub(super) program: Program,
    pub(super) turns: Turns,
    pub(super) name: ProjectionName,
    pub(super) source: String,
    pub(super) file: PathBuf,
    pub(super) standing: watch::Sender<Standing>,
}

impl Keeper {
    /// Keeps it level until it is dropped, or its script fails.
    pub(super) async fn keep(self) {
        let name = &self.name;
        loop {
            let Err(stop) = self.follow().await;
            let status = match stop {
                Stop::Fault(fault) => {
                    let (message, position) = (&fault.message, fault.position);
                    tracing::warn!(%name, ?position, message, "the projection `{name}` has failed");
                    self.tell(Status::Faulted(fault));
                    return;
                }
                Stop::Machine(why) => Status::Stalled { why },
            };
            if let Status::Stalled { why } = &status {
                tracing::warn!(%name, why, "the projection `{name}` waits: {why}");
            }
            self.tell(status);
            sleep(PAUSE).await;
        }
    }

    /// Folds nothing, and tells how far it had come.
    pub(super) async fn hold(self) {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || tables::peek(&file));
        let standing = Standing::new(Status::Paused);
        let standing = match read.await {
            Ok(Ok(Some(reached))) => Standing {
                checkpoint: reached.position,
                recorded_at: reached.recorded_at,
                events: reached.events,
                skipped: reached.skipped,
                ..standing
            },
            Ok(Ok(None) | Err(_)) | Err(_) => standing,
        };
        self.standing.send_replace(standing);
        std::future::pending::<()>().await;
    }

    fn tell(&self, status: Status) {
        self.standing.send_modify(|standing| standing.status = status);
    }

    /// Folds what there is, and tells where that leads; whatever it has open is closed then.
    pub(super) async fn catch_up(self) -> Result<Standing, Stop> {
        let _turn = self.turns.take().await?;
        let (mut folder, mut batches) = self.open().await?;
        let mut is_level = self.report(Standing::of(&folder, Status::CatchingUp)).await;
        while !is_level {
            let batch = next(&mut batches).await?;
            is_level = self.fold(&mut folder, batch).await?;
        }
        Ok(Standing::of(&folder, Status::Live))
    }

    /// Folds what there is and then what comes, until that does not go.
    async fn follow(&self) -> Result<Infallible, Stop> {
        let _turn = self.turns.take().await?;
        let (mut folder, mut batches) = self.open().await?;
        self.report(Standing::of(&folder, Status::CatchingUp)).await;
        loop {
            let batch = next(&mut batches).await?;
            let began = Instant::now();
            if self.fold(&mut folder, batch).await? {
                sleep_until(began + GATHERING).await;
            }
        }
    }

    async fn open(&self) -> Result<(Folder, Ahead), Stop> {
        let file = (Some(self.file.as_path()), self.log.id());
        let script = (&self.name, self.source.as_str());
        let folder = Folder::start(&self.program, script, file).await?;
        let after = folder.reached().position;
        let (log, filter) = (Arc::clone(&self.log), folder.filter());
        let damage = folder.damage().clone();
        Ok((folder, Ahead::read(log, filter, damage, move |log| log.subscribe(after))))
    }

    /// Folds a batch; tells whether it is level then.
    async fn fold(&self, folder: &mut Folder, batch: Batch) -> Result<bool, Stop> {
        if let Err(stop) = folder.fold(&batch).await {
            self.standing.send_replace(Standing::of(folder, Status::CatchingUp));
            return Err(stop);
        }
        let is_level = self.report(Standing::of(folder, Status::CatchingUp)).await;
        batch.broken.map_or(Ok(is_level), |why| Err(Stop::Machine(why)))
    }

    /// Tells where it is; returns whether that is where the log ends.
    async fn report(&self, standing: Standing) -> bool {
        let head = self.log.head().await;
        let is_level = head.is_ok_and(|head| standing.checkpoint >= head);
        let status = if is_level { Status::Live } else { Status::CatchingUp };
        self.standing.send_replace(Standing { status, ..standing });
        is_level
    }
}

async fn next(batches: &mut Ahead) -> Result<Batch, Stop> {
    let batch = batches.next().await;
    batch.ok_or_else(|| Stop::Machine("reading the log was interrupted".into()))
}
