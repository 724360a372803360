//! What a lane was after each thing that happened in it, by when it happened.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use shiplog_domain::lane::Event;

/// What sort of fact it is, as far as it changes what a lane is. The numbers are in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Requested = 0,
    Succeeded = 1,
    Failed = 2,
    /// Cancelled or rejected.
    Dropped = 3,
    Removed = 4,
    /// Corrected never to have taken place: changes all of the past.
    Voided = 5,
}

impl Kind {
    /// The kind of an event; none if it changes nothing here.
    pub(super) fn of(event: &Event) -> Option<Self> {
        use shiplog_domain::lane::Correction;
        match event {
            Event::Requested(_) => Some(Self::Requested),
            Event::Succeeded(_) => Some(Self::Succeeded),
            Event::Failed(_) => Some(Self::Failed),
            Event::Cancelled(_) | Event::Rejected(_) => Some(Self::Dropped),
            Event::Removed(_) => Some(Self::Removed),
            Event::Corrected(corrected) => {
                (corrected.correction == Correction::Void).then_some(Self::Voided)
            }
            Event::Approved(_)
            | Event::Started(_)
            | Event::TargetStarted(_)
            | Event::TargetSucceeded(_)
            | Event::TargetFailed(_)
            | Event::Health(_)
            | Event::Annotated(_) => None,
        }
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Requested),
            1 => Ok(Self::Succeeded),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Dropped),
            4 => Ok(Self::Removed),
            5 => Ok(Self::Voided),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// One fact; its place is when it happened, then its position in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) position: u64,
    pub(super) kind: Kind,
    pub(super) number: Option<u32>,
    /// The stream's version.
    pub(super) version: u64,
}

/// A deployment and since when it is what it is.
pub(super) type Dated = (u32, i64);

/// What a lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) running: Option<Dated>,
    pub(super) in_progress: Option<u32>,
    pub(super) failed: Option<Dated>,
    /// Whether the last thing to end was a failure, so that nobody knows what is there.
    pub(super) uncertain: bool,
}

/// The last end of a lane, enough to go on from as long as facts arrive in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    pub(super) running: Option<Dated>,
    pub(super) open: BTreeSet<u32>,
    pub(super) failed: Option<Dated>,
    pub(super) uncertain: bool,
}

impl Tail {
    pub(super) fn standing(&self) -> Standing {
        Standing {
            running: self.running,
            in_progress: self.open.last().copied(),
            failed: self.failed,
            uncertain: self.uncertain,
        }
    }

    /// Goes on by a fact that comes after all others; false if only the whole history can tell.
    pub(super) fn step(&mut self, fact: &Fact) -> bool {
        let Fact { at, kind, number, .. } = *fact;
        match (kind, number) {
            (Kind::Requested, Some(number)) => {
                self.open.insert(number);
            }
            // An outcome of what has ended already repeats or contradicts an earlier one.
            (Kind::Succeeded | Kind::Failed | Kind::Dropped, Some(number))
                if !self.open.remove(&number) =>
            {
                return false;
            }
            (Kind::Succeeded, Some(number)) => {
                self.running = Some((number, at));
                self.uncertain = false;
            }
            (Kind::Failed, Some(number)) => {
                self.failed = Some((number, at));
                self.uncertain = true;
            }
            (Kind::Dropped, Some(_)) => {}
            (Kind::Removed, _) => {
                self.running = None;
                self.uncertain = false;
            }
            (Kind::Voided, _)
            | (Kind::Requested | Kind::Succeeded | Kind::Failed | Kind::Dropped, None) => {
                return false;
            }
        }
        true
    }
}

/// Folds a lane's whole history, facts in their places' order: what it was after each.
pub(super) fn fold(facts: &[Fact]) -> (Vec<Standing>, Tail) {
    let voided = facts.iter().filter(|fact| fact.kind == Kind::Voided).filter_map(|one| one.number);
    let mut history = History { voided: voided.collect(), ..History::default() };
    let standings =
        facts.iter().enumerate().map(|(order, fact)| history.step(order, fact)).collect();
    (standings, history.into_tail())
}

/// What is known of a lane on the way through its facts. Each step takes about the same time, however
/// many deployments there are and however many of them never ended.
#[derive(Default)]
struct History {
    voided: HashSet<u32>,
    outcomes: HashMap<u32, Kind>,
    open: BTreeSet<u32>,
    /// What took effect, by its order: a deployment, or nothing after a removal.
    effects: BTreeMap<usize, Option<Dated>>,
    failures: BTreeMap<usize, Dated>,
    /// The order of the outcome that a deployment's effect or failure stands at.
    ended: HashMap<u32, usize>,
}

impl History {
    fn step(&mut self, order: usize, fact: &Fact) -> Standing {
        match fact.number {
            None if fact.kind == Kind::Removed => {
                self.effects.insert(order, None);
            }
            Some(number) if !self.voided.contains(&number) => self.happen(order, number, fact),
            Some(_) | None => {}
        }
        self.standing()
    }

    fn happen(&mut self, order: usize, number: u32, fact: &Fact) {
        match fact.kind {
            Kind::Requested if self.outcomes.contains_key(&number) => {}
            Kind::Requested => {
                self.open.insert(number);
            }
            Kind::Succeeded | Kind::Failed | Kind::Dropped => {
                if self.outcomes.insert(number, fact.kind) == Some(fact.kind) {
                    return;
                }
                self.open.remove(&number);
                if let Some(before) = self.ended.insert(number, order) {
                    self.effects.remove(&before);
                    self.failures.remove(&before);
                }
                match fact.kind {
                    Kind::Succeeded => {
                        self.effects.insert(order, Some((number, fact.at)));
                    }
                    Kind::Failed => {
                        self.failures.insert(order, (number, fact.at));
                    }
                    Kind::Requested | Kind::Dropped | Kind::Removed | Kind::Voided => {}
                }
            }
            Kind::Removed | Kind::Voided => {}
        }
    }

    fn standing(&self) -> Standing {
        let (effect, failure) = (self.effects.last_key_value(), self.failures.last_key_value());
        Standing {
            running: effect.and_then(|(_, effect)| *effect),
            in_progress: self.open.last().copied(),
            failed: failure.map(|(_, failed)| *failed),
            uncertain: failure.map(|(order, _)| order) > effect.map(|(order, _)| order),
        }
    }

    fn into_tail(self) -> Tail {
        let Standing { running, in_progress: _, failed, uncertain } = self.standing();
        Tail { running, open: self.open, failed, uncertain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(told: &[(i64, Kind, u32)]) -> Vec<Fact> {
        let fact = |(index, &(at, kind, number)): (usize, &(i64, Kind, u32))| Fact {
            at,
            position: index as u64,
            kind,
            number: (number > 0).then_some(number),
            version: index as u64,
        };
        told.iter().enumerate().map(fact).collect()
    }

    #[test]
    fn going_on_from_the_tail_is_the_same_as_folding_it_all() {
        use Kind::{Dropped, Failed, Removed, Requested, Succeeded};
        let told = facts(&[
            (1, Requested, 1),
            (2, Succeeded, 1),
            (3, Requested, 2),
            (3, Requested, 3),
            (4, Failed, 2),
            (5, Dropped, 3),
            (6, Removed, 0),
            (7, Requested, 4),
            (9, Succeeded, 4),
        ]);
        let (standings, _) = fold(&told);
        let mut tail = Tail::default();
        for (fact, standing) in told.iter().zip(standings) {
            assert!(tail.step(fact));
            assert_eq!(tail.standing(), standing, "after {fact:?}");
        }
    }

    #[test]
    fn a_success_that_turns_out_a_failure_gives_way_to_the_one_before() {
        use Kind::{Failed, Requested, Succeeded};
        let told = facts(&[
            (1, Requested, 1),
            (2, Succeeded, 1),
            (3, Requested, 2),
            (4, Succeeded, 2),
            (5, Failed, 2),
        ]);
        let (standings, tail) = fold(&told);
        assert_eq!(standings[3].running, Some((2, 4)));
        assert_eq!(tail.running, Some((1, 2)));
        assert!(tail.uncertain);
    }

    #[test]
    fn what_was_voided_never_was() {
        use Kind::{Requested, Succeeded, Voided};
        let told = facts(&[(1, Requested, 1), (2, Succeeded, 1), (9, Voided, 1)]);
        let (standings, _) = fold(&told);
        assert_eq!(standings[1].running, None);
    }
}
