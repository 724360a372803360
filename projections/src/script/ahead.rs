//! Reading a log ahead of the folding.

use std::sync::Arc;

use futures::StreamExt as _;
use shiplog_store::log::{Log, RecordStream};
use tokio::{sync::mpsc, task::JoinSet};

use super::batch::{Batch, Filter};
use crate::damage::Damage;

/// At most how many events make a batch.
const ENOUGH: usize = 8_192;

/// Batches that are read, filtered and encoded while the one before is folded, in another process.
pub(super) struct Ahead {
    batches: mpsc::Receiver<Batch>,
    /// Ends the reading when nobody wants it any more.
    _task: JoinSet<()>,
}

impl Ahead {
    /// Reads what `open` gives.
    pub(super) fn read(
        log: Arc<dyn Log>,
        filter: Filter,
        mut damage: Damage,
        open: impl FnOnce(&dyn Log) -> RecordStream<'_> + Send + 'static,
    ) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut pieces = open(&*log).ready_chunks(ENOUGH);
            while let Some(records) = pieces.next().await {
                let batch = Batch::of(records, &filter, damage);
                damage = batch.damage.clone();
                let is_last = batch.broken.is_some();
                if sender.send(batch).await.is_err() || is_last {
                    break;
                }
            }
        });
        Self { batches, _task: task }
    }

    /// The next batch; none once all is read, or after one that is broken.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }
}
