//! One lane, as it stood at a place in the log, and what is judged there.

use std::{collections::HashMap, mem};

use shiplog_domain::{
    decider::{Coded as _, Decider as _},
    lane::{
        self, Approvals, Asked, Deployment, DeploymentNumber, Event, Lane, LaneId, Rail, Refusal,
        Requested, State,
    },
    metadata::{Actor, IdempotencyKey},
};
use shiplog_store::{log::Recorded, position::GlobalPosition};

use super::{Compared, Difference, Policy, Report, Rule, Verdict, inference::differing};

/// A lane, as it stood at a place in the log.
pub(super) struct LaneWalk {
    id: LaneId,
    state: State,
    /// How each deployment was asked for, from the first one on.
    asked: Vec<Origin>,
    /// The request that asked for the last one.
    last: Option<IdempotencyKey>,
    /// Which approvals each deployment that has not begun needed, and would have needed.
    waiting: HashMap<DeploymentNumber, (Approvals, Approvals)>,
    found: Vec<Found>,
}

/// How a deployment was asked for.
struct Origin {
    position: GlobalPosition,
    actor: Actor,
    /// The same request told how it went.
    reported: bool,
}

/// A decision that would have differed.
struct Found {
    number: DeploymentNumber,
    rule: Rule,
    was: Verdict,
    would_be: Verdict,
    code: Option<&'static str>,
    detail: String,
}

impl Found {
    fn refused(number: DeploymentNumber, rail: Rail, refusal: &Refusal) -> Self {
        Self {
            number,
            rule: Rule::Rail(rail),
            was: Verdict::Taken,
            would_be: Verdict::Refused,
            code: Some(refusal.code()),
            detail: refusal.to_string(),
        }
    }
}

impl LaneWalk {
    pub(super) fn new(id: LaneId) -> Self {
        Self {
            id,
            state: State::default(),
            asked: Vec::new(),
            last: None,
            waiting: HashMap::new(),
            found: Vec::new(),
        }
    }

    /// Judges what an event asks for or begins, if it does; then the lane is as the event left it.
    pub(super) fn meet(
        &mut self,
        recorded: &Recorded<()>,
        event: &Event,
        compared: Option<&Compared>,
    ) {
        let key = &recorded.metadata.idempotency_key;
        if self.last.as_ref() == Some(key)
            && let Some(origin) = self.asked.last_mut()
        {
            origin.reported = true;
        }
        if let (Event::Requested(requested), Some(compared)) = (event, compared) {
            let (position, actor) = (recorded.position, recorded.metadata.actor.clone());
            self.asked.push(Origin { position, actor, reported: false });
            self.last = Some(key.clone());
            self.request(requested, compared);
        }
        if matches!(event, Event::Started(_) | Event::Succeeded(_) | Event::Failed(_)) {
            let found = self.begin(event);
            self.found.extend(found);
        }
        self.state = Lane::evolve(mem::take(&mut self.state), event);
    }

    fn request(&mut self, requested: &Requested, Compared { actual, changed }: &Compared) {
        let number = requested.number;
        let needed = requested.approvals.unwrap_or_default();
        if changed.approvals != needed {
            self.waiting.insert(number, (needed, changed.approvals));
        }
        if actual == changed {
            return;
        }
        let standing = |rails| {
            let asked = Asked::Deploy((*requested.release).clone());
            // Refused only where a lane has used up its numbers, and then there is no request.
            lane::foresee(&self.state, asked, rails).map_or_else(|_| Vec::new(), |one| one.standing)
        };
        let (stood, stands) = (standing(actual), standing(changed));
        let crossed = requested.crosses.as_ref().map(|crosses| crosses.rails.as_slice());
        let crossed = crossed.unwrap_or_default();
        for (rail, refusal) in &stands {
            let is_new = stood.iter().all(|(other, _)| other != rail);
            if is_new && !crossed.contains(rail) {
                self.found.push(Found::refused(number, *rail, refusal));
            }
        }
        for rail in crossed {
            let stands = match rail {
                Rail::Approvals => changed.approvals.needed > 0,
                Rail::Freeze | Rail::OneAtATime | Rail::Block => {
                    stands.iter().any(|(other, _)| other == rail)
                }
            };
            if !stands {
                self.found.push(Found {
                    number,
                    rule: Rule::Rail(*rail),
                    was: Verdict::Overridden,
                    would_be: Verdict::Taken,
                    code: None,
                    detail: "nothing would have had to be overridden".into(),
                });
            }
        }
    }

    /// Judges a deployment that begins, or that is first heard of again when it has ended: whether
    /// enough people had agreed.
    fn begin(&mut self, event: &Event) -> Option<Found> {
        let number = event.number()?;
        let (needed, changed) = self.waiting.remove(&number)?;
        let deployment = self.state.deployment(number)?;
        let missing = |approvals| {
            let requested =
                Requested { approvals: Some(approvals), ..deployment.requested.clone() };
            let approvals = deployment.approvals.clone();
            Deployment { approvals, ..Deployment::new(requested) }.approvals_missing()
        };
        let would_miss = missing(changed);
        let refusal = Refusal::NotApproved { number, missing: would_miss };
        let differs = would_miss > 0 && missing(needed) == 0;
        differs.then(|| Found::refused(number, Rail::Approvals, &refusal))
    }

    /// Tells what was found, now that it is known how everything was asked for.
    pub(super) fn end(mut self, policy: &Policy, report: &mut Report) {
        if let Some(rule) = policy.inference {
            self.found.extend(differing(&self.state, rule).into_iter().map(inferred));
        }
        let reported = self.asked.iter().filter(|origin| origin.reported).count() as u64;
        report.deployments += self.asked.len() as u64;
        report.reported += reported;
        let found = mem::take(&mut self.found);
        report.differences.extend(found.into_iter().filter_map(|found| self.tell(found)));
    }

    fn tell(&self, found: Found) -> Option<Difference> {
        let Found { number, rule, was, would_be, code, detail } = found;
        let requested = &self.state.deployment(number)?.requested;
        let origin = self.asked.get(usize::try_from(number.0).ok()?.checked_sub(1)?)?;
        Some(Difference {
            position: origin.position,
            lane: self.id.clone(),
            number,
            version: requested.release.version.clone(),
            at: requested.at,
            actor: origin.actor.clone(),
            reported: origin.reported,
            rule,
            was,
            would_be,
            code,
            detail,
        })
    }
}

/// A deployment that counts as a rollback by one rule, and not by the other.
fn inferred((deployment, was): (&Deployment, bool)) -> Found {
    let word = |is_rollback| if is_rollback { Verdict::Rollback } else { Verdict::NoRollback };
    let detail = if was { "it would not be inferred" } else { "it would be inferred" };
    Found {
        number: deployment.number(),
        rule: Rule::Inference,
        was: word(was),
        would_be: word(!was),
        code: None,
        detail: detail.into(),
    }
}
