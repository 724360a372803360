//! One reader for all read models of a server, which begins anew when one of them comes or goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shiplog_store::log::Log;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    mending::{self, Patient},
    read::{Fed, Feed, Hurry, Reading},
};
use crate::models::Progress;

/// A read model that takes what is read.
pub(crate) struct Taker {
    pub(super) name: &'static str,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) batches: mpsc::Sender<Fed>,
}

/// Feeds those that have joined.
pub(crate) struct Supply {
    log: Arc<dyn Log>,
    hurry: Hurry,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    takers: Vec<Taker>,
    /// `None` while nobody takes anything.
    reading: Option<Reading>,
    /// Tries damaged streams again, until it is dropped.
    mending: JoinSet<()>,
    is_stopped: bool,
}

impl Supply {
    pub(crate) fn new(log: &Arc<dyn Log>, hurry: &Hurry) -> Self {
        Self { log: Arc::clone(log), hurry: hurry.clone(), state: Mutex::default() }
    }

    /// Feeds these, too.
    ///
    /// Must be called within a tokio runtime.
    pub(crate) fn join(&self, takers: impl IntoIterator<Item = Taker>) {
        let mut state = self.state();
        if !state.is_stopped {
            state.takers.extend(takers);
            self.begin(&mut state);
        }
    }

    /// Feeds the one with this name no more.
    ///
    /// Must be called within a tokio runtime.
    pub(crate) fn leave(&self, name: &str) {
        let mut state = self.state();
        state.takers.retain(|taker| taker.name != name);
        self.begin(&mut state);
    }

    /// Feeds nobody any more, and nobody who would join.
    pub(crate) fn stop(&self) {
        *self.state() = State { is_stopped: true, ..State::default() };
    }

    /// Reads from the least of their places on. What they have been given before and not folded yet
    /// comes again, and is passed over there.
    fn begin(&self, state: &mut State) {
        state.takers.retain(|taker| !taker.batches.is_closed());
        let feed = |taker: &Taker| Feed {
            after: taker.progress.borrow().checkpoint,
            batches: taker.batches.clone(),
        };
        let feeds: Vec<_> = state.takers.iter().map(feed).collect();
        let has_takers = !feeds.is_empty() && !state.is_stopped;
        state.mending = JoinSet::new();
        if has_takers {
            let patient = |taker: &Taker| Patient {
                progress: taker.progress.clone(),
                batches: taker.batches.clone(),
            };
            let patients = state.takers.iter().map(patient).collect();
            state.mending.spawn(mending::mend(Arc::clone(&self.log), patients));
        }
        state.reading = has_takers.then(|| Reading::start(&self.log, feeds, &self.hurry));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
