//! Whether the cluster still has the log that was known: somebody may put an older copy back.
//!
//! The nodes are stopped for that, so each new connection is asked for the last event that is known. That is
//! one read of `$all` at its position. Where it is not, the log has gone back, or another one is there.

use std::{sync::Arc, time::Duration};

use shiplog_domain::metadata::EventId;
use tokio::{sync::watch, task::AbortHandle, time::sleep};

use super::{line::Line, reads::Reads};
use crate::{log::LogFault, position::GlobalPosition};

/// How often it is looked whether there is another connection, or a newer event.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often, and how long apart, an event is looked for before it is believed to be gone: a leader may have
/// been chosen a moment ago.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);

/// Looks for as long as it is kept.
pub(super) struct Continuity {
    /// The event that is not there any more, once that is so.
    gone: watch::Sender<Option<GlobalPosition>>,
    task: AbortHandle,
}

impl Continuity {
    /// Begins to look.
    pub(super) fn start(reads: Arc<Reads>) -> Self {
        let gone = watch::Sender::new(None);
        let look = Look { reads, known: None, line: None };
        let task = tokio::spawn(look.run(gone.clone())).abort_handle();
        Self { gone, task }
    }

    /// Ends when an event that was known is gone; says which.
    pub(super) async fn broken(&self) -> GlobalPosition {
        let mut gone = self.gone.subscribe();
        loop {
            let now = *gone.borrow_and_update();
            if let Some(position) = now {
                return position;
            }
            // The sender is ours, so it is there.
            let _ = gone.changed().await;
        }
    }
}

impl Drop for Continuity {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Look {
    reads: Arc<Reads>,
    /// The last event that was looked at.
    known: Option<(GlobalPosition, EventId)>,
    /// The connection over which that was there.
    line: Option<Arc<Line>>,
}

impl Look {
    async fn run(mut self, gone: watch::Sender<Option<GlobalPosition>>) {
        let mut vain = 0;
        loop {
            sleep(if vain > 0 { PAUSE } else { INTERVAL }).await;
            match self.missing().await {
                Ok(None) => vain = 0,
                Ok(Some(_)) if vain + 1 < LOOKS => vain += 1,
                Ok(missing @ Some(_)) => {
                    gone.send_replace(missing);
                    return;
                }
                // Nobody can tell; whoever keeps the connection hears of it.
                Err(fault) => tracing::debug!(%fault, "cannot look for what is known: {fault}"),
            }
        }
    }

    /// The event that is known and not there, if there is one.
    async fn missing(&mut self) -> Result<Option<GlobalPosition>, LogFault> {
        let line = self.reads.line().await?;
        let is_same = self.line.as_ref().is_some_and(|known| Arc::ptr_eq(known, &line));
        if let Some((position, id)) = self.known.filter(|_| !is_same) {
            let found = self.reads.at(position).await?;
            if found.is_none_or(|event| event.id != id) {
                return Ok(Some(position));
            }
        }
        let newest = self.reads.seen().filter(|seen| self.known.is_none_or(|(it, _)| it < *seen));
        if let Some(position) = newest {
            let Some(event) = self.reads.at(position).await? else { return Ok(Some(position)) };
            self.known = Some((position, event.id));
        }
        self.line = Some(line);
        Ok(None)
    }
}
