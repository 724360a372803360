//! Copying another log here: several appends are under way at once, and the order of all events is kept.
//!
//! They go over one call, which the leader takes them from in their order. Should one of them not be
//! acknowledged, nothing more is sent before it is read what is there. That is a beginning of what was sent,
//! and the rest is appended one after the other. Anything else is an order that cannot be mended.

use futures::{FutureExt as _, future::BoxFuture};
use shiplog_domain::stream::StreamName;

use super::{
    EventStoreDbLog,
    append::{Append, Appends},
    batches::Outgoing,
};
use crate::{
    log::{AppendError, Appended, LogFault, NewEvent, check},
    position::{ExpectedVersion, StreamVersion},
    replica::{Copied, CopyError, Original, Replica},
};

impl Replica for EventStoreDbLog {
    fn replicate<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
        Original { recorded_at, may_go_back: _ }: Original,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let stream = stream.clone();
        self.settle(Append { stream, expected, events, recorded_at: Some(recorded_at) }).boxed()
    }

    fn replicate_all(&self, copies: Vec<Copied>) -> BoxFuture<'_, Result<(), CopyError>> {
        self.appends.copy(copies).boxed()
    }
}

impl Appends {
    /// Appends what another log recorded, in this order.
    pub(super) async fn copy(&self, copies: Vec<Copied>) -> Result<(), CopyError> {
        let acknowledged = self.send_copies(&copies).await?;
        let doubtful = copies.get(acknowledged..).unwrap_or_default();
        let there = self.count_there(doubtful).await?;
        let missing = copies.into_iter().skip(acknowledged + there);
        for copied in missing {
            let what = copied.name();
            let Copied { stream, expected, events, original } = copied;
            let recorded_at = Some(original.recorded_at);
            let append = Append { stream, expected, events, recorded_at };
            self.append(append).await.map_err(|error| CopyError { what, error })?;
        }
        Ok(())
    }

    /// Sends them, each once; says how many were acknowledged before the first that was not.
    async fn send_copies(&self, copies: &[Copied]) -> Result<usize, CopyError> {
        let outgoing = copies.iter().map(|copied| {
            let Copied { stream, expected, events, original } = copied;
            check(stream, events)?;
            let name = self.physical(stream)?;
            Ok((name, *expected, events.as_slice(), original.recorded_at))
        });
        let mut names = Vec::with_capacity(copies.len());
        for (copied, outgoing) in copies.iter().zip(outgoing) {
            let refused = |error| CopyError { what: copied.name(), error };
            names.push(outgoing.map_err(refused)?);
        }
        let outgoing: Vec<_> = names
            .iter()
            .map(|(stream, expected, events, recorded_at)| Outgoing {
                stream,
                expected: *expected,
                events,
                floor: None,
                recorded_at: Some(*recorded_at),
            })
            .collect();
        let Some(last) = copies.last() else { return Ok(0) };
        let place = (&last.stream, last_version(last));
        // Where nobody can tell, it is read what is there.
        Ok(self.send_in_order(&outgoing, place).await.unwrap_or(0))
    }

    /// How many of these are there, from the first on; it is an error if one is there behind one that is not.
    async fn count_there(&self, copies: &[Copied]) -> Result<usize, CopyError> {
        let (mut there, mut missing) = (0, None);
        for copied in copies {
            let failed = |error: LogFault| CopyError { what: copied.name(), error: error.into() };
            let is_there = self.is_there(copied).await.map_err(failed)?;
            match (&missing, is_there) {
                (None, true) => there += 1,
                (None, false) => missing = Some(copied.name()),
                (Some(_), false) => {}
                (Some(missing), true) => return Err(failed(out_of_order(&copied.stream, missing))),
            }
        }
        Ok(there)
    }

    /// Whether the stream has the last of these events in its place.
    async fn is_there(&self, copied: &Copied) -> Result<bool, LogFault> {
        let event = self.event(&copied.stream, last_version(copied)).await?;
        Ok(event.is_some_and(|event| copied.events.last().is_some_and(|last| last.id == event.id)))
    }
}

/// Where the last of these events comes to be.
fn last_version(copied: &Copied) -> StreamVersion {
    let next = match copied.expected {
        ExpectedVersion::NoStream => 0,
        ExpectedVersion::Exact(last) => last.0 + 1,
    };
    StreamVersion((next + copied.events.len() as u64).saturating_sub(1))
}

/// What is said of an order that nothing can mend: a log only grows.
fn out_of_order(stream: &StreamName, missing: &str) -> LogFault {
    let problem = format!("it was recorded before {missing}: copy into an empty cluster once more");
    LogFault::Corrupt { place: format!("stream `{stream}`"), problem }
}
