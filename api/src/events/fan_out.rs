//! The end of the log, which is read once for all live streams.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt as _;
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault},
    position::GlobalPosition,
};
use tokio::sync::{
    Semaphore,
    watch::{self, Receiver, Sender},
};

/// The most bytes of the newest events that are kept for the streams.
const TAIL_BYTES: usize = 4 << 20;

/// The bytes that an event takes beside its data.
const ENVELOPE_BYTES: usize = 1_024;

/// In what the budget is counted: KiB.
const UNIT: usize = 1_024;

/// What all streams hold together, beside what each may hold for itself.
pub(super) const BUDGET: u32 = 16 * 1_024;

/// How many streams read the log at once, because they are behind its end.
const READERS: usize = 4;

/// What the live streams of one server share.
#[derive(Debug)]
pub(crate) struct FanOut {
    /// `None` while there is no stream.
    tail: Mutex<Option<Arc<Sender<Tail>>>>,
    pub(super) budget: Arc<Semaphore>,
    pub(super) readers: Semaphore,
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            tail: Mutex::default(),
            budget: Arc::new(Semaphore::new(BUDGET as usize)),
            readers: Semaphore::new(READERS),
        }
    }
}

impl FanOut {
    /// The end of the log from now on, whose last event is at `head`.
    ///
    /// The first stream has it read, the last one ends that. After a fault of the log it is closed.
    pub(super) fn tail(
        self: &Arc<Self>,
        log: &Arc<dyn Log>,
        head: Option<GlobalPosition>,
    ) -> Receiver<Tail> {
        let mut slot = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = &*slot {
            return tail.subscribe();
        }
        let (tail, receiver) = watch::channel(Tail::after(head));
        let tail = Arc::new(tail);
        *slot = Some(Arc::clone(&tail));
        tokio::spawn(Arc::clone(self).read(Arc::clone(log), head, tail));
        receiver
    }

    async fn read(
        self: Arc<Self>,
        log: Arc<dyn Log>,
        after: Option<GlobalPosition>,
        tail: Arc<Sender<Tail>>,
    ) {
        let mut entries = log.subscribe(after).map(entry::of);
        loop {
            tokio::select! {
                () = tail.closed() => {
                    let mut slot = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
                    // Another stream may have come meanwhile.
                    if tail.receiver_count() == 0 {
                        *slot = None;
                        return;
                    }
                }
                entry = entries.next() => match entry {
                    Some(Ok(entry)) => tail.send_modify(|tail| tail.push(entry)),
                    ended => {
                        if let Some(Err(fault)) = ended {
                            warn(&fault);
                        }
                        *self.tail.lock().unwrap_or_else(PoisonError::into_inner) = None;
                        return;
                    }
                }
            }
        }
    }
}

/// The newest events of the log, without a gap.
#[derive(Debug)]
pub(super) struct Tail {
    /// Events up to this position are not here.
    after: Option<GlobalPosition>,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

/// What comes after a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Following {
    /// This event.
    Entry(Arc<Entry>),
    /// Events up to this position, which have to be read from the log.
    Earlier(GlobalPosition),
}

impl Tail {
    fn after(after: Option<GlobalPosition>) -> Self {
        Self { after, entries: VecDeque::new(), bytes: 0 }
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += bytes(&entry);
        self.entries.push_back(Arc::new(entry));
        while self.bytes > TAIL_BYTES
            && let Some(oldest) = self.entries.pop_front()
        {
            self.after = Some(entry::position(&oldest));
            self.bytes -= bytes(&oldest);
        }
    }

    /// What comes after a position; `None` if nothing has yet.
    pub(super) fn following(&self, position: Option<GlobalPosition>) -> Option<Following> {
        if let Some(after) = self.after.filter(|_| position < self.after) {
            return Some(Following::Earlier(after));
        }
        let next = self.entries.partition_point(|entry| Some(entry::position(entry)) <= position);
        self.entries.get(next).map(|entry| Following::Entry(Arc::clone(entry)))
    }
}

/// Tells of a fault that ends streams.
pub(super) fn warn(fault: &LogFault) {
    tracing::warn!(error = fault as &dyn Error, "live streams of events ended");
}

/// How many bytes an event takes, about.
pub(super) fn bytes(entry: &Entry) -> usize {
    entry.as_ref().map_or(0, |recorded| recorded.event.data.len()) + ENVELOPE_BYTES
}

/// What so many bytes take of the budget; no more than there is.
pub(super) fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(BUDGET)
}
