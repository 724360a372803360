//! What does not follow from anything else: freezes, farewells, mistakes, and how it ends.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use shiplog_domain::{
    environment::{Command, Rules},
    lane,
    metadata::Actor,
};

use super::{
    Plan, Step, What,
    agenda::{Course, Next, Wish},
    cast,
    history::History,
    releases::Cause,
    rhythm::{earlier, later},
};

impl History {
    /// Puts on the agenda all that begins by itself.
    pub(super) fn prepare(&mut self, plan: &Plan) {
        self.declare();
        self.begin_releases();
        self.begin_branches();
        self.freeze_for_a_time();
        self.go_back_silently(plan.deployments);
        self.err();
        self.say_farewell();
        self.come_to_an_end();
    }

    /// The instant at which so many percent of the history are over.
    fn at(&self, percent: i32) -> Timestamp {
        let whole = self.until.duration_since(self.begins);
        later(self.begins, whole / 100 * percent)
    }

    fn declare(&mut self) {
        for (index, place) in self.places.iter().enumerate() {
            if place.branch().is_some() {
                continue;
            }
            let rules = Rules {
                tier: place.tier,
                approvals: u8::from(place.is_production()),
                self_approval: false,
                one_at_a_time: true,
            };
            let command = Command::Declare { at: self.begins, rules };
            let by = cast::person("ines");
            self.agenda.put(self.begins, Next::Govern { place: index, by, command });
        }
    }

    fn begin_releases(&mut self) {
        for (index, service) in self.services.iter().enumerate() {
            let work = self.chance.part(service.pace, 0, 100).min(self.chance.minutes(1, 27 * 60));
            let at = service.team.rhythm.after(self.begins, work);
            self.agenda.put(at, Next::Cut { service: index, cause: Cause::Train });
        }
    }

    /// Every branch is looked at for some days; the last ones are not merged yet.
    fn begin_branches(&mut self) {
        let branches = self.lanes.iter().enumerate().filter(|(_, lane)| {
            self.places.get(lane.place).is_some_and(|place| place.branch().is_some())
        });
        let branches: Vec<_> = branches.map(|(index, _)| index).collect();
        let count = i32::try_from(branches.len()).unwrap_or(i32::MAX);
        for (nth, lane) in (1..).zip(branches) {
            let at = self.at(nth * 97 / count.max(1));
            let left = self.chance.range(4, 9);
            self.agenda.put(at, Next::Branch { lane, left });
        }
    }

    /// Release weekends every other month, the holidays, and an afternoon of an incident.
    fn freeze_for_a_time(&mut self) {
        let mut freezes = vec![(
            self.at(38),
            later(self.at(38), SignedDuration::from_hours(4)),
            "an incident at the payment provider is looked into",
        )];
        let mut month = self.begins.to_zoned(TimeZone::UTC).date().first_of_month();
        let last = self.until.to_zoned(TimeZone::UTC).date();
        while month <= last {
            let weekend = month.nth_weekday_of_month(2, jiff::civil::Weekday::Friday);
            if month.month() % 2 == 0 {
                freezes.extend(weekend.ok().and_then(|day| {
                    let end = day.checked_add(3.days()).ok()?;
                    Some((hour(day, 16)?, hour(end, 5)?, "release weekend: databases are moved"))
                }));
            }
            if month.month() == 12 {
                let days = Date::new(month.year(), 12, 23).ok();
                freezes.extend(days.and_then(|day| {
                    let end = day.checked_add(11.days()).ok()?;
                    Some((hour(day, 12)?, hour(end, 6)?, "holidays: nobody is on call"))
                }));
            }
            let Ok(next) = month.checked_add(1.month()) else { break };
            month = next;
        }
        for (from, to, reason) in freezes {
            self.freeze(from, to, reason);
        }
    }

    fn freeze(&mut self, at: Timestamp, until: Timestamp, reason: &str) {
        // The history does not end in the middle of one.
        if at < self.begins || later(until, SignedDuration::from_hours(12)) > self.until {
            return;
        }
        for (index, place) in self.places.iter().enumerate() {
            if !place.is_production() {
                continue;
            }
            let govern = |command| Next::Govern { place: index, by: cast::person("ines"), command };
            let reason = reason.to_owned();
            // It is lifted a little before its time is up.
            let end = Some(later(until, SignedDuration::from_hours(2)));
            self.agenda.put(at, govern(Command::Freeze { at, reason, until: end }));
            let reason = Some("all clear".into());
            self.agenda.put(until, govern(Command::Unfreeze { at: until, reason }));
        }
    }

    /// Some go back without a word, now and then.
    fn go_back_silently(&mut self, deployments: usize) {
        let whole = self.until.duration_since(self.begins);
        for _ in 0..(deployments / 250).clamp(3, 2_000) {
            let lane = self.chance.below(self.lanes.len());
            let at = later(self.begins, self.chance.part(whole, 15, 98));
            if self.is_production(lane) {
                self.agenda.put(at, Next::Ask { lane, wish: Wish::BackSilently });
            }
        }
    }

    /// One deployment is recorded that never was.
    fn err(&mut self) {
        if let Some(lane) = self.production_of(1) {
            self.agenda.put(self.at(60), Next::Ask { lane, wish: Wish::Mistake });
        }
    }

    /// One service is taken out and comes back, another one is gone for good.
    fn say_farewell(&mut self) {
        let last = self.services.len().saturating_sub(1);
        if last < 8 {
            return;
        }
        if let Some(lane) = self.production_of(last) {
            let (reason, back) = ("replaced by the partner's own", Some(self.at(63)));
            self.agenda.put(self.at(47), Next::Leave { lane, reason, back });
        }
        if let Some(lane) = self.production_of(last - 1) {
            let reason = "nobody used it any more";
            self.agenda.put(self.at(71), Next::Leave { lane, reason, back: None });
        }
    }

    /// At the end one deployment runs, one waits and one has failed.
    fn come_to_an_end(&mut self) {
        for (service, minutes, course) in
            [(0, 4, Course::Running), (2, 16, Course::Waiting), (3, 55, Course::Failing)]
        {
            let Some(lane) = self.production_of(service) else { continue };
            let quiet = earlier(self.until, SignedDuration::from_hours(5));
            self.agenda.put(quiet, Next::Close { lane });
            let at = earlier(self.until, SignedDuration::from_mins(minutes));
            self.agenda.put(at, Next::Ask { lane, wish: Wish::Last(course) });
        }
    }

    /// The first lane of a service that users depend on.
    fn production_of(&self, service: usize) -> Option<usize> {
        let lanes = self.lanes.iter().enumerate();
        let mut own = lanes.filter(|(_, lane)| lane.service == service);
        own.find(|(index, _)| self.is_production(*index)).map(|(index, _)| index)
    }

    pub(super) fn govern(
        &mut self,
        at: Timestamp,
        index: usize,
        by: &Actor,
        command: Command,
    ) -> Option<Step> {
        let place = self.places.get_mut(index)?;
        match &command {
            Command::Freeze { until, .. } => place.frozen_until = *until,
            Command::Unfreeze { .. } => place.frozen_until = None,
            Command::Declare { .. } | Command::Retire { .. } => {}
        }
        let stream = place.stream.clone();
        self.tell(at, stream, by, What::Environment(command))
    }

    /// Takes a service out of an environment; where that was for a branch, it is retired.
    pub(super) fn leave(
        &mut self,
        at: Timestamp,
        index: usize,
        reason: &'static str,
        back: Option<Timestamp>,
    ) -> Option<Step> {
        let lane = self.lanes.get(index)?;
        if lane.is_open || lane.running().is_none() {
            let then = later(at, self.chance.minutes(30, 90));
            self.agenda.put(then, Next::Leave { lane: index, reason, back });
            return None;
        }
        let by = self.services.get(lane.service)?.team.member(&mut self.chance);
        let (place, soon) = (lane.place, later(at, self.chance.minutes(1, 5)));
        if self.places.get(place)?.branch().is_some() {
            let command = Command::Retire { at: soon, reason: Some(reason.into()) };
            self.agenda.put(soon, Next::Govern { place, by: by.clone(), command });
        }
        if let Some(back) = back {
            self.agenda.put(back.max(soon), Next::Ask { lane: index, wish: Wish::Return });
        }
        let lane = self.lanes.get_mut(index)?;
        lane.is_gone = true;
        let when = lane::When { at, stated: true };
        let reason = Some(reason.to_owned());
        self.tell_lane(at, index, &by, lane::Command::Remove { when, reason })
    }
}

/// An hour of a day, UTC.
fn hour(day: Date, hour: i8) -> Option<Timestamp> {
    day.at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
