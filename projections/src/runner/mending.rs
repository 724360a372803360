//! Trying again what was set aside: whether a damaged stream is whole by now.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _};
use shiplog_domain::stream::StreamName;
use shiplog_store::{entry, log::Log, position::GlobalPosition};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{batch::Batch, read::Fed, versions};
use crate::{damage::DamagedStream, models::Progress};

/// How long after an attempt the next one begins.
const INTERVAL: Duration = Duration::from_secs(5);

/// At most so many streams are read for one read model in one attempt.
const STREAMS_AT_ONCE: usize = 100;

/// The longest stream that is mended while a server runs, in events; a rebuild mends any.
const MAX_EVENTS: usize = 100_000;

/// A stream that was set aside, read again.
pub(crate) struct StreamAgain {
    pub(crate) stream: StreamName,
    /// All of it.
    pub(crate) batch: Batch,
    /// Up to where in the log nothing of it is missing.
    pub(crate) complete_to: Option<GlobalPosition>,
}

/// A read model whose damaged streams are tried again.
pub(super) struct Patient {
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) batches: mpsc::Sender<Fed>,
}

/// Tries again and again, until it is dropped.
pub(super) async fn mend(log: Arc<dyn Log>, patients: Vec<Patient>) {
    for round in 0_usize.. {
        let mut read = HashMap::new();
        for Patient { progress, batches } in &patients {
            let damaged = Arc::clone(&progress.borrow().damaged);
            // Each has its turn, however many there are.
            let from = (round * STREAMS_AT_ONCE).checked_rem(damaged.len()).unwrap_or_default();
            let in_turn = damaged.iter().cycle().skip(from).take(damaged.len());
            for damaged in in_turn.take(STREAMS_AT_ONCE) {
                let Some(stream) = &damaged.stream else { continue };
                let key = (stream.clone(), damaged.version, damaged.position);
                if !read.contains_key(&key) {
                    read.insert(key.clone(), again(&*log, stream, damaged).await);
                }
                let Some(Some(again)) = read.get(&key) else { continue };
                // An error is that it has stopped.
                let _ = batches.send(Fed::Again(Arc::clone(again))).await;
            }
        }
        drop(read);
        sleep(INTERVAL).await;
    }
}

/// A stream from its first event on; `None` if it is not whole.
async fn again(
    log: &dyn Log,
    stream: &StreamName,
    damaged: &DamagedStream,
) -> Option<Arc<StreamAgain>> {
    let complete_to = log.head().await.ok()?;
    match damaged.version {
        // It is no event of the stream that did it.
        None => log.examine(stream).await.ok()?,
        // Mostly it is still as it was, which one event tells.
        Some(due) => {
            let first = log.read_stream(stream, Some(due)).try_next().await.ok()??;
            if first.version != due {
                return None;
            }
        }
    }
    let read = log.read_stream(stream, None).map(entry::of);
    let entries: Vec<_> = read.take(MAX_EVENTS + 1).try_collect().await.ok()?;
    // What was done to a stream as a whole has no event of it there.
    let reaches = damaged.version.is_none()
        || entries.last().is_some_and(|last| entry::position(last) >= damaged.position);
    if !reaches || entries.len() > MAX_EVENTS {
        return None;
    }
    let stream = stream.clone();
    let decoded = tokio::task::spawn_blocking(move || Batch::decode(entries)).await.ok()?;
    let is_whole = |batch: &Batch| batch.whole().is_some_and(|all| versions::is_sound(&all));
    let batch = Some(decoded).filter(Batch::is_readable).filter(is_whole)?;
    Some(Arc::new(StreamAgain { stream, batch, complete_to }))
}
