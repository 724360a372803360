//! What is kept in memory of streams. Never a source: all of it can be read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use shiplog_domain::stream::StreamName;

/// What is known of one stream, for one task at a time.
pub(crate) type Entry<T> = Arc<tokio::sync::Mutex<T>>;

/// What is known of the streams that were used last, up to so much weight in all.
pub(crate) struct Cache<T> {
    budget: usize,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    entries: LruCache<StreamName, (Entry<T>, usize)>,
    weight: usize,
}

impl<T: Default> Cache<T> {
    /// A cache of so much weight in all.
    pub(crate) fn new(budget: usize) -> Self {
        let entries = LruCache::unbounded();
        Self { budget, held: Mutex::new(Held { entries, weight: 0 }) }
    }

    /// What is known of the stream, be it nothing.
    pub(crate) fn entry(&self, stream: &StreamName) -> Entry<T> {
        let mut held = self.lock();
        if let Some((entry, _)) = held.entries.get(stream) {
            return Arc::clone(entry);
        }
        let entry = Entry::<T>::default();
        held.entries.put(stream.clone(), (Arc::clone(&entry), 0));
        entry
    }

    /// What is known of the stream, if that was asked for lately.
    pub(crate) fn get(&self, stream: &StreamName) -> Option<Entry<T>> {
        self.lock().entries.peek(stream).map(|(entry, _)| Arc::clone(entry))
    }

    /// Notes how heavy the stream's entry is now, and forgets others where that is too much.
    ///
    /// Who still uses a forgotten one comes to no harm: the log checks what it is based on.
    pub(crate) fn weigh(&self, stream: &StreamName, weight: usize) {
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

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
