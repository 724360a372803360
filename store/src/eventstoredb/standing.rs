//! How the subscriptions stand to the log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::position::GlobalPosition;

/// How a subscription stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It reads what was recorded before it began.
    CatchingUp,
    /// It has read everything, and gets what is new as it is recorded.
    Live,
    /// It has no connection, and resumes when there is one.
    Away,
}

/// A subscription, as it is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// The last event that it has passed on.
    pub after: Option<GlobalPosition>,
    /// How it stands to the log.
    pub standing: Standing,
}

/// All subscriptions of one log.
#[derive(Default)]
pub(super) struct Standings(Mutex<Listed>);

#[derive(Default)]
struct Listed {
    next: u64,
    states: BTreeMap<u64, SubscriptionState>,
}

/// One subscription's entry; gone when it is dropped.
pub(super) struct Told {
    standings: Arc<Standings>,
    number: u64,
}

impl Standings {
    /// Makes an entry for one more subscription.
    pub(super) fn enter(self: &Arc<Self>, after: Option<GlobalPosition>) -> Told {
        let mut listed = self.lock();
        let number = listed.next;
        listed.next += 1;
        listed.states.insert(number, SubscriptionState { after, standing: Standing::CatchingUp });
        Told { standings: Arc::clone(self), number }
    }

    /// What all of them say, the oldest first.
    pub(super) fn all(&self) -> Vec<SubscriptionState> {
        self.lock().states.values().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Notes how it stands to the log.
    pub(super) fn say(&self, standing: Standing) {
        if let Some(state) = self.standings.lock().states.get_mut(&self.number) {
            state.standing = standing;
        }
    }

    /// Notes the last event that was passed on.
    pub(super) fn at(&self, position: Option<GlobalPosition>) {
        if let Some(state) = self.standings.lock().states.get_mut(&self.number) {
            state.after = position;
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.standings.lock().states.remove(&self.number);
    }
}
