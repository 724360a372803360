//! How many of something are open.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// How many of something are open.
#[derive(Debug, Default)]
pub(crate) struct Open(Arc<AtomicUsize>);

/// One that is open, as long as it is kept.
#[derive(Debug)]
pub(crate) struct Opened(Arc<AtomicUsize>);

impl Open {
    /// Opens one more.
    pub(crate) fn open(&self) -> Opened {
        self.0.fetch_add(1, Relaxed);
        Opened(Arc::clone(&self.0))
    }

    /// How many are open now.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
