//! A history in the making: takes what is due, and says what comes of it.

use std::sync::Arc;

use jiff::Timestamp;
use shiplog_domain::{
    lane::{Command, DeploymentNumber, Happened, When},
    metadata::{Actor, CorrelationId, Metadata, RequestDigest},
    release::{self, Manifest},
    stream::StreamName,
};

use super::{
    Plan, Step, What,
    agenda::{Agenda, Next, Wish},
    cast,
    chance::Chance,
    releases::{self, Cause, Origin, Release},
    rhythm::later,
    setting,
    world::{Lane, Place, Service, release_stream},
};

/// How many in a thousand releases do badly in production.
const BAD: u32 = 45;

/// Everything that is known of the world, and what is going to happen in it.
pub(super) struct History {
    seed: u64,
    pub(super) begins: Timestamp,
    pub(super) until: Timestamp,
    pub(super) chance: Chance,
    pub(super) services: Vec<Service>,
    pub(super) places: Vec<Place>,
    pub(super) lanes: Vec<Lane>,
    pub(super) agenda: Agenda,
    told: u64,
}

impl History {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut chance = Chance::new(plan.seed);
        let places = setting::places(plan);
        let services = setting::services(plan, &mut chance);
        let lanes = setting::lanes(&services, &places, &mut chance);
        let until = whole_milliseconds(plan.until);
        let mut history = Self {
            seed: plan.seed,
            begins: whole_milliseconds(plan.begins()),
            until,
            chance,
            services,
            places,
            lanes,
            agenda: Agenda::new(until),
            told: 0,
        };
        history.prepare(plan);
        history
    }

    fn act(&mut self, at: Timestamp, next: Next) -> Option<Step> {
        match next {
            Next::Cut { service, cause } => self.cut(at, service, cause),
            Next::Branch { lane, left } => self.branch(at, lane, left),
            Next::Ask { lane, wish } => self.ask(at, lane, wish),
            Next::Say { lane, number, by, happened } => {
                let known = self.lanes.get(lane)?;
                if !known.remembers(number) {
                    return None;
                }
                // What is decided is decided at that moment; what is reported says when it was.
                let stated = !matches!(happened, Happened::Approve { .. } | Happened::Claim { .. });
                let when = When { at, stated };
                let number = DeploymentNumber(number);
                let command = Command::Deployment { number, when, happened };
                self.tell_lane(at, lane, &by, command)
            }
            Next::End { lane, number, release, ending, course } => {
                self.end(at, lane, number, (release, ending, course))
            }
            Next::Leave { lane, reason, back } => self.leave(at, lane, reason, back),
            Next::Close { lane } => {
                self.lanes.get_mut(lane)?.is_closed = true;
                None
            }
            Next::Govern { place, by, command } => self.govern(at, place, &by, command),
            Next::Judge { release, by, command } => {
                self.tell(at, release, &by, What::Release(command))
            }
        }
    }

    /// A step of a lane.
    pub(super) fn tell_lane(
        &mut self,
        at: Timestamp,
        lane: usize,
        by: &Actor,
        command: Command,
    ) -> Option<Step> {
        let stream = self.lanes.get(lane)?.stream.clone();
        self.tell(at, stream, by, What::Lane(Box::new(command)))
    }

    /// A step of any stream.
    pub(super) fn tell(
        &mut self,
        at: Timestamp,
        stream: StreamName,
        by: &Actor,
        what: What,
    ) -> Option<Step> {
        let key = format!("generated-{}-{}", self.seed, self.told);
        self.told += 1;
        let metadata = Metadata {
            actor: by.clone(),
            request_digest: RequestDigest::of(&[key.as_bytes()]),
            correlation_id: CorrelationId(key.clone()),
            idempotency_key: key.parse().ok()?,
            causation_id: None,
            source: cast::source(by, &key),
        };
        Some(Step { at, stream, what, metadata })
    }

    /// Makes a service's next release and has it deployed; the next one follows in its time.
    fn cut(&mut self, at: Timestamp, index: usize, cause: Cause) -> Option<Step> {
        let release = self.release(at, index, cause)?;
        let service = self.services.get(index)?;
        if cause == Cause::Train {
            let pause = self.chance.part(service.pace, 20, 180);
            let then = service.team.rhythm.after(at, pause);
            self.agenda.put(then, Next::Cut { service: index, cause });
            if self.chance.comes_true(100) {
                let night = later(then, self.chance.minutes(6 * 60, 14 * 60));
                self.agenda.put(night, Next::Cut { service: index, cause: Cause::Dependencies });
            }
        }
        let built = later(at, self.chance.minutes(2, 9));
        if let Some(first) = self.lanes.iter().position(|lane| lane.service == index) {
            let wish = Wish::Release(Arc::clone(&release));
            self.agenda.put(built, Next::Ask { lane: first, wish });
        }
        if !service.registers {
            return None;
        }
        let stream = release_stream(&service.name, &release.manifest.version);
        let command = release::Command::Register { at, release: release.manifest.clone() };
        self.tell(at, stream, &cast::deploy_bot(), What::Release(command))
    }

    /// A service's next release.
    pub(super) fn release(
        &mut self,
        at: Timestamp,
        index: usize,
        cause: Cause,
    ) -> Option<Arc<Release>> {
        let service = self.services.get_mut(index)?;
        let Service { name, team, scheme, .. } = service;
        let by = match cause {
            Cause::Train | Cause::Fix => team.member(&mut self.chance),
            Cause::Dependencies => cast::renovate(),
        };
        let manifest =
            releases::cut(Origin { service: name, team, scheme }, at, cause, &mut self.chance)?;
        let is_bad = cause == Cause::Train && self.chance.comes_true(BAD);
        service.released += 1;
        let release = Arc::new(Release { sequence: service.released, manifest, is_bad, by });
        service.newest = Some(Arc::clone(&release));
        Some(release)
    }

    /// Builds a branch and has it deployed where it is looked at, until it is merged.
    fn branch(&mut self, at: Timestamp, index: usize, left: u32) -> Option<Step> {
        let lane = self.lanes.get(index)?;
        let service = self.services.get(lane.service)?;
        let rhythm = service.team.rhythm;
        let Some(rest) = left.checked_sub(1) else {
            let reason = "the branch was merged";
            self.agenda.put(at, Next::Leave { lane: index, reason, back: None });
            return None;
        };
        let manifest: Manifest = releases::build(
            &service.name,
            self.places.get(lane.place)?.branch()?,
            &mut self.chance,
        )?;
        let by = service.team.member(&mut self.chance);
        let sequence = lane.newest + 1;
        let release = Arc::new(Release { sequence, manifest, is_bad: false, by });
        self.agenda.put(at, Next::Ask { lane: index, wish: Wish::Release(release) });
        let then = rhythm.after(at, self.chance.minutes(50, 9 * 60));
        self.agenda.put(then, Next::Branch { lane: index, left: rest });
        None
    }
}

impl Iterator for History {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let (at, next) = self.agenda.take()?;
            if let Some(step) = self.act(at, next) {
                return Some(step);
            }
        }
    }
}

fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
