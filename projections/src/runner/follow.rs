//! Folding what a reader feeds, for as long as the server runs.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    Runner, RunnerError,
    batch::Batch,
    read::{Fed, Feed},
};
use crate::{
    models::{Phase, Progress},
    projection::Projection,
};

/// How long to wait before trying again what a machine's fault stopped.
const PAUSE: Duration = Duration::from_secs(1);

/// A projection that is being kept level for as long as it is fed.
pub(crate) struct Following(JoinHandle<()>);

impl Following {
    /// Waits until the batch in hand is committed, once its reader has stopped.
    pub(crate) async fn ended(&mut self) {
        // Either it ended, or it panicked and the panic has been reported already.
        let _ = (&mut self.0).await;
    }
}

/// Keeps `runner` level with what it is fed, and tells how it goes through `progress`.
pub(crate) fn follow<P: Projection>(
    runner: Runner<P>,
    progress: watch::Sender<Progress>,
) -> (Following, Feed) {
    // Two batches: one is folded while the next one is read and decoded.
    let (batches, inbox) = mpsc::channel(2);
    let feed = Feed { after: runner.checkpoint(), batches };
    let folder = tokio::task::spawn_blocking(move || fold(runner, inbox, &progress));
    (Following(folder), feed)
}

fn fold<P: Projection>(
    mut runner: Runner<P>,
    mut inbox: mpsc::Receiver<Fed>,
    progress: &watch::Sender<Progress>,
) {
    let name = runner.projection.name();
    while let Some((batch, head)) = inbox.blocking_recv() {
        let stopping = || inbox.is_closed();
        if let Err(error) = fold_one(&mut runner, &batch, progress, stopping) {
            tracing::error!(projection = name, %error, "`{name}` has {error}");
            tell(progress, &runner, Phase::Stalled { why: error.to_string() });
            return;
        }
        let phase = if runner.checkpoint() >= head { Phase::Live } else { Phase::CatchingUp };
        tell(progress, &runner, phase);
    }
}

/// Folds a batch, however long the machine's faults take to pass.
fn fold_one<P: Projection>(
    runner: &mut Runner<P>,
    batch: &Arc<Batch>,
    progress: &watch::Sender<Progress>,
    stopping: impl Fn() -> bool,
) -> Result<(), RunnerError> {
    loop {
        match runner.fold(batch) {
            Err(RunnerError::File(error)) if !stopping() => {
                let name = runner.projection.name();
                tracing::warn!(projection = name, %error, "`{name}` waits for its file: {error}");
                tell(progress, runner, Phase::Stalled { why: error.to_string() });
                std::thread::sleep(PAUSE);
            }
            folded => return folded,
        }
    }
}

fn tell<P: Projection>(progress: &watch::Sender<Progress>, runner: &Runner<P>, phase: Phase) {
    progress.send_replace(Progress {
        checkpoint: runner.checkpoint(),
        phase,
        skipped: runner.checkpoint.skipped,
    });
}
