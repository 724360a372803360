//! A read model whose file cannot be opened yet: that is said, and it is tried again.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};

use super::{
    Phase, Progress, StartError,
    model::{Shared, open},
    serving::Serving,
};
use crate::{
    damage,
    runner::{Following, follow},
    tables::{self, Checkpoint},
    turn::Until,
};

/// How long to wait before a file is opened again that could not be.
const PAUSE: Duration = Duration::from_secs(1);

/// How far a file has come that cannot be opened to be folded into, as far as it can be read.
pub(super) fn progress(serving: &Serving, why: &StartError) -> Progress {
    let phase = stalled(why);
    let (until, _waiting) = Until::after(Duration::MAX);
    let kept = serving.ask(&until, |view| tables::checkpoint(view.0));
    let Checkpoint { position, recorded_at, skipped, events } =
        kept.map(|kept| kept.value).unwrap_or_default();
    // A file of an earlier Shiplog has no such table yet.
    let damage = serving.ask(&until, |view| damage::load(view.0));
    let damaged = damage.map(|damage| damage.value.to_list()).unwrap_or_default().into();
    Progress { checkpoint: position, recorded_at, phase, skipped, events, damaged }
}

/// Has the file opened as soon as that is possible.
///
/// Must be called within a tokio runtime.
pub(super) fn begin(shared: &Arc<Shared>, why: &StartError) {
    let (name, why) = (shared.projection.name(), why.why());
    tracing::warn!(projection = name, why, "`{name}` cannot be folded yet: {why}");
    let opening = tokio::spawn(keep_trying(Arc::clone(shared)));
    // Nobody else has it yet.
    if let Ok(mut following) = shared.following.try_lock() {
        *following = Following::Opening(opening);
    }
}

/// Opens the file as soon as that is possible, and has the log folded into it from then on.
async fn keep_trying(shared: Arc<Shared>) {
    loop {
        sleep(PAUSE).await;
        let (apart, head) = (Arc::clone(&shared), shared.log.head().await);
        let opened = spawn_blocking(move || {
            let Shared { projection, log, .. } = &*apart;
            apart.serving().thaw(|path| open(projection, log, &head, path))
        });
        match opened.await {
            Ok(Some(Ok(runner))) => {
                let name = shared.projection.name();
                tracing::info!(projection = name, "`{name}` can be folded again");
                shared.progress.send_replace(runner.progress(Phase::CatchingUp));
                let progress = shared.progress.clone();
                let (following, taker) = follow(runner, shared.indexing, progress);
                *shared.following.lock().await = following;
                return shared.supply.join([taker]);
            }
            Ok(Some(Err(why))) => {
                let phase = stalled(&why);
                shared.progress.send_if_modified(|progress| {
                    let is_new = progress.phase != phase;
                    progress.phase = phase;
                    is_new
                });
            }
            // Somebody asks it at the moment.
            Ok(None) => {}
            // It panicked, and that has been reported already.
            Err(_) => return,
        }
    }
}

fn stalled(why: &StartError) -> Phase {
    Phase::Stalled { why: format!("its file cannot be opened: {}", why.why()) }
}
