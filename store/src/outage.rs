//! What does not work for a while: said once when it begins, once for each cause, and once when it is over.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Display,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// For how long everything has to work before an outage is said to be over.
const CALM: Duration = Duration::from_secs(1);

/// The most causes of one outage that are said.
const CAUSES: usize = 10;

/// Outages of one thing, in the server's log.
#[derive(Debug)]
pub struct Outage {
    /// What is said when it begins: `the cluster cannot be reached`.
    begins: &'static str,
    /// What is said when it is over: `the cluster answers again`.
    ends: &'static str,
    parts: AtomicU64,
    current: Mutex<Option<Current>>,
}

/// The outage that goes on.
#[derive(Debug)]
struct Current {
    since: Instant,
    failures: u64,
    causes: HashSet<String>,
    /// The parts that have failed, and since when each of them works again.
    parts: BTreeMap<u64, Option<Instant>>,
}

/// One of the parts that can fail: an outage is over when all of them work.
#[derive(Debug)]
pub struct Part {
    outage: Arc<Outage>,
    number: u64,
}

impl Outage {
    /// An outage that has not begun, and what is said of it.
    pub fn new(begins: &'static str, ends: &'static str) -> Arc<Self> {
        let (parts, current) = (AtomicU64::new(0), Mutex::new(None));
        Arc::new(Self { begins, ends, parts, current })
    }

    /// One more part that can fail.
    pub fn part(self: &Arc<Self>) -> Part {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        Part { outage: Arc::clone(self), number }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Notes a failure.
    pub fn fails(&self, cause: &dyn Display) {
        let begins = self.outage.begins;
        let cause = cause.to_string();
        let mut current = self.outage.current();
        let is_new = current.is_none();
        let outage = current.get_or_insert_with(Current::begin);
        outage.failures += 1;
        outage.parts.insert(self.number, None);
        if outage.causes.len() < CAUSES && outage.causes.insert(cause.clone()) {
            let still = if is_new { "" } else { "still: " };
            tracing::warn!(%cause, "{still}{begins}: {cause}");
        }
    }

    /// Notes that something went well.
    pub fn works(&self) {
        let mut current = self.outage.current();
        let Some(outage) = &mut *current else { return };
        let now = Instant::now();
        if let Some(since) = outage.parts.get_mut(&self.number) {
            since.get_or_insert(now);
        }
        let Some(last) = outage.parts.values().copied().max().flatten() else { return };
        if outage.parts.values().all(Option::is_some) && now - last >= CALM {
            let (took_ms, failures) = ((last - outage.since).as_millis(), outage.failures);
            let ends = self.outage.ends;
            tracing::info!(took_ms, failures, "{ends} after {took_ms} ms and {failures} failures");
            *current = None;
        }
    }
}

impl Drop for Part {
    /// A part that is gone keeps no outage from its end.
    fn drop(&mut self) {
        if let Some(outage) = &mut *self.outage.current() {
            outage.parts.entry(self.number).and_modify(|since| {
                since.get_or_insert_with(Instant::now);
            });
        }
    }
}

impl Current {
    fn begin() -> Self {
        let (causes, parts) = (HashSet::new(), BTreeMap::new());
        Self { since: Instant::now(), failures: 0, causes, parts }
    }
}
