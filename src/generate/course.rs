//! How a deployment goes from the request to its end.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use shiplog_domain::{
    lane::{Happened, Outcome},
    metadata::{Actor, ActorKind},
    names::TargetName,
};

use super::{
    agenda::{Course, Ending, Next},
    cast,
    history::History,
    releases::Release,
    rhythm::{earlier, later},
    words,
    world::Place,
};

/// How many in a thousand deployments fail: before production, there, and at the second try.
const FAILURES: u32 = 45;
const FAILURES_IN_PRODUCTION: u32 = 28;
const FAILURES_AGAIN: u32 = 150;

/// How many in a thousand requests to production are called off, and turned down.
const CANCELLED: u32 = 14;
const REJECTED: u32 = 8;

/// The deployment under way.
struct Flight {
    lane: usize,
    number: u32,
    release: Arc<Release>,
    course: Course,
}

impl History {
    /// Puts on the agenda what is going to happen to the lane's last deployment.
    pub(super) fn take_course(
        &mut self,
        at: Timestamp,
        lane: usize,
        (release, course): (Arc<Release>, Course),
        by: &Actor,
    ) -> Option<()> {
        let number = self.lanes.get(lane)?.number;
        let flight = Flight { lane, number, release, course };
        match course {
            Course::Waiting => {}
            Course::Mistaken => {
                let then = later(at, self.chance.minutes(4, 15));
                self.finish(then, flight, Ending::Voided { by: by.clone() });
            }
            Course::Usual | Course::Again => {
                if let Some((then, ending)) = self.early_end(at, lane, by) {
                    self.finish(then, flight, ending);
                } else {
                    let then = self.approve(at, &flight, by)?;
                    self.fly(then, flight)?;
                }
            }
            Course::Straight | Course::Told | Course::Running | Course::Failing => {
                self.fly(at, flight)?;
            }
        }
        Some(())
    }

    /// How a deployment went that is told of when it is over.
    pub(super) fn told_outcome(&mut self, lane: usize) -> Outcome {
        let failures = self.failures(lane, Course::Told);
        if self.chance.comes_true(failures) {
            let (step, error) = words::failure(&mut self.chance);
            return Outcome::Failed { error: Some(format!("{step}: {error}")) };
        }
        Outcome::Succeeded
    }

    /// Whether somebody calls it off or turns it down, when and why.
    fn early_end(&mut self, at: Timestamp, lane: usize, by: &Actor) -> Option<(Timestamp, Ending)> {
        if !self.is_production(lane) || by.kind != ActorKind::Person {
            return None;
        }
        if self.chance.comes_true(CANCELLED) {
            let reason = self.chance.pick(&words::SECOND_THOUGHTS).into();
            let then = later(at, self.chance.minutes(1, 20));
            return Some((then, Ending::Cancelled { by: by.clone(), reason }));
        }
        if self.chance.comes_true(REJECTED) {
            let reason = self.chance.pick(&words::OBJECTIONS).into();
            let then = later(at, self.chance.minutes(2, 30));
            let team = self.services.get(self.lanes.get(lane)?.service)?.team;
            let by = team.other_than(by, &mut self.chance);
            return Some((then, Ending::Rejected { by, reason }));
        }
        None
    }

    /// Has somebody else agree, where users depend on it; says when.
    fn approve(&mut self, at: Timestamp, flight: &Flight, by: &Actor) -> Option<Timestamp> {
        if !self.is_production(flight.lane) {
            return Some(at);
        }
        let service = self.services.get(self.lanes.get(flight.lane)?.service)?;
        let patience = self.chance.part(service.pace, 1, 15).min(self.chance.minutes(2, 90));
        let then = later(at, patience);
        let by = service.team.other_than(by, &mut self.chance);
        let comment = self.chance.comes_true(250);
        let comment = comment.then(|| self.chance.pick(&words::CONSENTS).into());
        let happened = Happened::Approve { by: by.id.clone(), kind: by.kind, comment };
        self.say(then, flight, by, happened);
        Some(then)
    }

    /// Carries it out, from the start to the end.
    fn fly(&mut self, at: Timestamp, flight: Flight) -> Option<()> {
        let service = self.services.get(self.lanes.get(flight.lane)?.service)?;
        let log_url =
            format!("https://ci.example.com/{}/runs/{}/log", service.name, self.run(flight.lane)?);
        let takes = if matches!(flight.course, Course::Running) {
            SignedDuration::from_mins(40)
        } else {
            self.chance.part(service.takes, 60, 170)
        };
        let is_spread = service.is_spread && self.is_production(flight.lane);
        let failures = self.failures(flight.lane, flight.course);
        let fails = self.chance.comes_true(failures);
        let started = later(at, self.chance.seconds(2, 40));
        let executor = Some("ci-runner".into());
        let happened = Happened::Started { executor, log_url: Some(log_url) };
        self.say(started, &flight, cast::deploy_bot(), happened);
        let ending = if fails {
            let (step, error) = words::failure(&mut self.chance);
            Ending::Failed { step, error }
        } else {
            Ending::Succeeded
        };
        if is_spread {
            self.reach_targets(started, takes, &flight, &ending);
        }
        self.finish(later(started, takes), flight, ending);
        Some(())
    }

    /// Goes from region to region; what fails, fails in the last one.
    fn reach_targets(
        &mut self,
        started: Timestamp,
        takes: SignedDuration,
        flight: &Flight,
        ending: &Ending,
    ) {
        let regions = words::REGIONS.iter().filter_map(|name| name.parse::<TargetName>().ok());
        let (third, moment) = (takes / 3, SignedDuration::from_millis(180));
        let mut at = started;
        for (index, target) in regions.enumerate() {
            let until = earlier(later(at, third), moment);
            let is_last = index + 1 == words::REGIONS.len();
            let happened = match ending {
                Ending::Failed { error, .. } if is_last => {
                    Happened::TargetFailed { target: target.clone(), error: Some((*error).into()) }
                }
                Ending::Failed { .. }
                | Ending::Succeeded
                | Ending::Cancelled { .. }
                | Ending::Rejected { .. }
                | Ending::Voided { .. } => Happened::TargetSucceeded(target.clone()),
            };
            self.say(
                later(at, moment),
                flight,
                cast::deploy_bot(),
                Happened::TargetStarted(target),
            );
            self.say(until, flight, cast::deploy_bot(), happened);
            at = later(at, third);
        }
    }

    fn say(&mut self, at: Timestamp, flight: &Flight, by: Actor, happened: Happened) {
        let Flight { lane, number, .. } = *flight;
        self.agenda.put(at, Next::Say { lane, number, by, happened });
    }

    fn finish(&mut self, at: Timestamp, flight: Flight, ending: Ending) {
        let Flight { lane, number, release, course } = flight;
        self.agenda.put(at, Next::End { lane, number, release, ending, course });
    }

    /// How many in a thousand such deployments fail.
    fn failures(&self, lane: usize, course: Course) -> u32 {
        match course {
            Course::Straight | Course::Mistaken | Course::Waiting | Course::Running => 0,
            Course::Failing => 1_000,
            Course::Again => FAILURES_AGAIN,
            Course::Usual | Course::Told if self.is_production(lane) => FAILURES_IN_PRODUCTION,
            Course::Usual | Course::Told => FAILURES,
        }
    }

    pub(super) fn is_production(&self, lane: usize) -> bool {
        let place = self.lanes.get(lane).and_then(|lane| self.places.get(lane.place));
        place.is_some_and(Place::is_production)
    }
}
