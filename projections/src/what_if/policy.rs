//! Other rules than those that held.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use shiplog_domain::{
    environment::{Frozen, Rules},
    names::EnvironmentName,
};

use super::Inference;

/// Other rules than those that held; where nothing is said, those hold on.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What changes in which environment.
    pub environments: BTreeMap<EnvironmentName, Change>,
    /// What changes in all other environments.
    pub elsewhere: Option<Change>,
    /// When a deployment that did not say so counts as a rollback.
    pub inference: Option<Inference>,
    /// Whether deployments that were reported, and so met no rule, are left out.
    pub without_reports: bool,
}

/// What changes in an environment.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// How many people must agree to a deployment.
    pub approvals: Option<u8>,
    /// Whether who asked may be one of them.
    pub self_approval: Option<bool>,
    /// Whether a lane takes one deployment at a time.
    pub one_at_a_time: Option<bool>,
    /// The freezes that there are instead of those that there were.
    pub freezes: Option<Vec<Frozen>>,
    /// The freezes that there are every week, beside all others.
    pub weekly: Vec<Weekly>,
}

/// A freeze that comes again on days of the week.
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

impl Policy {
    /// What changes in an environment.
    pub(super) fn of(&self, environment: &EnvironmentName) -> Option<&Change> {
        self.environments.get(environment).or(self.elsewhere.as_ref())
    }
}

impl Change {
    pub(super) fn rules(&self, rules: Rules) -> Rules {
        Rules {
            tier: rules.tier,
            approvals: self.approvals.unwrap_or(rules.approvals),
            self_approval: self.self_approval.unwrap_or(rules.self_approval),
            one_at_a_time: self.one_at_a_time.unwrap_or(rules.one_at_a_time),
        }
    }

    /// The freeze in force, where `actual` was: of several, the one that ends last.
    pub(super) fn freeze(&self, at: Timestamp, actual: Option<Frozen>) -> Option<Frozen> {
        let holds =
            |frozen: &&Frozen| frozen.at <= at && frozen.until.is_none_or(|until| until > at);
        let planned: Vec<_> = match &self.freezes {
            Some(freezes) => freezes.iter().filter(holds).cloned().collect(),
            None => actual.into_iter().collect(),
        };
        let weekly = self.weekly.iter().filter_map(|weekly| weekly.at(at));
        planned.into_iter().chain(weekly).max_by_key(|one| one.until.unwrap_or(Timestamp::MAX))
    }
}

impl Weekly {
    /// The window that an instant lies in.
    fn at(&self, at: Timestamp) -> Option<Frozen> {
        let today = at.to_zoned(self.zone.clone()).date();
        // One that began yesterday may go on.
        let days = [Some(today), today.yesterday().ok()].into_iter().flatten();
        let windows = days.filter(|day| self.days.contains(&day.weekday()));
        windows.filter_map(|day| self.on(day)).find(|one| one.at <= at && one.until > Some(at))
    }

    fn on(&self, day: Date) -> Option<Frozen> {
        let last = if self.until > self.from { day } else { day.tomorrow().ok()? };
        let instant = |day: Date, time| {
            let zoned = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
            Some(zoned.timestamp())
        };
        let until = Some(instant(last, self.until)?);
        Some(Frozen { at: instant(day, self.from)?, reason: self.reason.clone(), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn friday(from: &str, until: &str) -> Weekly {
        Weekly {
            days: vec![Weekday::Friday],
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            reason: "weekend".into(),
        }
    }

    #[test]
    fn a_window_is_of_the_clock_on_its_wall() {
        let afternoon = friday("15:00", "00:00");
        for (at, is_in) in [
            // In summer Berlin is two hours ahead, in winter one.
            ("2026-07-03T12:59:59Z", false),
            ("2026-07-03T13:00:00Z", true),
            ("2026-07-03T21:59:59Z", true),
            ("2026-07-03T22:00:00Z", false),
            ("2026-01-02T13:30:00Z", false),
            ("2026-01-02T14:00:00Z", true),
            ("2026-01-01T15:00:00Z", false),
        ] {
            assert_eq!(afternoon.at(at.parse().unwrap()).is_some(), is_in, "{at}");
        }
    }

    #[test]
    fn a_window_can_go_over_midnight() {
        let night = friday("22:00", "06:00").at("2026-07-04T03:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(night.at.to_string(), "2026-07-03T20:00:00Z");
        assert_eq!(night.until.unwrap().to_string(), "2026-07-04T04:00:00Z");
    }

    #[test]
    fn other_freezes_take_the_place_of_those_that_there_were_and_weekly_ones_do_not() {
        let at: Timestamp = "2026-07-03T14:00:00Z".parse().unwrap();
        let actual = Some(Frozen { at, reason: "peak".into(), until: None });
        let reason = |change: &Change| change.freeze(at, actual.clone()).map(|one| one.reason);
        assert_eq!(reason(&Change::default()).as_deref(), Some("peak"));
        let none = Change { freezes: Some(Vec::new()), ..Change::default() };
        assert_eq!(reason(&none), None);
        let weekly = Change { weekly: vec![friday("15:00", "00:00")], ..none };
        assert_eq!(reason(&weekly).as_deref(), Some("weekend"));
    }
}
