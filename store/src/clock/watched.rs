//! A clock that is compared with a steady one, so that a jump is noticed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::Clock;

/// The least change that is a jump. Less is a leap second, or nobody's concern.
const JUMP: SignedDuration = SignedDuration::from_secs(5);

/// A clock, and what it should say: what it said at the start, and the time that has passed since.
pub struct WatchedClock {
    clock: Arc<dyn Clock>,
    /// None where there is nothing to compare with.
    start: Option<(Timestamp, Duration)>,
    /// The skew that was warned of last.
    warned: Mutex<SignedDuration>,
}

impl std::fmt::Debug for WatchedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedClock").field("start", &self.start).finish_non_exhaustive()
    }
}

impl WatchedClock {
    /// Believes a clock as it is now, and compares it with its own uptime from now on.
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let start = clock.uptime().map(|uptime| (clock.now(), uptime));
        Self { clock, start, warned: Mutex::default() }
    }

    fn skew_at(&self, now: Timestamp) -> SignedDuration {
        let Some((began, uptime_then)) = self.start else { return SignedDuration::ZERO };
        let Some(uptime) = self.clock.uptime() else { return SignedDuration::ZERO };
        let passed = SignedDuration::try_from(uptime.saturating_sub(uptime_then));
        now.duration_since(began).saturating_sub(passed.unwrap_or(SignedDuration::MAX))
    }

    /// Warns of a jump, once.
    fn warn(&self, now: Timestamp, skew: SignedDuration) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let jump = skew.saturating_sub(*warned);
        if jump.abs() >= JUMP {
            *warned = skew;
            let seconds = jump.as_secs();
            tracing::warn!(%now, seconds, "the clock jumped by {seconds} seconds and says {now}");
        }
    }
}

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        self.warn(now, self.skew_at(now));
        now
    }

    fn uptime(&self) -> Option<Duration> {
        self.clock.uptime()
    }

    fn skew(&self) -> SignedDuration {
        self.skew_at(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use super::*;
    use crate::{clock::believed, log::LogFault};

    /// A wall clock and an uptime, in seconds.
    #[derive(Default)]
    struct Told(AtomicI64, AtomicU64);

    impl Told {
        fn pass(&self, wall: i64, uptime: u64) {
            self.0.fetch_add(wall, Ordering::Relaxed);
            self.1.fetch_add(uptime, Ordering::Relaxed);
        }
    }

    impl Clock for Told {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }

        fn uptime(&self) -> Option<Duration> {
            Some(Duration::from_secs(self.1.load(Ordering::Relaxed)))
        }
    }

    #[test]
    fn a_jump_ahead_is_believed_up_to_an_hour_and_again_when_it_is_mended() {
        let told = Arc::new(Told::default());
        let clock = WatchedClock::start(Arc::<Told>::clone(&told));
        // Nine hours in which a laptop was suspended are no jump.
        told.pass(9 * 3_600, 9 * 3_600);
        assert_eq!(clock.skew(), SignedDuration::ZERO);
        told.pass(3_600, 0);
        assert_eq!(believed(&clock).unwrap(), told.now());
        told.pass(11, 10);
        let refused = believed(&clock).unwrap_err();
        let LogFault::ClockJumped { now, expected } = refused else { unreachable!("{refused}") };
        assert_eq!(now.duration_since(expected), SignedDuration::from_secs(3_601));
        told.pass(-3_601, 0);
        assert_eq!(believed(&clock).unwrap(), told.now());
    }

    #[test]
    fn a_jump_back_is_believed_and_told() {
        let told = Arc::new(Told::default());
        let clock = WatchedClock::start(Arc::<Told>::clone(&told));
        told.pass(-7_200, 0);
        assert_eq!(clock.skew(), SignedDuration::from_hours(-2));
        assert_eq!(believed(&clock).unwrap(), told.now());
    }
}
