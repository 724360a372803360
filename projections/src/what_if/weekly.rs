//! A freeze that comes again on days of the week, by a clock on a wall.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};
use shiplog_domain::environment::Frozen;

/// A freeze that comes again on days of the week.
///
/// An instant is in it if the clock on the wall shows a time in it at that instant. A time that the
/// clock leaves out is nobody's, and in an hour that comes twice both are in it.
#[derive(Clone, Debug)]
pub struct Weekly {
    /// On which days it begins.
    pub days: Vec<Weekday>,
    /// When it begins.
    pub from: Time,
    /// When it ends: on the next day, if that is not after its beginning.
    pub until: Time,
    /// Where the clock hangs.
    pub zone: TimeZone,
    /// Why.
    pub reason: String,
}

/// A window of one day, as the clock shows it: from its beginning on, and before its end.
#[derive(Clone, Copy)]
struct Window {
    from: DateTime,
    until: DateTime,
}

impl Weekly {
    /// The freeze in force at an instant: as long as the clock shows a time in it without a break.
    pub(super) fn at(&self, at: Timestamp) -> Option<Frozen> {
        let shown = self.shown(at);
        // One that began yesterday may go on.
        let days = [Some(shown.date()), shown.date().yesterday().ok()].into_iter().flatten();
        let windows = days.filter(|day| self.days.contains(&day.weekday()));
        let window = windows.filter_map(|day| self.on(day)).find(|one| one.has(shown))?;
        Some(Frozen {
            at: self.beginning(window, at)?,
            reason: self.reason.clone(),
            until: Some(self.end(window, at)?),
        })
    }

    fn on(&self, day: Date) -> Option<Window> {
        let last = if self.until > self.from { day } else { day.tomorrow().ok()? };
        Some(Window { from: day.to_datetime(self.from), until: last.to_datetime(self.until) })
    }

    /// What the clock shows.
    fn shown(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The first instant from which on the clock shows times in the window, up to one in it.
    fn beginning(&self, window: Window, mut within: Timestamp) -> Option<Timestamp> {
        let moment = SignedDuration::from_nanos(1);
        loop {
            let elapsed = self.shown(within).duration_since(window.from);
            let beginning = within.checked_sub(elapsed).ok()?;
            let later = within.checked_add(moment).ok()?;
            let moved = self.zone.preceding(later).next().map(|one| one.timestamp());
            let Some(moved) = moved.filter(|moved| *moved > beginning) else {
                return Some(beginning);
            };
            within = moved.checked_sub(moment).ok()?;
            if !window.has(self.shown(within)) {
                return Some(moved);
            }
        }
    }

    /// The first instant after one in the window at which the clock shows a time that is not.
    fn end(&self, window: Window, mut within: Timestamp) -> Option<Timestamp> {
        loop {
            let left = window.until.duration_since(self.shown(within));
            let end = within.checked_add(left).ok()?;
            let moved = self.zone.following(within).next().map(|one| one.timestamp());
            // Where the clock is put back at the end, it shows times in the window again.
            let Some(moved) = moved.filter(|moved| *moved <= end) else { return Some(end) };
            if !window.has(self.shown(moved)) {
                return Some(moved);
            }
            within = moved;
        }
    }
}

impl Window {
    fn has(self, shown: DateTime) -> bool {
        self.from <= shown && shown < self.until
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn weekly(zone: &str, days: &[Weekday], window: Range<&str>) -> Weekly {
        Weekly {
            days: days.to_vec(),
            from: window.start.parse().unwrap(),
            until: window.end.parse().unwrap(),
            zone: TimeZone::get(zone).unwrap(),
            reason: "weekend".into(),
        }
    }

    pub(in crate::what_if) fn friday(from: &str, until: &str) -> Weekly {
        weekly("Europe/Berlin", &[Weekday::Friday], from..until)
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(window: &Weekly, cases: &[(&str, bool)]) {
        for (at, is_in) in cases {
            assert_eq!(window.at(instant(at)).is_some(), *is_in, "{at}: {window:?}");
        }
    }

    #[test]
    fn a_window_is_of_the_clock_on_its_wall() {
        // In summer Berlin is two hours ahead, in winter one.
        let cases = [
            ("2026-07-03T12:59:59Z", false),
            ("2026-07-03T13:00:00Z", true),
            ("2026-07-03T21:59:59Z", true),
            ("2026-07-03T22:00:00Z", false),
            ("2026-01-02T13:30:00Z", false),
            ("2026-01-02T14:00:00Z", true),
            ("2026-01-01T15:00:00Z", false),
        ];
        check(&friday("15:00", "00:00"), &cases);
    }

    #[test]
    fn a_window_can_go_over_midnight() {
        let night = friday("22:00", "06:00").at(instant("2026-07-04T03:00:00Z")).unwrap();
        assert_eq!(night.at, instant("2026-07-03T20:00:00Z"));
        assert_eq!(night.until, Some(instant("2026-07-04T04:00:00Z")));
    }

    #[test]
    fn a_window_can_go_over_the_end_of_the_week() {
        let night = weekly("Europe/Berlin", &[Weekday::Sunday], "22:00".."06:00");
        check(
            &night,
            &[
                ("2026-07-05T19:59:59Z", false),
                ("2026-07-05T20:00:00Z", true),
                ("2026-07-06T03:59:59Z", true),
                ("2026-07-06T04:00:00Z", false),
                ("2026-07-06T20:00:00Z", false),
            ],
        );
    }

    /// On 29 March 2026, 01:59:59 is followed by 03:00:00 in Berlin.
    #[test]
    fn times_that_the_clock_leaves_out_are_in_no_window() {
        let berlin = |day, window| weekly("Europe/Berlin", &[day], window);
        let (first, last) = ("2026-03-29T01:00:00Z", "2026-03-29T01:29:59Z");
        let (before, after) = ("2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z");
        check(
            &berlin(Weekday::Sunday, "02:30".."03:30"),
            &[(before, false), (first, true), (last, true), (after, false)],
        );
        check(
            &berlin(Weekday::Saturday, "22:00".."02:30"),
            &[(before, true), (first, false), (last, false), (after, false)],
        );
        check(
            &berlin(Weekday::Sunday, "02:15".."02:45"),
            &[(before, false), (first, false), ("2026-03-29T01:15:00Z", false), (last, false)],
        );
    }

    #[test]
    fn a_window_ends_where_the_clock_leaves_it() {
        let window = weekly("Europe/Berlin", &[Weekday::Sunday], "02:30".."03:30");
        let frozen = window.at(instant("2026-03-29T01:10:00Z")).unwrap();
        assert_eq!(frozen.at, instant("2026-03-29T01:00:00Z"));
        assert_eq!(frozen.until, Some(instant("2026-03-29T01:30:00Z")));
        let window = weekly("Europe/Berlin", &[Weekday::Saturday], "22:00".."02:30");
        let frozen = window.at(instant("2026-03-28T22:00:00Z")).unwrap();
        assert_eq!(frozen.at, instant("2026-03-28T21:00:00Z"));
        assert_eq!(frozen.until, Some(instant("2026-03-29T01:00:00Z")));
    }

    /// On 25 October 2026, 02:59:59 is followed by 02:00:00 in Berlin.
    #[test]
    fn an_hour_that_comes_twice_is_in_the_window_twice() {
        let window = weekly("Europe/Berlin", &[Weekday::Sunday], "02:15".."02:45");
        check(
            &window,
            &[
                ("2026-10-25T00:14:59Z", false),
                ("2026-10-25T00:15:00Z", true),
                ("2026-10-25T00:45:00Z", false),
                ("2026-10-25T01:15:00Z", true),
                ("2026-10-25T01:45:00Z", false),
            ],
        );
        let first = window.at(instant("2026-10-25T00:30:00Z")).unwrap();
        assert_eq!(first.until, Some(instant("2026-10-25T00:45:00Z")));
        let both = weekly("Europe/Berlin", &[Weekday::Sunday], "01:00".."03:00");
        let whole = both.at(instant("2026-10-25T00:30:00Z")).unwrap();
        assert_eq!(whole.at, instant("2026-10-24T23:00:00Z"));
        assert_eq!(whole.until, Some(instant("2026-10-25T02:00:00Z")), "up to the second 03:00");
    }

    /// Samoa had no 30 December 2011, a Friday.
    #[test]
    fn a_day_that_is_left_out_has_no_window_and_one_from_it_goes_on() {
        let apia = |days: &[Weekday], window| weekly("Pacific/Apia", days, window);
        let (thursday, saturday) = ("2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z");
        check(&apia(&[Weekday::Friday], "00:00".."00:00"), &[(thursday, false), (saturday, false)]);
        check(
            &apia(&[Weekday::Thursday], "22:00".."06:00"),
            &[(thursday, true), (saturday, false)],
        );
        check(&apia(&[Weekday::Friday], "22:00".."06:00"), &[(thursday, false), (saturday, true)]);
    }

    /// The start of every stretch of minutes that are in a window, and the minute after it, each
    /// looked at by itself and without a word of when clocks are put forward or back.
    fn naive(window: &Weekly, minutes: Range<Timestamp>) -> Vec<Range<Timestamp>> {
        let is_in = |at: Timestamp| {
            let shown = at.to_zoned(window.zone.clone());
            let (time, today) = (shown.time(), shown.date().weekday());
            let began = |day: Weekday| window.days.contains(&day);
            if window.from < window.until {
                return began(today) && window.from <= time && time < window.until;
            }
            began(today) && time >= window.from || began(today.previous()) && time < window.until
        };
        let mut stretches: Vec<Range<Timestamp>> = Vec::new();
        let mut at = minutes.start;
        while at < minutes.end {
            if is_in(at) {
                match stretches.last_mut() {
                    Some(last) if last.end == at => last.end = at + MINUTE,
                    Some(_) | None => stretches.push(at..at + MINUTE),
                }
            }
            at += MINUTE;
        }
        stretches
    }

    /// A time of the day, most often one around which clocks are moved.
    fn time() -> impl Strategy<Value = Time> {
        let odd = (0..24_i8, prop::sample::select(vec![0, 15, 29, 30, 31, 45, 59]));
        let night = (prop::sample::select(vec![0, 1, 2, 3, 23]), 0..60_i8);
        prop_oneof![odd, night].prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
    }

    /// Days around those on which clocks were moved: by an hour, at midnight, by half an hour, by a day
    /// forward and back, and by something that nobody would guess.
    fn moved() -> impl Strategy<Value = (&'static str, Timestamp)> {
        prop::sample::select(vec![
            ("Europe/Berlin", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("America/New_York", "2026-03-08T07:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
            ("America/Sao_Paulo", "2019-02-17T02:00:00Z"),
            ("Africa/Cairo", "2026-04-23T22:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z"),
            ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
            ("Asia/Pyongyang", "2018-05-04T15:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
            ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
            ("UTC", "2026-01-04T00:00:00Z"),
        ])
        .prop_map(|(zone, at)| (zone, instant(at)))
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 300, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn a_minute_is_in_a_window_if_the_clock_shows_a_time_in_it(
            (zone, moved) in moved(),
            days in prop::collection::vec(-3..=3_i64, 1..3),
            (from, until) in (time(), time()),
        ) {
            let hours = SignedDuration::from_hours;
            let zone = TimeZone::get(zone).unwrap();
            let day = zone.to_datetime(moved).date().weekday();
            let days = days.into_iter().map(|apart| day.wrapping_add(apart)).collect();
            let window = Weekly { days, from, until, zone, reason: "weekend".into() };
            let looked_at = moved - hours(60)..moved + hours(60);
            let expected = naive(&window, looked_at.clone());
            let mut at = looked_at.start;
            while at < looked_at.end {
                let stretch = expected.iter().find(|stretch| stretch.contains(&at));
                let found = window.at(at);
                prop_assert_eq!(found.is_some(), stretch.is_some(), "{}", at);
                if let (Some(found), Some(stretch)) = (found, stretch) {
                    let until = found.until.unwrap();
                    // Where one ends and the next begins, the first says its own end alone.
                    prop_assert!(found.at <= at && at < until);
                    let ends = [stretch.end, looked_at.end];
                    let goes_on = window.at(until).is_some();
                    prop_assert!(goes_on || ends.contains(&until) || until > looked_at.end);
                    let begins_later = window.at(found.at - MINUTE).is_some();
                    prop_assert!(begins_later || found.at <= looked_at.start || found.at == stretch.start);
                }
                at += MINUTE * 7;
            }
        }
    }
}
