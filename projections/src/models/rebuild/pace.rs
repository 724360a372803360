//! How fast a rebuild goes, and how fast it may go.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

use tokio::time::Instant;

use crate::runner::ENOUGH;

/// Over how many steps the rate is taken.
const STEPS: usize = 16;

/// How many steps a second there are where the rate is limited.
const STEPS_PER_SECOND: u32 = 4;

/// The steps of late, and how many events each one folded.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    /// How many events to fold in one step.
    pub(super) fn step(max: Option<NonZeroU32>) -> usize {
        let Some(max) = max else { return ENOUGH };
        usize::try_from(max.get() / STEPS_PER_SECOND).unwrap_or(ENOUGH).clamp(1, ENOUGH)
    }

    /// How long a step takes at least that folds so many events.
    pub(super) fn least(events: u64, max: Option<NonZeroU32>) -> Duration {
        let Some(max) = max else { return Duration::ZERO };
        Duration::from_nanos(events.saturating_mul(1_000_000_000) / u64::from(max.get()))
    }

    /// Notes that a step ended.
    pub(super) fn note(&mut self, now: Instant, events: u64) {
        if self.0.len() > STEPS {
            self.0.pop_front();
        }
        self.0.push_back((now, events));
    }

    /// Forgets what was before a rest.
    pub(super) fn begin(&mut self, now: Instant) {
        self.0.clear();
        self.0.push_back((now, 0));
    }

    /// How many events were folded a second.
    pub(super) fn rate(&self) -> u64 {
        let (Some((first, _)), Some((last, _))) = (self.0.front(), self.0.back()) else { return 0 };
        let events: u64 = self.0.iter().skip(1).map(|(_, events)| events).sum();
        let ms = u64::try_from(last.duration_since(*first).as_millis()).unwrap_or(u64::MAX);
        events.saturating_mul(1_000) / ms.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_steps_of_late() {
        let mut pace = Pace::default();
        assert_eq!(pace.rate(), 0);
        let mut now = Instant::now();
        pace.begin(now);
        for _ in 0..100 {
            now += Duration::from_millis(500);
            pace.note(now, 1_000);
        }
        assert_eq!(pace.rate(), 2_000);
        pace.begin(now);
        assert_eq!(pace.rate(), 0);
    }

    #[test]
    fn steps_are_as_long_as_the_limit_wants_them() {
        for (max, step, least_ms) in [(1, 1, 1_000), (8, 2, 250), (1_000, 250, 250)] {
            let max = NonZeroU32::new(max);
            assert_eq!(Pace::step(max), step);
            assert_eq!(Pace::least(step as u64, max), Duration::from_millis(least_ms));
        }
        assert_eq!(Pace::step(NonZeroU32::new(u32::MAX)), ENOUGH);
        assert_eq!(Pace::least(9, None), Duration::ZERO);
    }
}
