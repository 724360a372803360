//! Following the log for as long as the server runs.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use shiplog_store::{log::Log, position::GlobalPosition};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    Runner, RunnerError,
    batch::{self, Batch},
};
use crate::{
    models::{Phase, Progress},
    projection::Projection,
};

/// How long to wait before trying again what a machine's fault stopped.
const PAUSE: Duration = Duration::from_secs(1);

/// A projection that is being kept level; dropping it stops that.
pub(crate) struct Following {
    reader: JoinHandle<()>,
    folder: JoinHandle<()>,
}

impl Following {
    /// Stops reading, lets the batch in hand commit, and waits for that.
    pub(crate) async fn stop(&mut self) {
        self.reader.abort();
        // Either it ended, or it panicked and the panic has been reported already.
        let _ = (&mut self.folder).await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Keeps `runner` level with `log`, and tells how it goes through `progress`.
pub(crate) fn follow<P: Projection>(
    runner: Runner<P>,
    log: Arc<dyn Log>,
    progress: watch::Sender<Progress>,
) -> Following {
    // Two batches: one is folded while the next one is read and decoded.
    let (batches, inbox) = mpsc::channel(2);
    let after = runner.checkpoint();
    let name = runner.projection.name();
    let reader = tokio::spawn(async move { read(&*log, after, name, &batches).await });
    let folder = tokio::task::spawn_blocking(move || fold(runner, inbox, &progress));
    Following { reader, folder }
}

/// Sends what is recorded after `after`, batch by batch, with the head as of each.
async fn read(
    log: &dyn Log,
    mut after: Option<GlobalPosition>,
    name: &'static str,
    batches: &mpsc::Sender<(Batch, Option<GlobalPosition>)>,
) {
    loop {
        // So that a log that is empty, or folded already, counts as reached.
        let head = log.head().await.ok().flatten();
        if batches.send((Batch::decode(std::iter::empty()), head)).await.is_err() {
            return;
        }
        let mut chunks = log.subscribe(after).ready_chunks(batch::MOST);
        while let Some(chunk) = chunks.next().await {
            let fault = chunk.iter().find_map(|record| record.as_ref().err().cloned());
            let records = chunk.into_iter().map_while(Result::ok);
            let batch = Batch::decode(records);
            after = batch.through.or(after);
            let head = log.head().await.ok().flatten();
            let stalled = batch.unreadable.is_some();
            if batches.send((batch, head)).await.is_err() || stalled {
                return;
            }
            if let Some(fault) = fault {
                tracing::warn!(projection = name, %fault, "`{name}` cannot read the log: {fault}");
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn fold<P: Projection>(
    mut runner: Runner<P>,
    mut inbox: mpsc::Receiver<(Batch, Option<GlobalPosition>)>,
    progress: &watch::Sender<Progress>,
) {
    let name = runner.projection.name();
    while let Some((batch, head)) = inbox.blocking_recv() {
        let stopping = || inbox.is_closed();
        if let Err(error) = fold_one(&mut runner, batch, progress, stopping) {
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
    mut batch: Batch,
    progress: &watch::Sender<Progress>,
    stopping: impl Fn() -> bool,
) -> Result<(), RunnerError> {
    loop {
        match runner.fold(&mut batch) {
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
