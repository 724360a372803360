//! When people work: nine hours a day, Monday to Friday.

use jiff::{SignedDuration, Timestamp};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The part of a day in which people work, in milliseconds.
const OPEN: i64 = 9 * HOUR;

/// The working hours of one team.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// The hour, UTC, at which its day begins.
    pub(super) opens: i64,
}

impl Rhythm {
    /// The instant at which so much working time has gone by.
    pub(super) fn after(self, from: Timestamp, work: SignedDuration) -> Timestamp {
        let work = i64::try_from(work.as_millis()).unwrap_or(i64::MAX / 4);
        let worked = self.worked(from.as_millisecond());
        let at = self.instant(worked.saturating_add(work));
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
    }

    /// How much working time there is between two instants.
    pub(super) fn between(self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let worked = self.worked(to.as_millisecond()) - self.worked(from.as_millisecond());
        SignedDuration::from_millis(worked)
    }

    /// Whether somebody is at work.
    #[cfg(test)]
    pub(super) fn is_open(self, at: Timestamp) -> bool {
        let at = at.as_millisecond();
        self.worked(at + 1) > self.worked(at)
    }

    /// The working time since the Monday before 1970, whatever the time of day.
    fn worked(self, at: i64) -> i64 {
        let since = at - self.origin();
        let (weeks, rest) = (since.div_euclid(7 * DAY), since.rem_euclid(7 * DAY));
        let (days, time) = (rest / DAY, rest % DAY);
        let today = if days < 5 { time.min(OPEN) } else { 0 };
        (weeks * 5 + days.min(5)) * OPEN + today
    }

    fn instant(self, worked: i64) -> i64 {
        let (weeks, rest) = (worked.div_euclid(5 * OPEN), worked.rem_euclid(5 * OPEN));
        (weeks * 7 + rest / OPEN) * DAY + rest % OPEN + self.origin()
    }

    /// 1970 began on a Thursday; the first day of work of that week was a Monday.
    fn origin(self) -> i64 {
        self.opens * HOUR - 3 * DAY
    }
}

/// The instant after a length of time, at most the last one there is.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The instant before a length of time, at least the first one there is.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE_TO_SIX: Rhythm = Rhythm { opens: 9 };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn work_goes_on_where_it_was_left_the_day_before() {
        for (from, hours, to) in [
            ("2026-11-17T10:00:00Z", 2, "2026-11-17T12:00:00Z"),
            ("2026-11-17T17:00:00Z", 2, "2026-11-18T10:00:00Z"),
            ("2026-11-20T17:00:00Z", 2, "2026-11-23T10:00:00Z"), // over a weekend
            ("2026-11-21T12:00:00Z", 1, "2026-11-23T10:00:00Z"), // from a Saturday
            ("2026-11-17T03:00:00Z", 1, "2026-11-17T10:00:00Z"), // from a night
        ] {
            let reached = NINE_TO_SIX.after(at(from), SignedDuration::from_hours(hours));
            assert_eq!(reached, at(to), "{from} + {hours} h");
        }
    }

    #[test]
    fn a_week_has_forty_five_hours() {
        let week = NINE_TO_SIX.between(at("2026-11-17T10:30:00Z"), at("2026-11-24T10:30:00Z"));
        assert_eq!(week, SignedDuration::from_hours(45));
    }

    #[test]
    fn nobody_works_on_a_sunday() {
        assert!(NINE_TO_SIX.is_open(at("2026-11-17T09:00:00Z")));
        assert!(!NINE_TO_SIX.is_open(at("2026-11-17T18:00:00Z")));
        assert!(!NINE_TO_SIX.is_open(at("2026-11-22T12:00:00Z")));
    }
}
