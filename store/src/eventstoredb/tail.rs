//! The end of the log as it grows: every event of ours, by whichever node, a moment after it is
//! recorded.
//!
//! A subscription that goes on takes no call for each event. So one subscription of the log's own
//! tells what its appends came to, what others have appended to streams that
//! are known, and where the log ends. Whoever finds it away reads instead.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::StreamExt as _;
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};
use tokio::{sync::oneshot, task::AbortHandle};

use super::{
    damaged::DamagedStreams,
    follow::Followed,
    known::Known,
    standing::{Standing, Standings},
};
use crate::{
    cache::Cache,
    log::{LogFault, Recorded},
    position::StreamVersion,
};

/// Follows the log from where it ended when it was started.
pub(super) struct Tail {
    shared: Arc<Shared>,
    standings: Arc<Standings>,
    task: AbortHandle,
}

struct Shared {
    known: Arc<Cache<Known>>,
    damaged: DamagedStreams,
    awaited: Mutex<HashMap<Place, oneshot::Sender<Recorded<EncodedEvent>>>>,
}

/// One place in one stream.
type Place = (StreamName, StreamVersion);

/// An event that is to come; who drops it waits no more.
pub(super) struct Awaited {
    shared: Arc<Shared>,
    place: Place,
    event: oneshot::Receiver<Recorded<EncodedEvent>>,
}

impl Tail {
    /// Follows `events`, of whose standing `standings` tells, and lets `known` know of them.
    pub(super) fn start(
        events: Followed,
        standings: Arc<Standings>,
        known: Arc<Cache<Known>>,
    ) -> Self {
        let (damaged, awaited) = (DamagedStreams::default(), Mutex::default());
        let shared = Arc::new(Shared { known, damaged, awaited });
        let task = tokio::spawn(Arc::clone(&shared).run(events)).abort_handle();
        Self { shared, standings, task }
    }

    /// Streams that were changed past Shiplog while it followed them.
    pub(super) fn damaged(&self) -> &DamagedStreams {
        &self.shared.damaged
    }

    /// Whether it gets events as they are recorded.
    pub(super) fn is_live(&self) -> bool {
        let states = self.standings.all();
        states.iter().any(|state| state.standing == Standing::Live)
    }

    /// Listens for the event at a place, from now on.
    pub(super) fn await_at(&self, stream: &StreamName, version: StreamVersion) -> Awaited {
        let (sender, event) = oneshot::channel();
        let place = (stream.clone(), version);
        self.shared.awaited().insert(place.clone(), sender);
        Awaited { shared: Arc::clone(&self.shared), place, event }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn run(self: Arc<Self>, mut events: Followed) {
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.tell(event),
                Err(LogFault::Unreadable(unreadable)) => self.damaged.hear(unreadable),
                Err(fault) => {
                    // Who reads the log meets the same event, and says so to who asked.
                    tracing::error!(%fault, "the log is read no more as it grows: {fault}");
                    return;
                }
            }
        }
    }

    fn tell(&self, event: Recorded<EncodedEvent>) {
        if let Some(entry) = self.known.get(&event.stream)
            && let Ok(mut known) = entry.try_lock()
        {
            known.read(&event);
        }
        let place = (event.stream.clone(), event.version);
        let sender = self.awaited().remove(&place);
        if let Some(sender) = sender {
            // It may be too late.
            let _ = sender.send(event);
        }
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<Place, oneshot::Sender<Recorded<EncodedEvent>>>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaited {
    /// The event; `None` if the tail has come to its end.
    pub(super) async fn event(&mut self) -> Option<Recorded<EncodedEvent>> {
        (&mut self.event).await.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.shared.awaited().remove(&self.place);
    }
}
