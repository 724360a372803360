//! Sending appends: many at a time over one call to the server.
//!
//! The crate sends a single append in pieces over a connection without `TCP_NODELAY`, which
//! takes 45 ms; one piece of a call that goes on and on takes none. But that call ends with the
//! first append that is refused, and then nobody knows what became of the others in flight. So
//! nothing is believed but what was acknowledged; the rest is in doubt, and settled by reading.
//! What is likely to be refused, since others write to its stream, is sent over calls of its own.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use eventstore::{
    BatchAppendClient, BatchAppendOptions, BatchWriteResult, Error, ExpectedRevision,
};
use futures::{
    FutureExt as _,
    future::{self, BoxFuture},
};
use jiff::Timestamp;

use super::{
    contained::within,
    failure::Failure,
    records::encode,
    supervisor::{Line, Supervisor},
};
use crate::{
    clock::{Clock, whole_microseconds},
    log::{LogFault, NewEvent},
    position::ExpectedVersion,
};

/// gRPC's code of what can never be done.
const INVALID_ARGUMENT: i32 = 3;

/// gRPC's code of what this user may not do.
const PERMISSION_DENIED: i32 = 7;

/// Over how many calls appends to contended streams are spread: those of one share its fate.
const CONTENDED: usize = 8;

/// An append on its way.
type Call<'a> = BoxFuture<'a, eventstore::Result<BatchWriteResult>>;

/// An append that is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    /// What the cluster calls the stream.
    pub(super) stream: &'a str,
    /// Whether others write to it, too, so that the append may well conflict.
    pub(super) contended: bool,
    pub(super) expected: ExpectedVersion,
    pub(super) events: &'a [NewEvent],
    /// The time of recording is not before this.
    pub(super) floor: Option<Timestamp>,
    /// When another log recorded them; then nothing else says when.
    pub(super) recorded_at: Option<Timestamp>,
}

/// What became of an append on its way.
pub(super) enum Sent {
    /// The server says that the stream has the events, recorded at this time if they are these.
    Acknowledged(Timestamp),
    /// Nobody knows. If they are there, they were recorded at this time.
    Doubtful(Timestamp, Failure),
    /// It was not sent, or refused: nothing was written.
    Unsent(LogFault),
}

/// Sends appends to the leader.
pub(super) struct Batches {
    supervisor: Arc<Supervisor>,
    limit: Duration,
    calm: Place,
    contended: [Place; CONTENDED],
    clock: Arc<dyn Clock>,
    /// When the last append was sent.
    stamped: Mutex<Timestamp>,
}

/// Where a call is kept, while it lasts.
type Place = tokio::sync::Mutex<Option<Arc<Session>>>;

/// One call, while it lasts.
struct Session {
    line: Arc<Line>,
    client: BatchAppendClient,
}

impl Batches {
    pub(super) fn new(supervisor: Arc<Supervisor>, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let (calm, contended) = (Place::default(), Default::default());
        Self { supervisor, limit, calm, contended, clock, stamped: Mutex::new(Timestamp::MIN) }
    }

    /// Sends one append and waits for what the server says.
    ///
    /// The time of recording is not before that of what this node sent last, either.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Sent {
        let place = self.place(&outgoing);
        let session = match self.session(place).await {
            Ok(session) => session,
            Err(fault) => return Sent::Unsent(fault),
        };
        let (now, call) = match self.queue(&session, outgoing) {
            Ok(queued) => queued,
            Err(error) => return Sent::Unsent(no_json(error)),
        };
        match within(self.limit, call).await {
            Ok(_) => Sent::Acknowledged(now),
            Err(failure) => {
                close(place, &session).await;
                self.supervisor.report(&session.line, &failure);
                refused(&failure).map_or(Sent::Doubtful(now, failure), Sent::Unsent)
            }
        }
    }

    /// Sends appends in this order over one call, each of them once, and waits for what the server says of each.
    /// How many of them it acknowledged before the first that it did not.
    ///
    /// # Errors
    ///
    /// If nothing was sent.
    pub(super) async fn send_all(&self, appends: &[Outgoing<'_>]) -> Result<usize, LogFault> {
        let place = &self.calm;
        let session = self.session(place).await?;
        let queued = appends.iter().map(|append| self.queue(&session, *append));
        let queued = queued.collect::<Result<Vec<_>, _>>().map_err(no_json)?;
        let calls = queued.into_iter().map(|(_, call)| within(self.limit, call));
        let answers = future::join_all(calls).await;
        if let Some(failure) = answers.iter().find_map(|answer| answer.as_ref().err()) {
            close(place, &session).await;
            self.supervisor.report(&session.line, failure);
        }
        Ok(answers.iter().take_while(|answer| answer.is_ok()).count())
    }

    /// Where the call is that the append goes over; that of a stream is always the same.
    fn place(&self, outgoing: &Outgoing<'_>) -> &Place {
        if !outgoing.contended {
            return &self.calm;
        }
        let mut hasher = DefaultHasher::new();
        outgoing.stream.hash(&mut hasher);
        let [first, others @ ..] = &self.contended;
        let nth = hasher.finish() % CONTENDED as u64;
        usize::try_from(nth).ok().and_then(|nth| others.get(nth)).unwrap_or(first)
    }

    /// Stamps the append and puts it into the queue under one lock, so that times rise along it.
    fn queue<'a>(
        &self,
        session: &'a Session,
        Outgoing { stream, contended: _, expected, events, floor, recorded_at }: Outgoing<'a>,
    ) -> Result<(Timestamp, Call<'a>), serde_json::Error> {
        let mut stamped = self.stamped.lock().unwrap_or_else(PoisonError::into_inner);
        let now = whole_microseconds(self.clock.now()).max(*stamped);
        let now = floor.map_or(now, |floor| floor.max(now));
        let now = recorded_at.unwrap_or(now);
        let data = events.iter().map(|event| encode(event, now)).collect::<Result<_, _>>()?;
        let mut call = session.client.append_to_stream(stream, revision(expected), data).boxed();
        // The first poll puts it there.
        let call = match call.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => future::ready(answer).boxed(),
            Poll::Pending => call,
        };
        *stamped = now.max(*stamped);
        Ok((now, call))
    }

    /// The call to send through; another one if the last one is over.
    async fn session(&self, place: &Place) -> Result<Arc<Session>, LogFault> {
        let mut held = place.lock().await;
        if let Some(session) = held.as_ref()
            && self.supervisor.is_current(&session.line)
        {
            return Ok(Arc::clone(session));
        }
        let line = self.supervisor.line().await?;
        let options = BatchAppendOptions::default().requires_leader(true);
        let client = within(self.limit, line.client.batch_append(&options)).await;
        let client = client.map_err(|failure| {
            self.supervisor.report(&line, &failure);
            failure.fault()
        })?;
        let session = Arc::new(Session { line, client });
        *held = Some(Arc::clone(&session));
        Ok(session)
    }
}

/// Sends nothing more through this one.
async fn close(place: &Place, session: &Arc<Session>) {
    let mut held = place.lock().await;
    if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
        *held = None;
    }
}

fn revision(expected: ExpectedVersion) -> ExpectedRevision {
    match expected {
        ExpectedVersion::NoStream => ExpectedRevision::NoStream,
        ExpectedVersion::Exact(version) => ExpectedRevision::Exact(version.0),
    }
}

/// What the server says before it writes anything, and would say again.
fn refused(failure: &Failure) -> Option<LogFault> {
    let Failure::Client(Error::Grpc { code, .. }) = failure else { return None };
    let reason = match i32::from(*code) {
        INVALID_ARGUMENT => "the servers do not take as much at once: raise their MaxAppendSize",
        PERMISSION_DENIED => "the cluster refuses the credentials",
        _ => return None,
    };
    Some(LogFault::Unavailable { reason: reason.into(), source: Some(Arc::new(failure.clone())) })
}

fn no_json(error: serde_json::Error) -> LogFault {
    let reason = "an event cannot be written as JSON".into();
    LogFault::Unavailable { reason, source: Some(Arc::new(error)) }
}

#[cfg(test)]
mod tests;
