//! What follows from how a deployment ended.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use shiplog_domain::{
    lane::{Command, Correction, DeploymentNumber, Happened, Health, Link, LinkKind, When},
    release,
};

use super::{
    Step,
    agenda::{Course, Ending, Next, Wish},
    cast,
    history::History,
    releases::{Cause, Release},
    rhythm::later,
    words,
    world::release_stream,
};

impl History {
    pub(super) fn end(
        &mut self,
        at: Timestamp,
        index: usize,
        number: u32,
        (release, ending, course): (Arc<Release>, Ending, Course),
    ) -> Option<Step> {
        self.lanes.get_mut(index)?.is_open = false;
        let (by, happened) = match ending {
            Ending::Succeeded => {
                self.succeeded(at, index, number, (release, course))?;
                (cast::deploy_bot(), Happened::Succeeded)
            }
            Ending::Failed { step, error } => {
                if course != Course::Failing {
                    self.failed(at, index, number, (release, course))?;
                }
                let run = self.run(index)?;
                let log_url = Some(format!("https://ci.example.com/runs/{run}/log"));
                let (error, failed_step) = (Some(error.into()), Some(step.into()));
                (cast::deploy_bot(), Happened::Failed { error, failed_step, log_url })
            }
            Ending::Cancelled { by, reason } => (by, Happened::Cancel { reason: Some(reason) }),
            Ending::Rejected { by, reason } => {
                let happened = Happened::Reject { by: by.id.clone(), reason: Some(reason) };
                (by, happened)
            }
            Ending::Voided { by } => {
                let reason = "recorded for the wrong environment".into();
                (by, Happened::Correct { correction: Correction::Void, reason })
            }
        };
        let stated = !matches!(happened, Happened::Reject { .. });
        let (number, when) = (DeploymentNumber(number), When { at, stated });
        self.tell_lane(at, index, &by, Command::Deployment { number, when, happened })
    }

    /// Goes on to the next environment, and shows how the release does.
    pub(super) fn succeeded(
        &mut self,
        at: Timestamp,
        index: usize,
        number: u32,
        (release, course): (Arc<Release>, Course),
    ) -> Option<()> {
        let lane = self.lanes.get_mut(index)?;
        lane.succeed(number, Arc::clone(&release));
        let is_new = match course {
            Course::Usual | Course::Again | Course::Told => release.sequence == lane.newest,
            Course::Straight
            | Course::Mistaken
            | Course::Waiting
            | Course::Running
            | Course::Failing => false,
        };
        if !is_new {
            return Some(());
        }
        let next = lane.next;
        if self.is_production(index) {
            if release.is_bad && course != Course::Told {
                self.trouble(at, index, number, &release)?;
            } else if self.chance.comes_true(60) {
                let soon = later(at, self.chance.minutes(6, 20));
                self.health(soon, index, number, (Health::Healthy, None));
            }
        }
        match next {
            Some(next) => self.promote(at, next, release),
            None => Some(()),
        }
    }

    fn promote(&mut self, at: Timestamp, next: usize, release: Arc<Release>) -> Option<()> {
        let lane = self.lanes.get(next)?;
        let (place, service) = (self.places.get(lane.place)?, self.services.get(lane.service)?);
        if !self.chance.comes_true(place.promoted()) {
            return Some(());
        }
        let most = SignedDuration::from_hours(if place.is_production() { 12 } else { 2 });
        let pause = self.chance.part(service.pace, 5, 70).min(self.chance.part(most, 30, 100));
        let then = service.team.rhythm.after(at, pause);
        self.agenda.put(then, Next::Ask { lane: next, wish: Wish::Release(release) });
        Some(())
    }

    /// Tries again, mends it, or leaves it at that.
    fn failed(
        &mut self,
        at: Timestamp,
        index: usize,
        number: u32,
        (release, course): (Arc<Release>, Course),
    ) -> Option<()> {
        let rest = if course == Course::Again { 600 } else { 0 };
        match self.chance.range(rest, 999) {
            0..560 => {
                let then = later(at, self.chance.minutes(2, 25));
                let wish = Wish::Again { of: number, release };
                self.agenda.put(then, Next::Ask { lane: index, wish });
            }
            560..780 => self.mend(at, index, number)?,
            _ => {}
        }
        if self.chance.comes_true(200) {
            let then = later(at, self.chance.minutes(5, 50));
            let text = self.chance.pick(&words::FINDINGS).into();
            self.note(then, index, number, text, LinkKind::Ticket)?;
        }
        Some(())
    }

    /// Makes a release that mends a deployment, and brings it there directly.
    fn mend(&mut self, at: Timestamp, index: usize, mends: u32) -> Option<()> {
        let release = self.release(at, self.lanes.get(index)?.service, Cause::Fix)?;
        let then = later(at, self.chance.minutes(15, 90));
        self.agenda.put(then, Next::Ask { lane: index, wish: Wish::Mend { release, mends } });
        Some(())
    }

    /// The release does badly: it is taken back, mended, or recovers.
    fn trouble(
        &mut self,
        at: Timestamp,
        index: usize,
        number: u32,
        release: &Release,
    ) -> Option<()> {
        let seen = later(at, self.chance.minutes(3, 25));
        let health = self.chance.pick(&[1, 1, 2]);
        let health = if health == 1 { Health::Unhealthy } else { Health::Degraded };
        let detail = Some(words::ailment(&mut self.chance));
        self.health(seen, index, number, (health, detail));
        match self.chance.below(100) {
            0..60 => {
                let back = later(seen, self.chance.minutes(2, 18));
                let wish = Wish::Back { from: number };
                self.agenda.put(back, Next::Ask { lane: index, wish });
                self.judge(back, index, number, release)?;
            }
            60..85 => self.mend(seen, index, number)?,
            _ => {
                let well = later(seen, self.chance.minutes(10, 40));
                self.health(well, index, number, (Health::Healthy, None));
            }
        }
        let told = later(seen, self.chance.minutes(30, 200));
        let text = self.chance.pick(&words::CONCLUSIONS).into();
        self.note(told, index, number, text, LinkKind::Incident)
    }

    /// Blames the deployment and blocks its release; once in a while that was wrong.
    fn judge(
        &mut self,
        back: Timestamp,
        index: usize,
        number: u32,
        release: &Release,
    ) -> Option<()> {
        let service = self.services.get(self.lanes.get(index)?.service)?;
        let by = service.team.member(&mut self.chance);
        let stream = release_stream(&service.name, &release.manifest.version);
        let said =
            |correction, reason: &str| Happened::Correct { correction, reason: reason.into() };
        let at = later(back, self.chance.minutes(5, 40));
        let happened = said(Correction::Blamed, "the errors began with it and ended without it");
        self.agenda.put(at, Next::Say { lane: index, number, by: by.clone(), happened });
        if self.chance.comes_true(600) {
            let reason = words::complaint(&mut self.chance);
            let command = release::Command::Block { at, reason };
            let (release, by) = (stream.clone(), by.clone());
            self.agenda.put(at, Next::Judge { release, by, command });
        }
        if self.chance.comes_true(150) {
            let at = later(at, self.chance.minutes(60, 20 * 60));
            let happened = said(Correction::Cleared, "the load balancer was at fault");
            self.agenda.put(at, Next::Say { lane: index, number, by: by.clone(), happened });
            let reason = "it was not the release".into();
            let command = release::Command::Unblock { at, reason };
            self.agenda.put(at, Next::Judge { release: stream, by, command });
        }
        Some(())
    }

    fn health(
        &mut self,
        at: Timestamp,
        lane: usize,
        number: u32,
        (health, detail): (Health, Option<String>),
    ) {
        let by = cast::monitor();
        let happened = Happened::Health { health, source: Some(by.id.clone()), detail };
        self.agenda.put(at, Next::Say { lane, number, by, happened });
    }

    #[expect(clippy::too_many_arguments, reason = "when, where, and what the note says")]
    fn note(
        &mut self,
        at: Timestamp,
        lane: usize,
        number: u32,
        text: String,
        kind: LinkKind,
    ) -> Option<()> {
        let by = self.services.get(self.lanes.get(lane)?.service)?.team.member(&mut self.chance);
        let path = match kind {
            LinkKind::Incident => "incidents",
            LinkKind::Ticket => "tickets",
            LinkKind::Change => "changes",
        };
        let url = format!("https://desk.example.com/{path}/{}", self.chance.range(1_000, 9_999));
        let happened = Happened::Annotate { text, links: vec![Link { kind, url }] };
        self.agenda.put(at, Next::Say { lane, number, by, happened });
        Some(())
    }
}
