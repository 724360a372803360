//! Instants as people type and read them.

use std::fmt;

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};
use shiplog_domain::instant::flaw;

/// A time zone, and what it was called where it was set.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// `local`, `utc` or an IANA name.
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Finds the zone called `local`, `utc` or as IANA calls it.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let zone = match name.to_ascii_lowercase().as_str() {
            "local" => TimeZone::system(),
            "utc" | "z" => TimeZone::UTC,
            _ => TimeZone::get(name).map_err(|_| {
                format!("`{name}` is no time zone: give `local`, `utc` or one like `Europe/Berlin`")
            })?,
        };
        Ok(Self { name: name.into(), zone })
    }

    /// What table headings call it: `UTC`, `Europe/Berlin`, or `local` where the system says no more.
    pub(crate) fn title(&self) -> &str {
        if self.name.eq_ignore_ascii_case("utc") {
            return "UTC";
        }
        self.zone.iana_name().unwrap_or(&self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Now and here, which what people type is relative to.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    /// The time when the command began.
    pub(crate) now: Timestamp,
    /// The zone that times without one are in.
    pub(crate) zone: Zone,
}

/// An instant, and whether the same words mean another one later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339, in UTC.
    pub(crate) at: String,
    /// What was typed, if that is relative to now: `10m`.
    pub(crate) relative: Option<String>,
}

impl Watch {
    /// Reads `now`, an RFC 3339 instant, a local date or time, or how long ago: `2h`, `3d`, `1h30m ago`.
    pub(crate) fn read(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        match self.relative(text) {
            Some(instant) => instant,
            None => self.absolute(text),
        }
    }

    /// As [`Self::read`], and says whether the same words mean another instant later.
    pub(crate) fn read_moment(&self, text: &str) -> Result<Moment, String> {
        let text = text.trim();
        let relative = self.relative(text).map(|_| text.to_owned());
        Ok(Moment { at: self.read(text)?.to_string(), relative })
    }

    /// `None` if the text is neither `now` nor a span.
    fn relative(&self, text: &str) -> Option<Result<Timestamp, String>> {
        if text.eq_ignore_ascii_case("now") {
            return Some(Ok(self.now));
        }
        let span = text.strip_suffix("ago").unwrap_or(text).trim_end().parse::<Span>().ok()?;
        let then = self.now.to_zoned(self.zone.zone.clone()).checked_sub(span);
        Some(then.map(|then| then.timestamp()).map_err(|_| format!("`{text}` ago is out of range")))
    }

    fn absolute(&self, text: &str) -> Result<Timestamp, String> {
        if let Some(flaw) = flaw(text) {
            return Err(format!("`{text}`: {flaw}"));
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(instant);
        }
        // A date means the day's first instant, wherever the clocks change at midnight.
        let date = is_date(text).then(|| text.parse::<Date>().ok()).flatten();
        if let Some(day) = date.and_then(|date| date.to_zoned(self.zone.zone.clone()).ok()) {
            return Ok(day.timestamp());
        }
        let local = text.parse::<DateTime>().map_err(|_| {
            format!(
                "`{text}` is no time: give one like `2026-11-01T12:00Z`, `2026-11-01` or `2h` (ago)"
            )
        })?;
        self.local(local).map_err(|why| format!("`{text}` {why}"))
    }

    /// A time on the clocks of the zone, which do not show every time, and some times twice.
    fn local(&self, local: DateTime) -> Result<Timestamp, String> {
        let title = self.zone.title();
        let found = self.zone.zone.to_ambiguous_timestamp(local);
        let written = local.strftime("%FT%T");
        match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                found.unambiguous().map_err(|_| "is out of range".to_owned())
            }
            AmbiguousOffset::Gap { before, after } => Err(format!(
                "is skipped in {title}, where the clocks go from {before} to {after}: write which \
                 you mean, as `{written}{before}` or `{written}{after}`"
            )),
            AmbiguousOffset::Fold { before, after } => Err(format!(
                "comes twice in {title}: write which you mean, `{written}{before}` or \
                 `{written}{after}`"
            )),
        }
    }

    /// `2026-11-17 17:37:41 (1h ago)`, in the zone of the watch; with its offset where that time
    /// comes twice.
    pub(crate) fn show(&self, instant: Timestamp) -> String {
        let zoned = instant.to_zoned(self.zone.zone.clone());
        let zone = &self.zone.zone;
        let comes_twice = zone.to_ambiguous_timestamp(zoned.datetime()).is_ambiguous();
        let offset = if comes_twice { zoned.offset().to_string() } else { String::new() };
        format!("{}{offset} ({})", zoned.strftime("%F %T"), self.distance(instant))
    }

    fn distance(&self, instant: Timestamp) -> String {
        let seconds = self.now.as_second().saturating_sub(instant.as_second());
        // What a server says comes after this process began, and clocks differ a little.
        let seconds = if (-LITTLE_SECONDS..0).contains(&seconds) { 0 } else { seconds };
        let length = coarse(seconds.unsigned_abs());
        if seconds >= 0 { format!("{length} ago") } else { format!("in {length}") }
    }
}

/// Whether it is `2026-11-01` and no more.
fn is_date(text: &str) -> bool {
    text.len() == "2026-11-01".len() && !text.contains([':', 'T', 't', ' '])
}

/// So far ahead an instant counts as now.
const LITTLE_SECONDS: i64 = 3;

/// One number and one unit, rounded down.
fn coarse(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(365 * 86_400, "y"), (30 * 86_400, "mo"), (86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = UNITS.into_iter().find(|(length, _)| seconds >= *length);
    unit.map_or_else(
        || format!("{seconds}s"),
        |(length, name)| format!("{}{name}", seconds / length),
    )
}

/// `850 ms`, `42 s`, `3 m 20 s`, `2 h 5 m`.
pub(crate) fn show_duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        _ => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
    }
}

fn two(large: u64, unit: &str, small: u64, sub_unit: &str) -> String {
    match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {sub_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(zone: &str) -> Watch {
        Watch { now: "2026-11-17T18:00:00Z".parse().unwrap(), zone: Zone::named(zone).unwrap() }
    }

    #[test]
    fn every_way_to_say_when_is_read() {
        let berlin = watch("Europe/Berlin");
        for (text, expected) in [
            ("now", "2026-11-17T18:00:00Z"),
            ("2026-11-01T12:00Z", "2026-11-01T12:00:00Z"),
            ("2026-11-01T12:00:00+01:00", "2026-11-01T11:00:00Z"),
            ("2026-11-01T12:00", "2026-11-01T11:00:00Z"),
            ("2026-11-01 12:00:30", "2026-11-01T11:00:30Z"),
            ("2026-11-01", "2026-10-31T23:00:00Z"),
            ("2h", "2026-11-17T16:00:00Z"),
            ("2h ago", "2026-11-17T16:00:00Z"),
            ("1h30m", "2026-11-17T16:30:00Z"),
            ("90m", "2026-11-17T16:30:00Z"),
            ("3d", "2026-11-14T18:00:00Z"),
        ] {
            assert_eq!(berlin.read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_day_ago_keeps_the_time_of_day_when_the_clocks_change() {
        let before = Watch {
            now: "2026-10-25T11:00:00Z".parse().unwrap(),
            zone: Zone::named("Europe/Berlin").unwrap(),
        };
        assert_eq!(before.read("1d").unwrap().to_string(), "2026-10-24T10:00:00Z");
    }

    #[test]
    fn what_is_no_time_says_what_would_be_one() {
        for text in ["yesterday-ish", "", "12345", "2026-13-01", "9999999999h"] {
            let error = watch("utc").read(text).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn what_is_written_like_a_time_and_is_none_says_why() {
        for (text, why) in [
            ("2026-11-01T12:30:60Z", "no second 60 here"),
            ("2026-11-01 12:30:60", "no second 60 here"),
            ("2026-11-01T24:00Z", "00:00 of the next one"),
            ("2026-11-01T24:00", "00:00 of the next one"),
            ("2026-11-01T12:00+25:00", "from -23:59 to +23:59"),
            ("2025-02-29", "2025-02, which has 28 days"),
            ("2025-02-29T12:00Z", "2025-02, which has 28 days"),
            ("2026-13-01", "months go from 01 to 12"),
        ] {
            let error = watch("utc").read(text).unwrap_err();
            assert!(error.contains(text) && error.contains(why), "{error}");
        }
        let leap = watch("utc").read("2016-12-31T23:59:60Z").unwrap();
        assert_eq!(leap.to_string(), "2016-12-31T23:59:59Z");
        assert_eq!(watch("utc").read("2024-02-29").unwrap().to_string(), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn a_local_time_that_is_skipped_or_comes_twice_is_asked_for_with_its_offset() {
        let berlin = watch("Europe/Berlin");
        let skipped = berlin.read("2026-03-29 02:30").unwrap_err();
        assert!(skipped.contains("is skipped in Europe/Berlin"), "{skipped}");
        let twice = berlin.read("2026-10-25 02:15").unwrap_err();
        assert!(twice.contains("comes twice in Europe/Berlin"), "{twice}");
        for (offset, instant) in [("+02", "2026-10-25T00:15:00Z"), ("+01", "2026-10-25T01:15:00Z")]
        {
            let meant = format!("2026-10-25T02:15:00{offset}");
            assert!(twice.contains(&format!("`{meant}`")), "{twice}");
            assert_eq!(berlin.read(&meant).unwrap().to_string(), instant);
        }
        // In Beirut, that day began at one o'clock.
        let day = watch("Asia/Beirut").read("2026-03-29").unwrap();
        assert_eq!(day.to_string(), "2026-03-28T22:00:00Z");
    }

    #[test]
    fn an_hour_that_comes_twice_is_shown_with_its_offset() {
        let berlin = watch("Europe/Berlin");
        for (instant, expected) in [
            ("2026-10-25T00:15:00Z", "2026-10-25 02:15:00+02 ("),
            ("2026-10-25T01:15:00Z", "2026-10-25 02:15:00+01 ("),
            ("2026-10-25T02:15:00Z", "2026-10-25 03:15:00 ("),
            ("2026-03-29T01:00:00Z", "2026-03-29 03:00:00 ("),
        ] {
            let shown = berlin.show(instant.parse().unwrap());
            assert!(shown.starts_with(expected), "{shown}");
        }
    }

    #[test]
    fn words_that_mean_another_instant_later_are_kept() {
        let moment = |text: &str| watch("utc").read_moment(text).unwrap();
        assert_eq!(moment(" 10m ").relative.as_deref(), Some("10m"));
        assert_eq!(moment("now").relative.as_deref(), Some("now"));
        assert_eq!(moment("10m").at, "2026-11-17T17:50:00Z");
        assert_eq!(moment("2026-11-01").relative, None);
        assert_eq!(moment("2026-11-01T12:00:00+01:00").relative, None);
    }

    #[test]
    fn a_time_is_shown_in_its_zone_with_its_distance() {
        let at = "2026-11-17T16:37:41Z".parse().unwrap();
        assert_eq!(watch("utc").show(at), "2026-11-17 16:37:41 (1h ago)");
        assert_eq!(watch("Europe/Berlin").show(at), "2026-11-17 17:37:41 (1h ago)");
        let later = "2026-11-17T18:00:05Z".parse().unwrap();
        assert_eq!(watch("utc").show(later), "2026-11-17 18:00:05 (in 5s)");
        let just_then = "2026-11-17T18:00:02Z".parse().unwrap();
        assert_eq!(watch("utc").show(just_then), "2026-11-17 18:00:02 (0s ago)");
    }

    #[test]
    fn a_distance_has_one_unit() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (86_399, "23h"),
            (86_400, "1d"),
            (40 * 86_400, "1mo"),
        ] {
            assert_eq!(coarse(seconds), expected);
        }
        assert_eq!(coarse(800 * 86_400), "2y");
    }

    #[test]
    fn a_duration_has_two_units_at_most() {
        let shown = [850, 42_000, 200_000, 300_000, 7_500_000].map(show_duration);
        assert_eq!(shown, ["850 ms", "42 s", "3 m 20 s", "5 m", "2 h 5 m"]);
    }

    #[test]
    fn an_unknown_zone_is_an_error() {
        assert!(Zone::named("Mars/Olympus").unwrap_err().contains("`Mars/Olympus`"));
    }
}
