//! The one reader of the wall clock.

mod watched;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use self::watched::WatchedClock;
use crate::log::LogFault;

/// So far ahead of what a steady clock makes of it, a clock is not believed.
pub const MAX_SKEW: SignedDuration = SignedDuration::from_hours(1);

/// Tells what time it is, so that nothing else has to.
pub trait Clock: Send + Sync {
    /// The time now, in whole microseconds. May go backwards: wall clocks do.
    fn now(&self) -> Timestamp;

    /// For how long the machine has run, whether it was suspended or not: it never jumps. None if that
    /// cannot be told.
    fn uptime(&self) -> Option<Duration> {
        None
    }

    /// How far `now` is ahead of what it should be; zero where nothing is known that it could be compared
    /// with.
    fn skew(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}

/// The time now, if it can be recorded.
///
/// # Errors
///
/// [`LogFault::ClockJumped`] if the clock is ahead of what it should be by more than [`MAX_SKEW`].
pub fn believed(clock: &dyn Clock) -> Result<Timestamp, LogFault> {
    let (now, skew) = (clock.now(), clock.skew());
    if skew > MAX_SKEW {
        let expected = now.checked_sub(skew).unwrap_or(now);
        return Err(LogFault::ClockJumped { now, expected });
    }
    Ok(now)
}

/// Warns of a clock that is more than [`MAX_SKEW`] behind the last time of recording, when a log is opened:
/// one of the two is wrong, and nothing after that tells which.
pub(crate) fn compare(clock: &dyn Clock, last: Timestamp) {
    let now = clock.now();
    let behind = last.duration_since(now);
    if behind > MAX_SKEW {
        let seconds = behind.as_secs();
        tracing::warn!(
            %now, %last, seconds,
            "the clock says {now}, and the last event was recorded at {last}: set the clock right, or \
             events are recorded as of then until it is there"
        );
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
    fn now(&self) -> Timestamp {
        whole_microseconds(Timestamp::now())
    }

    fn uptime(&self) -> Option<Duration> {
        // On Linux, the other one stands still while the machine is suspended.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        Duration::try_from(rustix::time::clock_gettime(id)).ok()
    }
}

/// Cuts off what the log does not keep, so that what is answered is what will be read.
pub(crate) fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_tells_whole_microseconds() {
        assert_eq!(SystemClock.now().as_nanosecond() % 1_000, 0);
    }
}
