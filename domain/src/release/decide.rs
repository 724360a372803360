//! What is asked of a release, judged, and what follows.

use jiff::Timestamp;

use super::{Blocked, Event, Manifest, Registered, Unblocked};
use crate::decider::Coded;

/// What can be asked of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To be made known.
    Register {
        /// When.
        at: Timestamp,
        /// What it is.
        release: Manifest,
    },
    /// Not to go further.
    Block {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// To go on.
    Unblock {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// A release as its events left it.
#[derive(Debug, Default)]
pub struct State {
    /// What it was registered as.
    pub registered: Option<Manifest>,
    /// Since when, and why, it must not go further.
    pub blocked: Option<Blocked>,
}

/// Why a release turns a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is registered with another content, and releases do not change.
    #[error("version `{version}` is registered with another content; releases are immutable")]
    Differs {
        /// Which one.
        version: String,
    },
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Differs { .. } => "release-differs",
        }
    }
}

pub(super) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    Ok(match command {
        Command::Register { at, release } => match &state.registered {
            None => vec![Event::Registered(Registered { at, release })],
            Some(known) if *known == release => Vec::new(),
            Some(_) => return Err(Refusal::Differs { version: release.version.to_string() }),
        },
        Command::Block { at, reason } => match &state.blocked {
            Some(blocked) if blocked.reason == reason => Vec::new(),
            Some(_) | None => vec![Event::Blocked(Blocked { at, reason })],
        },
        Command::Unblock { at, reason } => match &state.blocked {
            Some(_) => vec![Event::Unblocked(Unblocked { at, reason })],
            None => Vec::new(),
        },
    })
}

pub(super) fn evolve(mut state: State, event: &Event) -> State {
    match event {
        Event::Registered(Registered { release, .. }) => state.registered = Some(release.clone()),
        Event::Blocked(blocked) => state.blocked = Some(blocked.clone()),
        Event::Unblocked(_) => state.blocked = None,
    }
    state
}
