//! The last end of a lane, enough to go on from as long as facts arrive in order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shiplog_domain::lane::Cause;

use super::{Dated, Doubted, Doubtful, Fact, Kind, Same, Standing};

/// The last end of a lane.
#[derive(Clone, Debug, Default)]
pub(in crate::current) struct Tail {
    pub(in crate::current) running: Option<Dated>,
    pub(in crate::current) failed: Option<Dated>,
    pub(in crate::current) doubt: Option<Doubtful>,
    pub(in crate::current) open: Open,
}

/// What has not ended, and how it goes on its targets; what runs is among the latter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::current) struct Open {
    pub(super) begun: BTreeSet<u32>,
    pub(super) waiting: BTreeSet<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) targets: BTreeMap<u32, Targets>,
}

/// How a deployment goes on each of its targets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Targets(BTreeMap<String, Target>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Target {
    Started,
    Succeeded,
    Failed,
}

impl Targets {
    /// Notes how it goes on one of them; false if a failure there is none any more.
    pub(super) fn take(&mut self, target: &str, kind: Kind) -> bool {
        let now = match kind {
            Kind::TargetSucceeded => Target::Succeeded,
            Kind::TargetFailed => Target::Failed,
            Kind::TargetStarted
            | Kind::Requested
            | Kind::Started
            | Kind::Succeeded
            | Kind::Failed
            | Kind::Dropped
            | Kind::Removed
            | Kind::Voided => Target::Started,
        };
        let before = self.0.insert(target.to_owned(), now);
        before != Some(Target::Failed) || now == Target::Failed
    }

    /// What is doubtful about a deployment that is said to have worked.
    pub(super) fn doubt(&self) -> Option<Cause> {
        if self.has_failed() {
            Some(Cause::TargetsFailed)
        } else if self.0.values().any(|target| *target == Target::Started) {
            Some(Cause::TargetsUnfinished)
        } else {
            None
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.values().any(|target| *target == Target::Failed)
    }
}

impl Tail {
    pub(in crate::current) fn standing(&self) -> Standing {
        let Open { begun, waiting, targets: _ } = &self.open;
        Standing {
            running: self.running,
            begun: begun.last().copied(),
            waiting: waiting.last().copied(),
            waiting_count: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            failed: self.failed,
            doubt: self.doubt,
        }
    }

    /// Goes on by a fact that comes after all others; false if only the whole history can tell.
    pub(in crate::current) fn step(
        &mut self,
        fact: &Fact,
        same: Same<'_>,
    ) -> rusqlite::Result<bool> {
        let Some(number) = fact.number else {
            self.remove();
            return Ok(fact.kind == Kind::Removed);
        };
        match fact.kind {
            Kind::Requested => {
                self.open.waiting.insert(number);
            }
            Kind::Started | Kind::TargetStarted | Kind::TargetSucceeded | Kind::TargetFailed => {
                return Ok(self.go_on(number, fact));
            }
            // An outcome of what has ended already repeats or contradicts an earlier one.
            Kind::Succeeded | Kind::Failed | Kind::Dropped => {
                let has_begun = self.open.begun.remove(&number);
                if !has_begun && !self.open.waiting.remove(&number) {
                    return Ok(false);
                }
                self.end(number, fact, has_begun, same)?;
            }
            Kind::Removed | Kind::Voided => return Ok(false),
        }
        Ok(true)
    }

    fn remove(&mut self) {
        if let Some((number, _)) = self.running.take() {
            self.open.targets.remove(&number);
        }
        self.doubt = None;
    }

    /// Something was carried out.
    fn go_on(&mut self, number: u32, fact: &Fact) -> bool {
        let is_open = self.open.begun.contains(&number) || self.open.waiting.remove(&number);
        if is_open {
            self.open.begun.insert(number);
        } else if self.running.map(|(running, _)| running) != Some(number) {
            return false;
        }
        let Some(target) = &fact.target else { return true };
        let targets = self.open.targets.entry(number).or_default();
        if !targets.take(target, fact.kind) {
            return false;
        }
        if is_open && targets.has_failed() && fact.kind == Kind::TargetFailed {
            let cause = Doubted(Cause::TargetsFailed);
            self.doubt = Some(Doubtful { number, cause });
        } else if !is_open && self.doubt.is_none_or(|doubt| doubt.number == number) {
            let cause = targets.doubt();
            self.doubt = cause.map(|cause| Doubtful { number, cause: Doubted(cause) });
        }
        true
    }

    fn end(
        &mut self,
        number: u32,
        fact: &Fact,
        has_begun: bool,
        same: Same<'_>,
    ) -> rusqlite::Result<()> {
        let targets = self.open.targets.remove(&number);
        let doubt = doubt_after(fact.kind, has_begun, targets.as_ref());
        let doubt = doubt.map(|cause| Doubtful { number, cause: Doubted(cause) });
        match fact.kind {
            Kind::Succeeded => {
                let before = self.running;
                self.remove();
                let since = match before {
                    Some((before, since)) if same(before, number)? => since,
                    Some(_) | None => fact.at,
                };
                self.running = Some((number, since));
                self.doubt = doubt;
                self.open.targets.extend(targets.map(|targets| (number, targets)));
            }
            Kind::Failed => {
                self.failed = Some((number, fact.at));
                self.doubt = doubt;
            }
            Kind::Dropped => self.doubt = doubt.or(self.doubt),
            Kind::Requested
            | Kind::Started
            | Kind::TargetStarted
            | Kind::TargetSucceeded
            | Kind::TargetFailed
            | Kind::Removed
            | Kind::Voided => {}
        }
        Ok(())
    }
}

/// The doubt that a deployment leaves which ended so, if it leaves any.
pub(super) fn doubt_after(end: Kind, has_begun: bool, targets: Option<&Targets>) -> Option<Cause> {
    match end {
        Kind::Succeeded => targets?.doubt(),
        Kind::Failed => Some(Cause::Failed),
        Kind::Dropped => has_begun.then_some(Cause::Cancelled),
        Kind::Requested
        | Kind::Started
        | Kind::TargetStarted
        | Kind::TargetSucceeded
        | Kind::TargetFailed
        | Kind::Removed
        | Kind::Voided => None,
    }
}
