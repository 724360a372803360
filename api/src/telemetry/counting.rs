//! A log whose appends are counted, and of which is said when it cannot be written or read.

use std::{error::Error as _, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use metrics::Counter;
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    decorator::Decorator,
    log::{AppendError, Appended, Log, LogFault, NewEvent},
    outage::{Outage, Part},
    position::{ExpectedVersion, GlobalPosition},
};

use crate::acknowledged::Acknowledged;

/// A log whose appended events are counted, and noted as acknowledged.
pub(super) struct Counting {
    log: Arc<dyn Log>,
    appended: Counter,
    acknowledged: Acknowledged,
    writing: Part,
    reading: Part,
}

impl Counting {
    pub(super) fn new(log: Arc<dyn Log>, appended: Counter, acknowledged: Acknowledged) -> Self {
        let writing = Outage::new("events cannot be recorded", "events can be recorded again");
        let reading = Outage::new("the log cannot be read", "the log can be read again");
        let (writing, reading) = (writing.part(), reading.part());
        Self { log, appended, acknowledged, writing, reading }
    }
}

/// Notes what became of something; a fault that has words of its own elsewhere is passed over.
fn note(part: &Part, fault: Option<&LogFault>) {
    match fault {
        None => part.works(),
        Some(fault @ (LogFault::Unavailable { .. } | LogFault::OutcomeUnknown { .. })) => {
            part.fails(&in_words(fault));
        }
        Some(
            LogFault::ClockJumped { .. }
            | LogFault::Corrupt { .. }
            | LogFault::Unreadable(_)
            | LogFault::StreamDamaged { .. },
        ) => {}
    }
}

/// A fault and what says so: its words tell what lies beneath it.
fn in_words(fault: &LogFault) -> String {
    match fault.source() {
        Some(source) => format!("{fault}: {source}"),
        None => fault.to_string(),
    }
}

impl Decorator for Counting {
    fn inner(&self) -> &dyn Log {
        &*self.log
    }

    fn on_append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let count = events.len() as u64;
        let appended = self.log.append(stream, expected, events);
        appended
            .inspect(move |result| match result {
                Ok(appended) => {
                    self.appended.increment(count);
                    self.acknowledged.note(appended.position);
                    note(&self.writing, None);
                }
                Err(AppendError::Fault(fault)) => note(&self.writing, Some(fault)),
                Err(
                    AppendError::Conflict { .. }
                    | AppendError::Size { .. }
                    | AppendError::IdReused { .. },
                ) => {}
            })
            .boxed()
    }

    fn on_head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        self.log.head().inspect(|head| note(&self.reading, head.as_ref().err())).boxed()
    }
}
