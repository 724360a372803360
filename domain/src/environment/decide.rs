//! What is asked of an environment, judged, and what follows.

use jiff::Timestamp;

use super::{Declared, Event, Freezes, Frozen, Retired, Rules, Unfrozen};
use crate::decider::Coded;

/// What can be asked of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To be deployed to under these rules.
    Declare {
        /// When.
        at: Timestamp,
        /// Which rules.
        rules: Rules,
    },
    /// To hold still.
    Freeze {
        /// From when on.
        at: Timestamp,
        /// Why.
        reason: String,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// To move again.
    Unfreeze {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Option<String>,
    },
    /// To be no more.
    Retire {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Option<String>,
    },
}

/// An environment as its events left it.
#[derive(Debug, Default)]
pub struct State {
    /// The rules declared last.
    pub rules: Option<Rules>,
    /// When it holds still.
    pub freezes: Freezes,
    /// Whether it is no more.
    pub retired: bool,
}

/// Why an environment turns a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A freeze cannot end before it begins.
    #[error("the freeze would end at `{until}`, before it begins at `{at}`")]
    EndsBeforeStart {
        /// When it would begin.
        at: Timestamp,
        /// When it would end.
        until: Timestamp,
    },
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::EndsBeforeStart { .. } => "ends-before-start",
        }
    }
}

pub(super) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    Ok(match command {
        Command::Declare { at, rules } => {
            if state.rules == Some(rules) && !state.retired {
                return Ok(Vec::new());
            }
            let Rules { tier, approvals, self_approval, one_at_a_time } = rules;
            vec![Event::Declared(Declared { at, tier, approvals, self_approval, one_at_a_time })]
        }
        Command::Freeze { at, until: Some(until), .. } if until <= at => {
            return Err(Refusal::EndsBeforeStart { at, until });
        }
        Command::Freeze { at, reason, until } if state.freezes.has(at, &reason, until) => {
            Vec::new()
        }
        Command::Freeze { at, reason, until } => {
            vec![Event::Frozen(Frozen { at, reason, until })]
        }
        Command::Unfreeze { at, reason } => match state.freezes.at(at) {
            Some(_) => vec![Event::Unfrozen(Unfrozen { at, reason })],
            None => Vec::new(),
        },
        Command::Retire { .. } if state.retired => Vec::new(),
        Command::Retire { at, reason } => vec![Event::Retired(Retired { at, reason })],
    })
}

pub(super) fn evolve(mut state: State, event: &Event) -> State {
    match event {
        Event::Declared(Declared { tier, approvals, self_approval, one_at_a_time, .. }) => {
            state.rules = Some(Rules {
                tier: *tier,
                approvals: *approvals,
                self_approval: *self_approval,
                one_at_a_time: *one_at_a_time,
            });
            state.retired = false;
        }
        Event::Frozen(frozen) => state.freezes.add(frozen.clone()),
        Event::Unfrozen(Unfrozen { at, .. }) => state.freezes.lift(*at),
        Event::Retired(_) => state.retired = true,
    }
    state
}
