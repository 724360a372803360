//! What is wrong with a text that looks like a time and is none.
//!
//! RFC 3339 has times that parsers take or refuse without a word: an hour 24, a second 60, an offset
//! of a whole day. What is read here is the shape alone, so that whoever refuses a time can say why.

use jiff::{
    Span,
    civil::{Date, DateTime},
};

/// Why a text that is written like a time is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A month from 13 on, or 0.
    #[error("there is no month {0:02}: months go from 01 to 12")]
    Month(i8),
    /// A day that its month has not.
    #[error("there is no day {day:02} in {year:04}-{month:02}, which has {days} days")]
    Day {
        /// The year.
        year: i16,
        /// The month.
        month: i8,
        /// The day that it has not.
        day: i8,
        /// How many it has.
        days: i8,
    },
    /// An hour from 25 on.
    #[error("there is no hour {0:02}: hours go from 00 to 23")]
    Hour(i8),
    /// The end of a day, as ISO 8601 writes it and RFC 3339 does not.
    #[error("there is no hour 24: the end of a day is 00:00 of the next one")]
    Midnight,
    /// A minute from 60 on.
    #[error("there is no minute {0:02}: minutes go from 00 to 59")]
    Minute(i8),
    /// A second from 61 on.
    #[error("there is no second {0:02}: seconds go from 00 to 59")]
    Second(i8),
    /// A second 60 where no leap second can be.
    #[error(
        "there is no second 60 here: a leap second is the last one of a month in UTC, as in \
         `2016-12-31T23:59:60Z`"
    )]
    LeapSecond,
    /// An offset of a day or more, or with more than 59 minutes.
    #[error("there is no offset of that size: offsets go from -23:59 to +23:59")]
    Offset,
}

/// What is wrong with a date, or a date and a time, if it is written like one.
///
/// Takes `2026-01-31`, then perhaps `T` or a blank and `12:00`, `12:00:00` or `12:00:00.5`, then
/// perhaps `Z` or an offset. `None` if nothing is wrong, and if it is written otherwise.
pub fn flaw(text: &str) -> Option<Flaw> {
    let (date, rest) = date(text)?;
    let date = match date {
        Ok(date) => date,
        Err(flaw) => return Some(flaw),
    };
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = clock(rest)?;
    let offset = offset(rest)?;
    clock.flaw().or(match offset {
        Offset::TooLarge => Some(Flaw::Offset),
        Offset::Minutes(minutes) if clock.second == 60 => clock.leap_flaw(date, minutes),
        Offset::Unsaid if clock.second == 60 => Some(Flaw::LeapSecond),
        Offset::Minutes(_) | Offset::Unsaid => None,
    })
}

/// How far a time is ahead of UTC, as it is written.
enum Offset {
    Unsaid,
    Minutes(i64),
    TooLarge,
}

/// A time of day as it is written, be it none.
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
}

impl Clock {
    fn flaw(&self) -> Option<Flaw> {
        match *self {
            Self { hour: 24, minute: 0, second: 0 } => Some(Flaw::Midnight),
            Self { hour: hour @ 24.., .. } => Some(Flaw::Hour(hour)),
            Self { minute: minute @ 60.., .. } => Some(Flaw::Minute(minute)),
            Self { second: second @ 61.., .. } => Some(Flaw::Second(second)),
            Self { .. } => None,
        }
    }

    /// Leap seconds are inserted at the end of a month, everywhere at once.
    fn leap_flaw(&self, date: Date, offset_minutes: i64) -> Option<Flaw> {
        let local = DateTime::from_parts(date, jiff::civil::time(self.hour, self.minute, 59, 0));
        let Ok(utc) = local.checked_sub(Span::new().minutes(offset_minutes)) else {
            return Some(Flaw::LeapSecond);
        };
        let is_last = utc.day() == utc.days_in_month() && utc.hour() == 23 && utc.minute() == 59;
        (!is_last).then_some(Flaw::LeapSecond)
    }
}

/// A date at the beginning of a text, and the rest.
fn date(text: &str) -> Option<(Result<Date, Flaw>, &str)> {
    let (century, rest) = two_digits(text)?;
    let (years, rest) = two_digits(rest)?;
    let (month, rest) = two_digits(rest.strip_prefix('-')?)?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    let year = i16::from(century) * 100 + i16::from(years);
    let Ok(first) = Date::new(year, month, 1) else { return Some((Err(Flaw::Month(month)), rest)) };
    let days = first.days_in_month();
    let flaw = Flaw::Day { year, month, day, days };
    Some((Date::new(year, month, day).map_err(|_| flaw), rest))
}

fn clock(text: &str) -> Option<(Clock, &str)> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let Some(seconds) = rest.strip_prefix(':') else {
        return Some((Clock { hour, minute, second: 0 }, rest));
    };
    let (second, rest) = two_digits(seconds)?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    Some((Clock { hour, minute, second }, rest))
}

/// What stands behind the time of day; `None` if it is no offset.
fn offset(text: &str) -> Option<Offset> {
    if text.is_empty() {
        return Some(Offset::Unsaid);
    }
    if text.eq_ignore_ascii_case("z") {
        return Some(Offset::Minutes(0));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, rest) = two_digits(text.strip_prefix(['+', '-'])?)?;
    let (minutes, rest) = match rest {
        "" => (0, rest),
        _ => two_digits(rest.strip_prefix(':').unwrap_or(rest))?,
    };
    let offset = if hours <= 23 && minutes <= 59 {
        Offset::Minutes(sign * (i64::from(hours) * 60 + i64::from(minutes)))
    } else {
        Offset::TooLarge
    };
    rest.is_empty().then_some(offset)
}

fn two_digits(text: &str) -> Option<(i8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((is_number.then(|| digits.parse().ok())??, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_says_why() {
        let day = |year, month, day, days| Flaw::Day { year, month, day, days };
        for (text, expected) in [
            ("2025-13-01", Flaw::Month(13)),
            ("2025-00-01T00:00:00Z", Flaw::Month(0)),
            ("2025-02-29", day(2025, 2, 29, 28)),
            ("2025-02-29T12:00:00Z", day(2025, 2, 29, 28)),
            ("2100-02-29T12:00:00Z", day(2100, 2, 29, 28)),
            ("2024-02-30 12:00", day(2024, 2, 30, 29)),
            ("2025-04-31T12:00:00Z", day(2025, 4, 31, 30)),
            ("2025-04-00T12:00:00Z", day(2025, 4, 0, 30)),
            ("2025-04-01T24:00", Flaw::Midnight),
            ("2025-04-01T24:00:00Z", Flaw::Midnight),
            ("2025-04-01T24:00:01Z", Flaw::Hour(24)),
            ("2025-04-01T25:00:00Z", Flaw::Hour(25)),
            ("2025-04-01T12:60:00Z", Flaw::Minute(60)),
            ("2025-04-01T12:30:61Z", Flaw::Second(61)),
            ("2025-04-01T12:30:60Z", Flaw::LeapSecond),
            ("2025-04-01T12:30:60.5+02:00", Flaw::LeapSecond),
            ("2025-04-01T12:30:60", Flaw::LeapSecond),
            ("2016-12-30T23:59:60Z", Flaw::LeapSecond),
            ("2016-12-31T23:59:60+01:00", Flaw::LeapSecond),
            ("2025-04-01T12:00:00+25:00", Flaw::Offset),
            ("2025-04-01T12:00:00-24:00", Flaw::Offset),
            ("2025-04-01T12:00:00+01:60", Flaw::Offset),
            ("2025-04-01T12:00+2500", Flaw::Offset),
        ] {
            assert_eq!(flaw(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_have_no_flaw_and_what_is_written_otherwise_is_not_judged() {
        for text in [
            "2024-02-29",
            "2000-02-29T00:00:00Z",
            "2025-04-01T00:00",
            "2025-04-01 23:59:59.999999999+23:59",
            "2025-04-01t12:00:00z",
            "2025-04-01T12:00:00-0000",
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:59:60+01:00",
            "2016-12-31T15:59:60-08:00",
            "10000-01-01",
            "2h",
            "yesterday",
            "",
            "2025-04-01T12:00:00+",
            "äöü-04-01",
        ] {
            assert_eq!(flaw(text), None, "{text}");
        }
    }
}
