//! The folds that are kept in memory. Never a source: all of them can be read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use shiplog_domain::{decider::Decider, stream::StreamName, wire::WireEvent};

use super::fold::Fold;

/// A fold that one task at a time may use.
pub(super) type Entry<D> = Arc<tokio::sync::Mutex<Fold<D>>>;

/// The folds that were used last, up to so many events in all.
pub(super) struct Cache<D: Decider> {
    budget: usize,
    held: Mutex<Held<D>>,
}

struct Held<D: Decider> {
    entries: LruCache<StreamName, (Entry<D>, usize)>,
    weight: usize,
}

impl<D: Decider<Event: WireEvent>> Cache<D> {
    /// A cache of folds of `budget` events in all.
    pub(super) fn new(budget: usize) -> Self {
        let entries = LruCache::unbounded();
        Self { budget, held: Mutex::new(Held { entries, weight: 0 }) }
    }

    /// The stream's fold, of whatever was folded of it so far.
    pub(super) fn entry(&self, stream: &StreamName) -> Entry<D> {
        let mut held = self.lock();
        if let Some((entry, _)) = held.entries.get(stream) {
            return Arc::clone(entry);
        }
        let entry = Entry::<D>::default();
        held.entries.put(stream.clone(), (Arc::clone(&entry), 0));
        entry
    }

    /// Notes how heavy the stream's fold is now, and forgets others where that is too much.
    ///
    /// Who still uses a forgotten one comes to no harm: the log checks what it is based on.
    pub(super) fn weigh(&self, stream: &StreamName, weight: usize) {
        let held = &mut *self.lock();
        if let Some((_, noted)) = held.entries.get_mut(stream) {
            held.weight = held.weight.saturating_sub(*noted).saturating_add(weight);
            *noted = weight;
        }
        while held.weight > self.budget && held.entries.len() > 1 {
            let forgotten = held.entries.pop_lru().map_or(0, |(_, (_, weight))| weight);
            held.weight = held.weight.saturating_sub(forgotten);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held<D>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
