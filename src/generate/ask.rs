//! Somebody wants something of a lane: a release, the one before, the same again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use shiplog_domain::{
    environment::Tier,
    lane::{
        Approvals, Asked, Command, DeploymentNumber, Outcome, Override, Rail, Rails, Report,
        Request, RollbackTo, When,
    },
    metadata::Actor,
};

use super::{
    Step,
    agenda::{Course, Next, Wish},
    cast,
    history::History,
    releases::{Cause, Release},
    rhythm::later,
    words,
    world::{Lane, Success},
};

/// A deployment that somebody has decided on.
struct Order {
    asked: Asked,
    release: Arc<Release>,
    by: Actor,
    reason: Option<String>,
    course: Course,
}

impl Wish {
    /// Whether it still makes sense.
    fn is_welcome(&self, lane: &Lane) -> bool {
        let runs = lane.running();
        let in_use = !lane.is_closed && !lane.is_gone;
        match self {
            Self::Release(release) | Self::Mend { release, .. } => {
                in_use && release.sequence > lane.newest
            }
            Self::Again { of, .. } => in_use && *of == lane.number,
            Self::Back { from } => {
                in_use && lane.before().is_some() && runs.is_some_and(|one| one.number == *from)
            }
            Self::BackSilently => in_use && lane.before().is_some(),
            Self::Mistake => in_use && runs.is_some(),
            Self::Return => !lane.is_closed && lane.is_gone && !lane.successes.is_empty(),
            Self::Last(_) => !lane.is_gone,
        }
    }
}

impl History {
    pub(super) fn ask(&mut self, at: Timestamp, index: usize, wish: Wish) -> Option<Step> {
        let lane = self.lanes.get(index)?;
        if !wish.is_welcome(lane) {
            return None;
        }
        let then = self.earliest(at, index, &wish)?;
        if then > at {
            self.agenda.put(then, Next::Ask { lane: index, wish });
            return None;
        }
        let order = self.order(at, index, wish)?;
        let lane = self.lanes.get_mut(index)?;
        lane.number += 1;
        lane.newest = lane.newest.max(order.release.sequence);
        lane.is_gone = false;
        self.place_order(at, index, order)
    }

    /// When a wish can be tried; now, if nothing is in its way.
    fn earliest(&mut self, at: Timestamp, index: usize, wish: &Wish) -> Option<Timestamp> {
        let lane = self.lanes.get(index)?;
        if lane.is_open {
            return Some(later(at, self.chance.minutes(3, 12)));
        }
        let frozen = self.places.get(lane.place)?.frozen_until.filter(|thaw| *thaw > at);
        let (Some(thaw), Wish::Release(_)) = (frozen, wish) else { return Some(at) };
        // Some things do not wait for anybody.
        if self.chance.comes_true(20) {
            return Some(at);
        }
        let rhythm = self.services.get(lane.service)?.team.rhythm;
        Some(rhythm.after(thaw, self.chance.minutes(1, 240)))
    }

    /// Who wants what exactly, why, and how it is going to go.
    fn order(&mut self, at: Timestamp, index: usize, wish: Wish) -> Option<Order> {
        let service = self.services.get(self.lanes.get(index)?.service)?;
        let usual = if service.is_told { Course::Told } else { Course::Usual };
        let by = service.team.member(&mut self.chance);
        match wish {
            Wish::Release(release) => {
                let order = Order::deploy(release, by, usual);
                let by = self.requester(index, &order)?;
                Some(Order { by, ..order })
            }
            Wish::Mend { release, mends } => {
                let mends = Some(DeploymentNumber(mends));
                let asked = Asked::RollForward { release: release.manifest.clone(), mends };
                let reason = Some("mends what the last deployment broke".into());
                Some(Order { asked, release, by, reason, course: Course::Usual })
            }
            Wish::Again { of, release } => {
                let asked = Asked::Retry { of: Some(DeploymentNumber(of)) };
                let reason = Some(words::second_try(&mut self.chance));
                Some(Order { asked, release, by, reason, course: Course::Again })
            }
            Wish::Back { .. } | Wish::BackSilently => self.back(index, by, &wish),
            Wish::Mistake => self.fresh(at, index, by, Course::Mistaken),
            Wish::Last(course) => self.fresh(at, index, by, course),
            Wish::Return => {
                let release = Arc::clone(&self.lanes.get(index)?.successes.back()?.release);
                let reason = Some("some partners still call it".into());
                Some(Order { reason, ..Order::deploy(release, by, Course::Straight) })
            }
        }
    }

    /// Goes back to what ran before, and says so or does not.
    fn back(&mut self, index: usize, by: Actor, wish: &Wish) -> Option<Order> {
        let Success { number, release } = self.lanes.get(index)?.before()?.clone();
        if let Wish::BackSilently = wish {
            let asked = Asked::Unknown(release.manifest.clone());
            let (by, course) = (cast::argo(), Course::Told);
            return Some(Order { asked, release, by, reason: None, course });
        }
        let to = match self.chance.below(3) {
            0 => RollbackTo::Number(DeploymentNumber(number)),
            _ => RollbackTo::Previous,
        };
        let asked = Asked::Rollback { to, release: None };
        let reason = Some(words::complaint(&mut self.chance));
        Some(Order { asked, release, by, reason, course: Course::Straight })
    }

    /// A release that was not anywhere before.
    fn fresh(&mut self, at: Timestamp, index: usize, by: Actor, course: Course) -> Option<Order> {
        let release = self.release(at, self.lanes.get(index)?.service, Cause::Fix)?;
        Some(Order::deploy(release, by, course))
    }

    /// Pipelines deploy to where nobody looks, people to where it matters.
    fn requester(&mut self, index: usize, order: &Order) -> Option<Actor> {
        let place = self.places.get(self.lanes.get(index)?.place)?;
        let people = match place.tier {
            Tier::Production => 800,
            Tier::Staging => 300,
            Tier::Testing | Tier::Development | Tier::Other => 60,
        };
        if matches!(order.course, Course::Told) {
            return Some(cast::argo());
        }
        if self.chance.comes_true(people) {
            return Some(order.by.clone());
        }
        let bot = if order.release.by == cast::renovate() {
            cast::renovate()
        } else {
            cast::deploy_bot()
        };
        Some(bot)
    }

    /// Records what is wanted, and lets it take its course.
    fn place_order(&mut self, at: Timestamp, index: usize, order: Order) -> Option<Step> {
        let Order { asked, release, by, reason, course } = order;
        let request = self.request(at, index, asked, &by)?;
        let request = Request { reason, ..request };
        if let Course::Told = course {
            let (number, outcome) = (self.lanes.get(index)?.number, self.told_outcome(index));
            match &outcome {
                Outcome::Succeeded => self.succeeded(at, index, number, (release, course))?,
                Outcome::Failed { .. } | Outcome::Started => {}
            }
            return self.tell_lane(at, index, &by, Command::Report(Report { request, outcome }));
        }
        self.lanes.get_mut(index)?.is_open = true;
        self.take_course(at, index, (release, course), &by)?;
        if let Course::Mistaken = course {
            let outcome = Outcome::Succeeded;
            return self.tell_lane(at, index, &by, Command::Report(Report { request, outcome }));
        }
        let (rails, crosses) = self.guard(index, course, request.reason.as_deref());
        let command = Command::Request { request, rails, crosses };
        self.tell_lane(at, index, &by, command)
    }

    /// Who has to agree, and whether it is put there without them.
    fn guard(
        &self,
        index: usize,
        course: Course,
        reason: Option<&str>,
    ) -> (Rails, Option<Override>) {
        let needed = u8::from(self.is_production(index));
        let rails =
            Rails { approvals: Approvals { needed, by_requester: false }, ..Rails::default() };
        let in_haste = matches!(course, Course::Straight | Course::Running | Course::Failing);
        let crosses = in_haste.then(|| {
            let reason = reason.unwrap_or("nobody is there to ask, and it cannot wait").into();
            Override { rails: vec![Rail::Approvals], reason }
        });
        (rails, crosses)
    }

    fn request(&self, at: Timestamp, index: usize, asked: Asked, by: &Actor) -> Option<Request> {
        let lane = self.lanes.get(index)?;
        let service = self.services.get(lane.service)?;
        let run = self.run(index)?;
        let mut labels = BTreeMap::from([("team".to_owned(), service.team.name.to_owned())]);
        if !service.is_spread {
            let region = words::REGIONS.get(lane.service % words::REGIONS.len())?;
            labels.insert("region".into(), (*region).into());
        }
        Some(Request {
            when: When { at, stated: false },
            asked,
            by: Some(by.id.clone()),
            reason: None,
            url: Some(format!("https://ci.example.com/{}/runs/{run}", service.name)),
            external_id: Some(format!("run-{run}")),
            labels,
            acknowledged: Vec::new(),
            configuration: None,
        })
    }

    /// The number of the pipeline run that carries out the lane's last deployment.
    pub(super) fn run(&self, index: usize) -> Option<usize> {
        let number = usize::try_from(self.lanes.get(index)?.number).ok()?;
        Some(10_000 + number * self.lanes.len() + index)
    }
}

impl Order {
    fn deploy(release: Arc<Release>, by: Actor, course: Course) -> Self {
        let asked = Asked::Deploy(release.manifest.clone());
        Self { asked, release, by, reason: None, course }
    }
}
