//! Whether the leader is still there while nothing is heard of it.
//!
//! A subscription to a node that has been cut off is as silent as one to a log that nobody writes
//! to, and its end would be taken for the log's until the connection's keep-alive fails. So who
//! is silent is asked for something small. Does that fail, the connection is given up, and from
//! then on it is asked where the log ends.

use std::{sync::Arc, time::Duration};

use tokio::task::AbortHandle;

use super::{identity, reads::Reads};

/// After how long a silence the leader is asked for a sign of life.
const SILENCE: Duration = Duration::from_secs(2);

/// Asks for as long as it is kept.
pub(super) struct Pulse(AbortHandle);

impl Pulse {
    /// Begins to listen.
    pub(super) fn start(reads: Arc<Reads>) -> Self {
        Self(tokio::spawn(listen(reads)).abort_handle())
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(reads: Arc<Reads>) {
    let mut heard = reads.seen();
    loop {
        tokio::time::sleep(SILENCE).await;
        let seen = reads.seen();
        if seen > heard {
            heard = seen;
            reads.works();
            continue;
        }
        // A failure is heard by whoever keeps the connection.
        if let Err(fault) = identity::read(&reads).await {
            tracing::debug!(%fault, "the leader gives no sign of life: {fault}");
        }
    }
}
