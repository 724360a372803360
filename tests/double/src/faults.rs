//! Switches to misbehave on cue. They hold for all nodes of a cluster.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::sync::watch;
use tonic::Status;

/// What the server does wrong, and how often it still does so.
#[derive(Debug, Default)]
pub struct Faults {
    swallowed: AtomicU64,
    timed_out: AtomicU64,
    refused: AtomicU64,
    withheld: AtomicU64,
    delay_us: AtomicU64,
    foreign_every: AtomicU64,
    written: AtomicU64,
    election_us: AtomicU64,
    start_us: AtomicU64,
    denied: AtomicBool,
    stalled: watch::Sender<bool>,
    endings: watch::Sender<Ending>,
}

/// How the server ends a subscription.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Ending {
    /// As if there were no more events, ever: with status OK.
    #[default]
    Ok,
    /// With a status, such as [`Status::unavailable`].
    Error(Status),
}

impl Ending {
    pub(crate) fn outcome<T>(self) -> Result<Option<T>, Status> {
        match self {
            Self::Ok => Ok(None),
            Self::Error(status) => Err(status),
        }
    }
}

impl Faults {
    /// The next `count` appends and deletes are carried out, but instead of an answer the
    /// connection is dropped, with all other calls on it.
    pub fn drop_answers(&self, count: u64) {
        self.swallowed.store(count, Relaxed);
    }

    /// The next `count` appends and deletes are carried out, but answered as timed out.
    pub fn time_out(&self, count: u64) {
        self.timed_out.store(count, Relaxed);
    }

    /// The next `count` appends and deletes are not carried out: "Server Is Not Ready".
    pub fn refuse(&self, count: u64) {
        self.refused.store(count, Relaxed);
    }

    /// The next `count` appends that are sent in batches are carried out and never answered; the connection
    /// and all other calls on it go on.
    pub fn withhold_answers(&self, count: u64) {
        self.withheld.store(count, Relaxed);
    }

    /// From now on every answer to a write, and every first answer to a read, comes that late.
    pub fn delay(&self, delay: Duration) {
        store(&self.delay_us, delay);
    }

    /// From now on it takes that long to choose another leader. Until then some nodes name the old one, and
    /// the others say that they are not ready.
    pub fn elect_slowly(&self, duration: Duration) {
        store(&self.election_us, duration);
    }

    /// From now on a node that is started says for that long that it is not ready.
    pub fn start_slowly(&self, duration: Duration) {
        store(&self.start_us, duration);
    }

    /// From now on nobody may read `$all`, whoever logs in; until it is taken back.
    pub fn deny_all(&self, denied: bool) {
        self.denied.store(denied, Relaxed);
    }

    pub(crate) fn denies_all(&self) -> bool {
        self.denied.load(Relaxed)
    }

    /// Subscriptions give nothing as long as this is so.
    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Ends every subscription that is open now.
    pub fn close_subscriptions(&self, ending: Ending) {
        self.endings.send_replace(ending);
    }

    /// After every `appends` appends somebody else appends an event to a stream of theirs; 0: nobody.
    pub fn foreign_every(&self, appends: u64) {
        self.foreign_every.store(appends, Relaxed);
    }

    /// Behaves again. Subscriptions that were ended stay so.
    pub fn clear(&self) {
        for count in [
            &self.swallowed,
            &self.timed_out,
            &self.refused,
            &self.withheld,
            &self.delay_us,
            &self.foreign_every,
            &self.election_us,
            &self.start_us,
        ] {
            count.store(0, Relaxed);
        }
        self.stall(false);
    }

    pub(crate) fn swallows(&self) -> bool {
        take(&self.swallowed)
    }

    pub(crate) fn times_out(&self) -> bool {
        take(&self.timed_out)
    }

    pub(crate) fn refuses(&self) -> bool {
        take(&self.refused)
    }

    pub(crate) fn withholds(&self) -> bool {
        take(&self.withheld)
    }

    pub(crate) fn answer_delay(&self) -> Option<Duration> {
        let delay = load(&self.delay_us);
        (!delay.is_zero()).then_some(delay)
    }

    pub(crate) fn election(&self) -> Duration {
        load(&self.election_us)
    }

    pub(crate) fn start(&self) -> Duration {
        load(&self.start_us)
    }

    pub(crate) fn foreigner_is_due(&self) -> bool {
        let every = self.foreign_every.load(Relaxed);
        every > 0 && (self.written.fetch_add(1, Relaxed) + 1).is_multiple_of(every)
    }

    pub(crate) fn stalled(&self) -> watch::Receiver<bool> {
        self.stalled.subscribe()
    }

    pub(crate) fn endings(&self) -> watch::Receiver<Ending> {
        self.endings.subscribe()
    }
}

fn store(place: &AtomicU64, duration: Duration) {
    place.store(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Relaxed);
}

fn load(place: &AtomicU64) -> Duration {
    Duration::from_micros(place.load(Relaxed))
}

/// Counts one down, if there is one left.
fn take(count: &AtomicU64) -> bool {
    count.load(Relaxed) > 0
        && count.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}
