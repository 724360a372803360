//! The work of a rebuild, from its first event until it answers.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use shiplog_store::position::GlobalPosition;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Rebuild, RebuildStatus, fold, fold::Rebuilt, pace::Pace};
use crate::{
    digest::digest,
    files::{self, Verdict},
    models::model::Shared,
};

/// How long to wait before trying again what a machine's fault stopped.
const PAUSE: Duration = Duration::from_secs(1);

/// What is wanted of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) paused: bool,
    /// How many events it folds a second at most.
    pub(super) max: Option<NonZeroU32>,
    pub(super) end: Option<End>,
}

/// How a rebuild is to end before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What it has made is deleted.
    Cancel,
    /// It goes on at the next start.
    Stop,
}

/// Why a rebuild does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// A machine fails: worth another try.
    Passing(String),
    /// It can never be made.
    Lasting(String),
    /// Somebody wants it so.
    Asked(End),
}

/// One rebuild.
pub(super) struct Build {
    pub(super) shared: Arc<Shared>,
    pub(super) generation: u32,
    pub(super) wanted: watch::Receiver<Wanted>,
    pace: Pace,
}

impl Build {
    pub(super) fn new(
        shared: Arc<Shared>,
        generation: u32,
        wanted: watch::Receiver<Wanted>,
    ) -> Self {
        Self { shared, generation, wanted, pace: Pace::default() }
    }

    /// Goes on until it answers, or is not to.
    pub(super) async fn run(mut self) {
        let name = self.shared.projection.name();
        loop {
            match self.attempt().await {
                Ok(()) => {
                    return tracing::info!(projection = name, "`{name}` is rebuilt and answers");
                }
                Err(Halt::Passing(why)) => {
                    tracing::warn!(projection = name, %why, "the rebuild of `{name}` waits: {why}");
                    self.tell(|rebuild| rebuild.status = RebuildStatus::Waiting { why });
                    self.rest_until(Instant::now() + PAUSE).await;
                }
                Err(Halt::Lasting(why)) => {
                    tracing::error!(projection = name, %why, "`{name}` cannot be rebuilt: {why}");
                    return self.abandon(RebuildStatus::Failed { why }).await;
                }
                Err(Halt::Asked(End::Cancel)) => {
                    tracing::info!(projection = name, "the rebuild of `{name}` is cancelled");
                    return self.abandon(RebuildStatus::Cancelled).await;
                }
                Err(Halt::Asked(End::Stop)) => return,
            }
        }
    }

    async fn attempt(&mut self) -> Result<(), Halt> {
        let rebuilt = self.open().await?;
        self.pace.begin(Instant::now());
        self.report(&rebuilt);
        let rebuilt = self.catch_up(rebuilt, |shared| shared.progress.borrow().checkpoint).await?;
        let rebuilt = self.index(rebuilt).await?;
        let (rebuilt, verdict) = self.compare(rebuilt).await?;
        self.swap(rebuilt, verdict).await
    }

    /// Opens what was made until now. A file that goes further than the one that answers is of a log
    /// that was longer.
    async fn open(&self) -> Result<Rebuilt, Halt> {
        let (shared, generation) = (Arc::clone(&self.shared), self.generation);
        fold::blocking(move || {
            let (path, log) = (shared.files.path(generation), shared.log.id());
            let rebuilt = Rebuilt::open_file(Arc::clone(&shared.projection), &path, log)?;
            if rebuilt.checkpoint() > shared.progress.borrow().checkpoint {
                return rebuilt.anew(&path, log);
            }
            Ok(rebuilt)
        })
        .await
    }

    /// Folds until it has come to a place that may move on, at the pace that is wanted.
    pub(super) async fn catch_up(
        &mut self,
        mut rebuilt: Rebuilt,
        target: impl Fn(&Shared) -> Option<GlobalPosition>,
    ) -> Result<Rebuilt, Halt> {
        loop {
            self.go_ahead().await?;
            let (began, max) = (Instant::now(), self.wanted.borrow().max);
            let target = target(&self.shared);
            if rebuilt.checkpoint() >= target {
                return Ok(rebuilt);
            }
            let before = rebuilt.events();
            rebuilt = fold::step(&*self.shared.log, rebuilt, target, Pace::step(max)).await?;
            let folded = rebuilt.events() - before;
            self.rest_until(began + Pace::least(folded, max)).await;
            self.pace.note(Instant::now(), folded);
            self.report(&rebuilt);
        }
    }

    /// Makes what only questions need.
    async fn index(&mut self, rebuilt: Rebuilt) -> Result<Rebuilt, Halt> {
        let interrupts = vec![rebuilt.tables().get_interrupt_handle()];
        let work = fold::blocking(move || {
            let made = rebuilt.index();
            Ok((rebuilt, made))
        });
        let (rebuilt, made) = fold::interruptible(work, &interrupts, &mut self.wanted).await?;
        made?;
        Ok(rebuilt)
    }

    /// Digests it and what answers, both as they are at the same place.
    async fn compare(&mut self, rebuilt: Rebuilt) -> Result<(Rebuilt, Verdict), Halt> {
        let serving = self.shared.serving();
        let served = fold::blocking(move || fold::pin(serving.path())).await?;
        let level = self.shared.progress.borrow().checkpoint;
        let position = served.as_ref().map_or(level, |(_, position)| *position);
        let rebuilt = self.catch_up(rebuilt, |_| position).await?;
        self.tell(|rebuild| rebuild.status = RebuildStatus::Comparing);
        let mut interrupts = vec![rebuilt.tables().get_interrupt_handle()];
        interrupts.extend(served.iter().map(|(served, _)| served.get_interrupt_handle()));
        let work = fold::blocking(move || {
            let served = served.and_then(|(served, _)| fold::digest_served(&served)).transpose()?;
            let of_rebuilt = digest(rebuilt.tables())?;
            Ok((rebuilt, of_rebuilt, served))
        });
        let (rebuilt, of_rebuilt, served) =
            fold::interruptible(work, &interrupts, &mut self.wanted).await?;
        let verdict = Verdict {
            position: position.map(|position| position.0),
            rebuilt: of_rebuilt.to_string(),
            served: served.map(|digest| digest.to_string()),
        };
        let name = self.shared.projection.name();
        match verdict.is_same() {
            Some(true) => {}
            Some(false) => tracing::warn!(
                projection = name,
                "`{name}` was not what the log makes of it; what is rebuilt takes its place"
            ),
            None => tracing::warn!(
                projection = name,
                "`{name}` cannot be read to be compared; what is rebuilt takes its place"
            ),
        }
        self.tell(|rebuild| rebuild.verdict = Some(verdict.clone()));
        Ok((rebuilt, verdict))
    }

    /// Waits while it is paused.
    pub(super) async fn go_ahead(&mut self) -> Result<(), Halt> {
        loop {
            let Wanted { paused, max, end } = *self.wanted.borrow_and_update();
            // Where nobody is left who could want anything, the server is going down.
            let end = end.or(self.wanted.has_changed().is_err().then_some(End::Stop));
            if let Some(end) = end {
                return Err(Halt::Asked(end));
            }
            let status = if paused { RebuildStatus::Paused } else { RebuildStatus::Building };
            self.tell(|rebuild| {
                rebuild.status = status;
                rebuild.max_events_per_second = max;
                if paused {
                    (rebuild.events_per_second, rebuild.left) = (0, None);
                }
            });
            if !paused {
                return Ok(());
            }
            // An error is found out above.
            let _ = self.wanted.changed().await;
            self.pace.begin(Instant::now());
        }
    }

    /// Rests, unless something else is wanted meanwhile.
    async fn rest_until(&mut self, then: Instant) {
        tokio::select! {
            () = sleep_until(then) => {}
            // What is wanted is looked at before the next step.
            _ = self.wanted.changed() => {}
        }
    }

    /// Tells how far it is.
    fn report(&self, rebuilt: &Rebuilt) {
        let (done, rate) = (rebuilt.events(), self.pace.rate());
        let total = self.shared.progress.borrow().events.max(done);
        let left = (total - done).saturating_mul(1_000).checked_div(rate);
        self.tell(|rebuild| {
            rebuild.position = rebuilt.checkpoint();
            (rebuild.events_done, rebuild.events_total) = (done, total);
            rebuild.events_per_second = rate;
            rebuild.left = left.map(Duration::from_millis);
        });
    }

    pub(super) fn tell(&self, change: impl FnOnce(&mut Rebuild)) {
        self.shared.rebuild.send_modify(|rebuild| {
            if let Some(rebuild) = rebuild {
                change(rebuild);
            }
        });
    }

    /// Ends it without a trace.
    async fn abandon(&self, status: RebuildStatus) {
        if let Err(error) = Shared::write(&self.shared, |choice| choice.rebuild = None).await {
            // It would be begun again at the next start, which harms nobody.
            tracing::warn!(%error, "{error}");
        }
        files::remove(&self.shared.files.path(self.generation));
        self.tell(|rebuild| {
            (rebuild.events_per_second, rebuild.left) = (0, None);
            rebuild.status = status;
        });
    }
}
