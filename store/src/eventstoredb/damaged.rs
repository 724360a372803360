//! Streams that somebody has had a hand in: nothing is appended to them, and nobody reads them as whole.
//!
//! The log's own subscription tells of such a hand as it is done. Until the stream is whole again it is
//! looked at once a second at most, however many ask.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use shiplog_domain::stream::StreamName;

use super::reads::Reads;
use crate::log::{LogFault, Unreadable};

/// For how long a stream that was looked at counts as damaged without another look.
const INTERVAL: Duration = Duration::from_secs(1);

/// The streams that are known to be damaged.
#[derive(Default)]
pub(super) struct DamagedStreams(Mutex<HashMap<StreamName, Known>>);

/// What is known of one of them.
#[derive(Clone)]
struct Known {
    fault: LogFault,
    /// When it was looked at last; `None` if the hand was only heard of.
    looked: Option<Instant>,
}

impl DamagedStreams {
    /// Takes in that somebody has had a hand in a stream.
    pub(super) fn hear(&self, unreadable: Unreadable) {
        let Some(stream) = unreadable.stream.clone() else { return };
        tracing::error!("a stream was changed past Shiplog: {unreadable}");
        let known = Known { fault: LogFault::Unreadable(unreadable), looked: None };
        self.streams().insert(stream, known);
    }

    /// Checks that a stream is whole, as far as is known.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or why that cannot be told.
    pub(super) async fn check(&self, reads: &Reads, stream: &StreamName) -> Result<(), LogFault> {
        let known = self.streams().get(stream).cloned();
        let Some(Known { fault, looked }) = known else { return Ok(()) };
        if looked.is_some_and(|looked| looked.elapsed() < INTERVAL) {
            return Err(fault);
        }
        let examined = reads.examine(stream).await;
        match &examined {
            Ok(()) => {
                tracing::info!("`{stream}` is whole again");
                self.streams().remove(stream);
            }
            Err(fault @ (LogFault::Unreadable(_) | LogFault::StreamDamaged { .. })) => {
                let known = Known { fault: fault.clone(), looked: Some(Instant::now()) };
                self.streams().insert(stream.clone(), known);
            }
            // Nobody knows: it is looked at again next time.
            Err(
                LogFault::Unavailable { .. }
                | LogFault::OutcomeUnknown { .. }
                | LogFault::ClockJumped { .. }
                | LogFault::Corrupt { .. },
            ) => {}
        }
        examined
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
