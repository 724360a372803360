//! Instants as people type and read them.

use std::fmt;

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

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

impl Watch {
    /// Reads `now`, an RFC 3339 instant, a local date or time, or how long ago: `2h`, `3d`, `1h30m ago`.
    pub(crate) fn read(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("now") {
            return Ok(self.now);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(instant);
        }
        if let Some(instant) = self.ago(text) {
            return instant;
        }
        let local = text
            .parse::<DateTime>()
            .or_else(|_| text.parse::<Date>().map(|date| date.to_datetime(jiff::civil::Time::MIN)));
        let zoned = local.and_then(|local| local.to_zoned(self.zone.zone.clone()));
        zoned.map(|zoned| zoned.timestamp()).map_err(|_| {
            format!(
                "`{text}` is no time: give one like `2026-11-01T12:00Z`, `2026-11-01` or `2h` (ago)"
            )
        })
    }

    /// `None` if the text is no span at all.
    fn ago(&self, text: &str) -> Option<Result<Timestamp, String>> {
        let span = text.strip_suffix("ago").unwrap_or(text).trim_end().parse::<Span>().ok()?;
        let then = self.now.to_zoned(self.zone.zone.clone()).checked_sub(span);
        Some(then.map(|then| then.timestamp()).map_err(|_| format!("`{text}` ago is out of range")))
    }

    /// `2026-11-17 17:37:41 (1h ago)`, in the zone of the watch.
    pub(crate) fn show(&self, instant: Timestamp) -> String {
        let zoned = instant.to_zoned(self.zone.zone.clone());
        format!("{} ({})", zoned.strftime("%F %T"), self.distance(instant))
    }

    fn distance(&self, instant: Timestamp) -> String {
        let seconds = self.now.as_second().saturating_sub(instant.as_second());
        // What a server says comes after this process began, and clocks differ a little.
        let seconds = if (-LITTLE_SECONDS..0).contains(&seconds) { 0 } else { seconds };
        let length = coarse(seconds.unsigned_abs());
        if seconds >= 0 { format!("{length} ago") } else { format!("in {length}") }
    }
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
