//! Sending appends: many at a time over one call to the server.
//!
//! The crate sends a single append in pieces over a connection without `TCP_NODELAY`, which
//! takes 45 ms; one piece of a call that goes on and on takes none. But that call ends with the
//! first append that is refused, and then nobody knows what became of the others in flight. So
//! nothing is believed but what was acknowledged; the rest is in doubt, and settled by reading.

use std::{
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

/// An append on its way.
type Call<'a> = BoxFuture<'a, eventstore::Result<BatchWriteResult>>;

/// An append that is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    /// What the cluster calls the stream.
    pub(super) stream: &'a str,
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
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    clock: Arc<dyn Clock>,
    /// When the last append was sent.
    stamped: Mutex<Timestamp>,
}

/// One call, while it lasts.
struct Session {
    line: Arc<Line>,
    client: BatchAppendClient,
}

impl Batches {
    pub(super) fn new(supervisor: Arc<Supervisor>, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let (session, stamped) = (tokio::sync::Mutex::default(), Mutex::new(Timestamp::MIN));
        Self { supervisor, limit, session, clock, stamped }
    }

    /// Sends one append and waits for what the server says.
    ///
    /// The time of recording is not before that of what this node sent last, either.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Sent {
        let session = match self.session().await {
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
                self.close(&session).await;
                self.supervisor.report(&session.line, &failure);
                refused(&failure).map_or(Sent::Doubtful(now, failure), Sent::Unsent)
            }
        }
    }

    /// Stamps the append and puts it into the queue under one lock, so that times rise along it.
    fn queue<'a>(
        &self,
        session: &'a Session,
        Outgoing { stream, expected, events, floor, recorded_at }: Outgoing<'a>,
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
    async fn session(&self) -> Result<Arc<Session>, LogFault> {
        let mut held = self.session.lock().await;
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

    /// Sends nothing more through this one.
    async fn close(&self, session: &Arc<Session>) {
        let mut held = self.session.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            *held = None;
        }
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
