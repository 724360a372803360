//! Appending: what is judged here, what the cluster judges, and what is settled by reading.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};
use tokio::time::timeout;

use super::{
    batches::{Batches, Outgoing, Sent},
    known::Known,
    reads::{Page, Reads},
    tail::{Awaited, Tail},
};
use crate::{
    cache::Cache,
    log::{AppendError, Appended, Cause, LogFault, NewEvent, Recorded, check},
    position::{ExpectedVersion, StreamVersion},
};

/// How long the tail may take to come to what was acknowledged.
const TAIL: Duration = Duration::from_secs(1);

/// How long to wait before an append is sent again.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest wait between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Takes appends.
pub(super) struct Appends {
    reads: Arc<Reads>,
    batches: Batches,
    known: Arc<Cache<Known>>,
    tail: Arc<Tail>,
    limit: Duration,
}

/// One append.
pub(super) struct Append {
    pub(super) stream: StreamName,
    pub(super) expected: ExpectedVersion,
    pub(super) events: Vec<NewEvent>,
    /// When another log recorded them; the clock says it where none did.
    pub(super) recorded_at: Option<Timestamp>,
}

impl Appends {
    pub(super) fn new(
        reads: Arc<Reads>,
        batches: Batches,
        known: Arc<Cache<Known>>,
        tail: Arc<Tail>,
        limit: Duration,
    ) -> Self {
        Self { reads, batches, known, tail, limit }
    }

    /// Appends, and does not give up before it is known what became of it, or time is up.
    pub(super) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let Append { stream, events, .. } = &append;
        check(stream, events)?;
        let entry = self.known.entry(stream);
        // One after the other: two that expect the same version cannot both have their way.
        let mut known = entry.lock().await;
        self.tail.damaged().check(&self.reads, stream).await?;
        let settled = self.judge(&append, &mut known).await;
        self.known.weigh(stream, known.weight());
        settled
    }

    /// Takes in what was read of a stream, if nobody is at it.
    pub(super) fn learn(&self, stream: &StreamName, page: &Page) {
        let entry = self.known.entry(stream);
        let Ok(mut known) = entry.try_lock() else { return };
        for event in page.events.iter().flatten() {
            known.read(event);
        }
        self.known.weigh(stream, known.weight());
    }

    /// Judges what can be judged without the cluster, and sends the rest.
    async fn judge(&self, append: &Append, known: &mut Known) -> Result<Appended, AppendError> {
        let Append { stream, expected, events, .. } = append;
        if !expected.is_met_by(known.version) {
            self.catch_up(stream, known).await?;
        }
        if let Some(last) = known.find(events)? {
            let event = self.event(stream, last).await?;
            // Somebody may have put back a backup, and others have written since.
            let event = event.filter(|event| events.last().is_some_and(|last| last.id == event.id));
            return event.as_ref().map(place).ok_or_else(|| gone(stream, last).into());
        }
        if !expected.is_met_by(known.version) {
            return Err(conflict(append, known));
        }
        self.send(append, known).await
    }

    /// Sends it until it is known what became of it.
    ///
    /// With the same version expected each time, it is recorded once or not at all, however
    /// often it is sent. It is in vain for good once the stream has moved on without it.
    async fn send(&self, append: &Append, known: &mut Known) -> Result<Appended, AppendError> {
        let Append { stream, expected, events, recorded_at } = append;
        let name = self.physical(stream)?;
        let until = Instant::now() + self.limit;
        let (mut stamps, mut doubt, mut pause) = (Vec::new(), None::<Cause>, FIRST_PAUSE);
        loop {
            let due = StreamVersion(known.next() + events.len() as u64 - 1);
            let awaited = self.tail.is_live().then(|| self.tail.await_at(stream, due));
            let floor = known.recorded_at;
            let (expected, recorded_at) = (*expected, *recorded_at);
            let sent = Outgoing { stream: &name, expected, events, floor, recorded_at };
            let sent = self.batches.send(sent).await;
            let sent = match sent {
                Sent::Acknowledged(stamp) => {
                    stamps.push(stamp);
                    self.confirm(append, known, &stamps, awaited).await
                }
                Sent::Doubtful(stamp, failure) => {
                    stamps.push(stamp);
                    doubt = Some(Arc::new(failure));
                    self.look(append, known, &stamps).await
                }
                Sent::Moved => self.look(append, known, &stamps).await,
                Sent::Unsent(fault) if doubt.is_none() => return Err(fault.into()),
                Sent::Unsent(fault) => Err(fault),
            };
            match sent {
                Ok(Some(answer)) => return answer,
                Ok(None) => {}
                Err(
                    damage @ (LogFault::Corrupt { .. }
                    | LogFault::Unreadable(_)
                    | LogFault::StreamDamaged { .. }),
                ) => return Err(damage.into()),
                Err(fault) => doubt = doubt.or(Some(Arc::new(fault))),
            }
            if Instant::now() + pause >= until {
                let source = doubt.unwrap_or_else(|| Arc::new(TimeIsUp));
                return Err(LogFault::OutcomeUnknown { source }.into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Makes sure that what was acknowledged is this append, by its last event.
    ///
    /// The server acknowledges the same ids at the same place as well when another node wrote
    /// them, at the same time, for another request perhaps. Nothing but the event itself tells.
    async fn confirm(
        &self,
        append: &Append,
        known: &mut Known,
        stamps: &[Timestamp],
        awaited: Option<Awaited>,
    ) -> Result<Option<Result<Appended, AppendError>>, LogFault> {
        let Append { stream, events, .. } = append;
        let due = known.next() + events.len() as u64 - 1;
        let told = match awaited {
            Some(mut awaited) => timeout(TAIL, awaited.event()).await.ok().flatten(),
            None => None,
        };
        let event = match told {
            Some(event) => Some(event),
            None => self.event(stream, StreamVersion(due)).await?,
        };
        if let Some(event) = event.filter(|event| is_ours(event, events, stamps)) {
            known.appended(events, event.recorded_at);
            return Ok(Some(Ok(place(&event))));
        }
        self.look(append, known, stamps).await
    }

    /// Looks for the append in the stream; `None` if it can still come to pass.
    async fn look(
        &self,
        append: &Append,
        known: &mut Known,
        stamps: &[Timestamp],
    ) -> Result<Option<Result<Appended, AppendError>>, LogFault> {
        let Append { stream, expected, events, .. } = append;
        let before = known.version;
        self.catch_up(stream, known).await?;
        if let Some(last) = before.filter(|_| known.version == before)
            && self.event(stream, last).await?.is_none()
        {
            // The cluster has less than it had: somebody has put back a backup.
            *known = Known::default();
            self.catch_up(stream, known).await?;
        }
        // That another node recorded another request under this key is news, not reuse.
        let last = known.find(events).unwrap_or_default();
        if let Some(last) = last {
            let event = self.event(stream, last).await?;
            if let Some(event) = event.filter(|event| is_ours(event, events, stamps)) {
                return Ok(Some(Ok(place(&event))));
            }
        }
        let moved = !expected.is_met_by(known.version);
        Ok(moved.then(|| Err(conflict(append, known))))
    }

    /// Sends appends in this order, each once: see [`Batches::send_all`]. If all are acknowledged, the last event
    /// of them, at this place, has come back, and with it all before.
    pub(super) async fn send_in_order(
        &self,
        appends: &[Outgoing<'_>],
        (stream, version): (&StreamName, StreamVersion),
    ) -> Result<usize, LogFault> {
        let awaited = self.tail.is_live().then(|| self.tail.await_at(stream, version));
        let acknowledged = self.batches.send_all(appends).await?;
        if acknowledged == appends.len() {
            let told = match awaited {
                Some(mut awaited) => timeout(TAIL, awaited.event()).await.ok().flatten(),
                None => None,
            };
            if told.is_none() {
                self.event(stream, version).await?;
            }
        }
        Ok(acknowledged)
    }

    /// What the cluster calls a stream.
    pub(super) fn physical<'a>(
        &self,
        stream: &'a StreamName,
    ) -> Result<std::borrow::Cow<'a, str>, LogFault> {
        self.reads.scope.physical(stream).ok_or_else(|| homeless(stream))
    }

    /// Reads what is not known of the stream.
    async fn catch_up(&self, stream: &StreamName, known: &mut Known) -> Result<(), LogFault> {
        loop {
            let Page { events, last: _, more } = self.reads.rest(stream, known.next()).await?;
            for event in events {
                let event = event.map_err(LogFault::Unreadable)?;
                event.follows(known.next())?;
                known.read(&event);
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// The event at a place, if there is one.
    pub(super) async fn event(
        &self,
        stream: &StreamName,
        version: StreamVersion,
    ) -> Result<Option<Recorded<EncodedEvent>>, LogFault> {
        let page = self.reads.page(stream, version.0, 1).await?;
        page.events.into_iter().next().transpose().map_err(LogFault::Unreadable)
    }
}

/// Whether it is the last of the events as this node sent it.
fn is_ours(event: &Recorded<EncodedEvent>, events: &[NewEvent], stamps: &[Timestamp]) -> bool {
    events.last().is_some_and(|last| {
        event.id == last.id
            && event.metadata == *last.metadata
            && event.event == last.event
            && stamps.contains(&event.recorded_at)
    })
}

fn place(event: &Recorded<EncodedEvent>) -> Appended {
    let Recorded { position, version, recorded_at, .. } = *event;
    Appended { position, version, recorded_at }
}

fn conflict(append: &Append, known: &Known) -> AppendError {
    let Append { stream, expected, .. } = append;
    AppendError::Conflict { stream: stream.clone(), expected: *expected, actual: known.version }
}

/// What is said of an event that was there.
fn gone(stream: &StreamName, version: StreamVersion) -> LogFault {
    let place = format!("stream `{stream}`, version `{version}`");
    LogFault::Corrupt { place, problem: "an event that was recorded is not there".into() }
}

/// What is said of a stream that no reader of the log would find.
fn homeless(stream: &StreamName) -> LogFault {
    let reason = format!("it follows no streams such as `{stream}`").into();
    LogFault::Unavailable { reason, source: None }
}

/// The stream stayed where it was, and the append did not get there either.
#[derive(Debug, thiserror::Error)]
#[error("the cluster neither records it nor moves on")]
struct TimeIsUp;
