//! A lane's whole history, with contradictions and corrections.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rusqlite::Result;
use shiplog_domain::lane::Cause;

use super::{
    Dated, Doubted, Doubtful, Fact, Kind, Same, Standing,
    tail::{Open, Tail, Targets, doubt_after},
};

/// Folds a lane's whole history, facts in their places' order: what it was after each.
pub(in crate::current) fn fold(facts: &[Fact], same: Same<'_>) -> Result<(Vec<Standing>, Tail)> {
    let voided = facts.iter().filter(|fact| fact.kind == Kind::Voided).filter_map(|one| one.number);
    let mut history = History { voided: voided.collect(), ..History::default() };
    let step = |(order, fact)| history.step(order, fact, same);
    let standings = facts.iter().enumerate().map(step).collect::<Result<_>>()?;
    Ok((standings, history.into_tail()))
}

/// What is known of a lane on the way through its facts. Each step takes about the same time, however
/// many deployments there are and however many of them never ended.
#[derive(Default)]
struct History {
    voided: HashSet<u32>,
    deployments: HashMap<u32, Told>,
    begun: BTreeSet<u32>,
    waiting: BTreeSet<u32>,
    /// What took effect, by its order: a deployment, or nothing after a removal.
    effects: BTreeMap<usize, Option<Ran>>,
    failures: BTreeMap<usize, Dated>,
    doubts: BTreeMap<usize, Doubtful>,
}

/// A deployment that took effect.
#[derive(Clone, Copy)]
struct Ran {
    number: u32,
    at: i64,
    /// Since when its content has run without a break.
    since: i64,
}

/// What was told of a deployment so far.
#[derive(Default)]
struct Told {
    outcome: Option<Kind>,
    /// The order of the outcome that it ended with.
    ended: usize,
    has_begun: bool,
    targets: Targets,
    /// The order of each target's failure that still stands.
    failed_targets: HashMap<Arc<str>, usize>,
    /// The order of the doubt that it leaves.
    doubted: Option<usize>,
}

impl Told {
    /// The doubt that it leaves, and its order.
    fn doubt(&self) -> Option<(usize, Cause)> {
        let Some(outcome) = self.outcome else {
            let last = self.failed_targets.values().max()?;
            return Some((*last, Cause::TargetsFailed));
        };
        let cause = doubt_after(outcome, self.has_begun, Some(&self.targets))?;
        Some((self.ended, cause))
    }
}

impl History {
    fn step(&mut self, order: usize, fact: &Fact, same: Same<'_>) -> Result<Standing> {
        match fact.number {
            None if fact.kind == Kind::Removed => {
                self.effects.insert(order, None);
            }
            Some(number) if !self.voided.contains(&number) => {
                self.happen(order, number, fact, same)?;
                self.doubt(number);
            }
            Some(_) | None => {}
        }
        Ok(self.standing())
    }

    fn happen(&mut self, order: usize, number: u32, fact: &Fact, same: Same<'_>) -> Result<()> {
        let told = self.deployments.entry(number).or_default();
        let is_open = told.outcome.is_none();
        match fact.kind {
            Kind::Requested if is_open && !told.has_begun => {
                self.waiting.insert(number);
            }
            Kind::Started | Kind::TargetStarted | Kind::TargetSucceeded | Kind::TargetFailed => {
                told.has_begun = true;
                if let Some(target) = &fact.target {
                    told.targets.take(target, fact.kind);
                    if fact.kind == Kind::TargetFailed {
                        told.failed_targets.insert(Arc::clone(target), order);
                    } else {
                        told.failed_targets.remove(target);
                    }
                }
                if is_open {
                    self.waiting.remove(&number);
                    self.begun.insert(number);
                }
            }
            Kind::Succeeded | Kind::Failed | Kind::Dropped => {
                self.end(order, number, fact, same)?;
            }
            Kind::Requested | Kind::Removed | Kind::Voided => {}
        }
        Ok(())
    }

    fn end(&mut self, order: usize, number: u32, fact: &Fact, same: Same<'_>) -> Result<()> {
        let Some(told) = self.deployments.get_mut(&number) else { return Ok(()) };
        let before = told.outcome.replace(fact.kind);
        if before == Some(fact.kind) {
            return Ok(());
        }
        let ended = std::mem::replace(&mut told.ended, order);
        self.begun.remove(&number);
        self.waiting.remove(&number);
        if before.is_some() {
            self.failures.remove(&ended);
            if self.effects.remove(&ended).is_some() {
                self.run_anew(ended, same)?;
            }
        }
        match fact.kind {
            Kind::Succeeded => {
                let last = self.effects.last_key_value().and_then(|(_, ran)| *ran);
                let ran = follow(last, number, fact.at, same)?;
                self.effects.insert(order, Some(ran));
            }
            Kind::Failed => {
                self.failures.insert(order, (number, fact.at));
            }
            Kind::Requested
            | Kind::Dropped
            | Kind::Removed
            | Kind::Voided
            | Kind::Started
            | Kind::TargetStarted
            | Kind::TargetSucceeded
            | Kind::TargetFailed => {}
        }
        Ok(())
    }

    /// Tells anew since when what took effect after `order` has run.
    fn run_anew(&mut self, order: usize, same: Same<'_>) -> Result<()> {
        let mut last = self.effects.range(..order).next_back().and_then(|(_, ran)| *ran);
        for ran in self.effects.range_mut(order..).map(|(_, ran)| ran) {
            if let Some(Ran { number, at, .. }) = *ran {
                *ran = Some(follow(last, number, at, same)?);
            }
            last = *ran;
        }
        Ok(())
    }

    /// Puts the doubt that a deployment leaves, as it now stands, where it belongs.
    fn doubt(&mut self, number: u32) {
        let Some(told) = self.deployments.get_mut(&number) else { return };
        let doubt = told.doubt();
        let before = std::mem::replace(&mut told.doubted, doubt.map(|(order, _)| order));
        if let Some(before) = before {
            self.doubts.remove(&before);
        }
        if let Some((order, cause)) = doubt {
            self.doubts.insert(order, Doubtful { number, cause: Doubted(cause) });
        }
    }

    fn standing(&self) -> Standing {
        let (effect, doubt) = (self.effects.last_key_value(), self.doubts.last_key_value());
        let running = effect.and_then(|(_, ran)| *ran);
        Standing {
            running: running.map(|ran| (ran.number, ran.since)),
            begun: self.begun.last().copied(),
            waiting: self.waiting.last().copied(),
            waiting_count: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            failed: self.failures.last_key_value().map(|(_, failed)| *failed),
            // What took effect can be in doubt itself.
            doubt: doubt
                .filter(|(order, _)| Some(*order) >= effect.map(|(order, _)| order))
                .map(|(_, doubt)| *doubt),
        }
    }

    fn into_tail(self) -> Tail {
        let Standing { running, failed, doubt, .. } = self.standing();
        let is_told = |number: u32| {
            self.begun.contains(&number) || running.is_some_and(|(running, _)| running == number)
        };
        let targets = self.deployments.into_iter().filter(|(number, _)| is_told(*number));
        let targets = targets.map(|(number, told)| (number, told.targets));
        let targets = targets.filter(|(_, targets)| !targets.is_empty()).collect();
        let open = Open { begun: self.begun, waiting: self.waiting, targets };
        Tail { running, failed, doubt, open }
    }
}

/// A deployment that takes effect after another one.
fn follow(last: Option<Ran>, number: u32, at: i64, same: Same<'_>) -> Result<Ran> {
    let since = match last {
        Some(last) if same(last.number, number)? => last.since,
        Some(_) | None => at,
    };
    Ok(Ran { number, at, since })
}
