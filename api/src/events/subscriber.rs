//! One live stream: where in the log it is, and what it holds of it.

use std::{sync::Arc, vec};

use futures::{StreamExt as _, TryStreamExt as _};
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault},
    position::GlobalPosition,
};
use tokio::sync::{OwnedSemaphorePermit, watch::Receiver};

use super::fan_out::{FanOut, Following, Tail, bytes, units, warn};

/// The bytes that are read from the log at once, but for the last event.
const BATCH_BYTES: usize = 64 * 1024;

/// What each stream holds without asking the budget, so that small events go on whatever others hold.
const FREE_BYTES: usize = 64 * 1024;

/// A client that follows the log.
pub(super) struct Subscriber {
    log: Arc<dyn Log>,
    shared: Arc<FanOut>,
    tail: Receiver<Tail>,
    after: Option<GlobalPosition>,
    batch: vec::IntoIter<Entry>,
    /// Of the budget: for the batch, and for the event that was given out last.
    room: Option<OwnedSemaphorePermit>,
}

impl Subscriber {
    /// One that gets what comes after a position, of a log whose last event is at `head`.
    pub(super) fn new(
        log: Arc<dyn Log>,
        shared: Arc<FanOut>,
        after: Option<GlobalPosition>,
        head: Option<GlobalPosition>,
    ) -> Self {
        let tail = shared.tail(&log, head);
        Self { log, shared, tail, after, batch: Vec::new().into_iter(), room: None }
    }

    /// The next event, once there is one and room for it; `None` when the log cannot be read.
    ///
    /// The one before counts until this is called.
    pub(super) async fn next(&mut self) -> Option<Entry> {
        if let Some(entry) = self.batch.next() {
            self.after = Some(entry::position(&entry));
            return Some(entry);
        }
        self.room = None;
        loop {
            match self.following().await? {
                Following::Entry(entry) => {
                    let bytes = bytes(&entry);
                    if self.has_room(bytes) {
                        self.after = Some(entry::position(&entry));
                        return Some(Arc::unwrap_or_clone(entry));
                    }
                    // What is waited for is not held meanwhile.
                    drop(entry);
                    self.take_room(bytes).await?;
                }
                Following::Earlier(until) => {
                    let batch = self.read().await.inspect_err(warn).ok()?;
                    let bytes = batch.iter().map(bytes).sum();
                    if batch.is_empty() {
                        self.after = Some(until);
                    } else if self.has_room(bytes) {
                        self.batch = batch.into_iter();
                        let first = self.batch.next()?;
                        self.after = Some(entry::position(&first));
                        return Some(first);
                    } else {
                        drop(batch);
                        self.take_room(bytes).await?;
                    }
                }
            }
        }
    }

    async fn following(&mut self) -> Option<Following> {
        let after = self.after;
        let tail = self.tail.wait_for(|tail| tail.following(after).is_some()).await.ok()?;
        tail.following(after)
    }

    /// Some of what comes next, at least one event if there is one.
    async fn read(&self) -> Result<Vec<Entry>, LogFault> {
        // Never closed.
        let _reader = self.shared.readers.acquire().await.ok();
        let mut entries = self.log.read_all(self.after).map(entry::of);
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < BATCH_BYTES
            && let Some(entry) = entries.try_next().await?
        {
            size += bytes(&entry);
            batch.push(entry);
        }
        Ok(batch)
    }

    fn has_room(&self, bytes: usize) -> bool {
        let room = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        room >= needed(bytes) as usize
    }

    async fn take_room(&mut self, bytes: usize) -> Option<()> {
        // Two that each had some and waited for more would wait for ever.
        self.room = None;
        let budget = Arc::clone(&self.shared.budget);
        self.room = Some(budget.acquire_many_owned(needed(bytes)).await.ok()?);
        Some(())
    }
}

/// What so many bytes take of the budget.
fn needed(bytes: usize) -> u32 {
    units(bytes.saturating_sub(FREE_BYTES))
}
