//! What is asked of a projection, judged, and what follows.

use jiff::Timestamp;

use super::{Defined, Dropped, Event, Language, Paused, Resumed};
use crate::decider::Coded;

/// What can be asked of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To be this from now on.
    Define {
        /// When.
        at: Timestamp,
        /// What it is written in.
        language: Language,
        /// The whole of it.
        source: String,
    },
    /// To fold nothing more for now.
    Pause {
        /// When.
        at: Timestamp,
    },
    /// To fold on.
    Resume {
        /// When.
        at: Timestamp,
    },
    /// To be no more.
    Drop {
        /// When.
        at: Timestamp,
    },
}

/// A projection as its events left it.
#[derive(Debug, Default)]
pub struct State {
    /// What it is; none before it was defined and after it was dropped.
    pub defined: Option<Defined>,
    /// Whether it folds nothing for now.
    pub paused: bool,
}

/// Why a projection turns a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody defined it, or it was dropped.
    #[error("there is no such projection: define it first")]
    Undefined,
    /// A query is answered when it is asked: there is nothing to pause.
    #[error("it is a query, which is answered when it is asked: there is nothing to pause")]
    Query,
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Undefined => "projection-undefined",
            Self::Query => "projection-is-a-query",
        }
    }
}

pub(super) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    let defined = state.defined.as_ref();
    Ok(match command {
        Command::Define { at, language, source } => match defined {
            Some(now) if now.language == language && now.source == source => Vec::new(),
            Some(_) | None => vec![Event::Defined(Defined { at, language, source })],
        },
        Command::Pause { at } => match defined.ok_or(Refusal::Undefined)?.language {
            Language::Sql => return Err(Refusal::Query),
            Language::Javascript if state.paused => Vec::new(),
            Language::Javascript => vec![Event::Paused(Paused { at })],
        },
        Command::Resume { at } => {
            defined.ok_or(Refusal::Undefined)?;
            if state.paused { vec![Event::Resumed(Resumed { at })] } else { Vec::new() }
        }
        Command::Drop { at } => match defined {
            Some(_) => vec![Event::Dropped(Dropped { at })],
            None => Vec::new(),
        },
    })
}

pub(super) fn evolve(state: State, event: &Event) -> State {
    match event {
        Event::Defined(defined) => State { defined: Some(defined.clone()), paused: false },
        Event::Paused(_) => State { paused: true, ..state },
        Event::Resumed(_) => State { paused: false, ..state },
        Event::Dropped(_) => State::default(),
    }
}
