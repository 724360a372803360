//! Folding what a reader feeds, for as long as the server runs.

use std::{mem, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{Runner, RunnerError, read::Fed, supply::Taker};
use crate::{
    models::{Phase, Progress},
    projection::Projection,
};

/// How long to wait before trying again what a machine's fault stopped.
const PAUSE: Duration = Duration::from_secs(1);

/// When what only questions need is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// As soon as the model is level with the log: people ask.
    WhenLevel,
    /// After the last batch: a log is being filled, and nobody asks.
    AtTheEnd,
}

/// A projection that is being kept level for as long as it is fed.
pub(crate) enum Following {
    /// It folds what it is fed.
    Folding(JoinHandle<()>),
    /// Its file is yet to be opened.
    Opening(JoinHandle<()>),
    /// It is over.
    Ended,
}

impl Following {
    /// Waits until the batch in hand is committed, once nobody feeds it any more.
    pub(crate) async fn ended(&mut self) {
        let task = match mem::replace(self, Self::Ended) {
            Self::Folding(folder) => folder,
            Self::Opening(opening) => {
                opening.abort();
                opening
            }
            Self::Ended => return,
        };
        // Either it ended, or it panicked and the panic has been reported already.
        let _ = task.await;
    }
}

/// Keeps `runner` level with what it is fed, and tells how it goes through `progress`.
pub(crate) fn follow<P: Projection>(
    runner: Runner<P>,
    indexing: Indexing,
    progress: watch::Sender<Progress>,
) -> (Following, Taker) {
    // One is folded while the next one waits and another one is read and decoded.
    let (batches, inbox) = mpsc::channel(1);
    let taker = Taker { name: runner.projection.name(), progress: progress.subscribe(), batches };
    let folder = tokio::task::spawn_blocking(move || fold(runner, indexing, inbox, &progress));
    (Following::Folding(folder), taker)
}

fn fold<P: Projection>(
    mut runner: Runner<P>,
    indexing: Indexing,
    mut inbox: mpsc::Receiver<Fed>,
    progress: &watch::Sender<Progress>,
) {
    let (mut is_indexed, mut phase) = (false, Phase::CatchingUp);
    while let Some(fed) = inbox.blocking_recv() {
        let stopping = || inbox.is_closed();
        let mut done = retry(&mut runner, progress, stopping, |runner| match &fed {
            Fed::News(batch, _) => runner.fold(batch),
            Fed::Again(again) => runner.mend(again),
        });
        if let Fed::News(_, head) = fed {
            let is_level = runner.checkpoint() >= head;
            phase = if is_level { Phase::Live } else { Phase::CatchingUp };
        }
        let is_asked = phase == Phase::Live && indexing == Indexing::WhenLevel;
        if done.is_ok() && is_asked && !is_indexed {
            done = retry(&mut runner, progress, stopping, |runner| runner.index());
            is_indexed = done.is_ok();
        }
        if let Err(error) = done {
            return stall(&runner, progress, &error);
        }
        progress.send_replace(runner.progress(phase.clone()));
    }
    if indexing == Indexing::AtTheEnd
        && let Err(error) = runner.index()
    {
        stall(&runner, progress, &error);
    }
}

/// Does something, however long the machine's faults take to pass.
fn retry<P: Projection>(
    runner: &mut Runner<P>,
    progress: &watch::Sender<Progress>,
    stopping: impl Fn() -> bool,
    step: impl Fn(&mut Runner<P>) -> Result<(), RunnerError>,
) -> Result<(), RunnerError> {
    loop {
        match step(runner) {
            Err(RunnerError::File(error)) if !stopping() => {
                let name = runner.projection.name();
                tracing::warn!(projection = name, %error, "`{name}` waits for its file: {error}");
                progress.send_replace(runner.progress(Phase::Stalled { why: error.to_string() }));
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn stall<P: Projection>(
    runner: &Runner<P>,
    progress: &watch::Sender<Progress>,
    error: &RunnerError,
) {
    let name = runner.projection.name();
    tracing::error!(projection = name, %error, "`{name}` is stalled: {error}");
    progress.send_replace(runner.progress(Phase::Stalled { why: error.to_string() }));
}
