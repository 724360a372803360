//! Sending appends: many at a time over one call to the leader, each with an answer of its own.
//!
//! A refusal is an answer like any other: it is of one append, and the others on the call go on. What
//! is not answered is in doubt, and settled by reading.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use eventstore::Error;
use futures::future;
use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    failure::Failure,
    line::Line,
    records::encode,
    session::{Answer, Sending, Session},
    supervisor::Supervisor,
    wire::{BatchReq, Expectation, Identifier, Options},
};
use crate::{
    clock::{self, Clock, whole_microseconds},
    log::{LogFault, NewEvent},
    position::ExpectedVersion,
};

/// gRPC's code of what can never be done.
const INVALID_ARGUMENT: i32 = 3;

/// gRPC's code of what this user may not do.
const PERMISSION_DENIED: i32 = 7;

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
    /// The server says that the stream is elsewhere, and nothing was written now.
    Moved,
    /// Nobody knows. If they are there, they were recorded at this time.
    Doubtful(Timestamp, Failure),
    /// It was not sent, or refused: nothing was written.
    Unsent(LogFault),
}

/// Sends appends to the leader.
pub(super) struct Batches {
    supervisor: Arc<Supervisor>,
    limit: Duration,
    current: tokio::sync::Mutex<Option<Arc<Call>>>,
    clock: Arc<dyn Clock>,
    /// When the last append was sent.
    stamped: Mutex<Timestamp>,
}

/// The call that appends go over, while it lasts.
struct Call {
    line: Arc<Line>,
    session: Session,
}

impl Batches {
    pub(super) fn new(supervisor: Arc<Supervisor>, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let (current, stamped) = (tokio::sync::Mutex::default(), Mutex::new(Timestamp::MIN));
        Self { supervisor, limit, current, clock, stamped }
    }

    /// Sends one append and waits for what the server says.
    ///
    /// The time of recording is not before that of what this node sent last, either.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Sent {
        let (call, stamp, mut sending) = loop {
            let call = match self.call().await {
                Ok(call) => call,
                Err(fault) => return Sent::Unsent(fault),
            };
            match self.queue(&call.session, outgoing) {
                Ok(Some((stamp, sending))) => break (call, stamp, sending),
                // It ended a moment ago.
                Ok(None) => {}
                Err(fault) => return Sent::Unsent(fault),
            }
        };
        let failure = match self.answer(&call, &mut sending).await {
            Answer::Recorded => return Sent::Acknowledged(stamp),
            Answer::Moved => return Sent::Moved,
            Answer::Failed(failure) => failure,
        };
        self.supervisor.report(&call.line, &failure).await;
        refused(&failure).map_or(Sent::Doubtful(stamp, failure), Sent::Unsent)
    }

    /// Sends appends in this order over one call, each of them once, and waits for what the server says of each.
    /// How many of them it acknowledged before the first that it did not.
    ///
    /// # Errors
    ///
    /// If nothing was sent.
    pub(super) async fn send_all(&self, appends: &[Outgoing<'_>]) -> Result<usize, LogFault> {
        let call = self.call().await?;
        let mut sent = Vec::with_capacity(appends.len());
        for append in appends {
            match self.queue(&call.session, *append) {
                Ok(Some((_, sending))) => sent.push(sending),
                Err(fault) if sent.is_empty() => return Err(fault),
                // The call is over, or the append cannot be sent: what comes after it is not sent either.
                Ok(None) | Err(_) => break,
            }
        }
        let answers = sent.iter_mut().map(|sending| self.answer(&call, sending));
        let answers = future::join_all(answers).await;
        let is_recorded = |answer: &&Answer| matches!(answer, Answer::Recorded);
        let recorded = answers.iter().take_while(is_recorded).count();
        if let Some(Answer::Failed(failure)) = answers.get(recorded) {
            self.supervisor.report(&call.line, failure).await;
        }
        Ok(recorded)
    }

    /// Waits for what the server says. Where that takes long, the line is asked half-way: should it be lost, there
    /// is time to send the append over another one.
    async fn answer(&self, call: &Call, sending: &mut Sending) -> Answer {
        let half = self.limit / 2;
        if let Ok(answer) = timeout(half, sending.answer()).await {
            return answer;
        }
        let late = Failure::Late(half);
        if self.supervisor.report(&call.line, &late).await {
            return Answer::Failed(late);
        }
        let answer = timeout(half, sending.answer()).await;
        answer.unwrap_or(Answer::Failed(Failure::Late(self.limit)))
    }

    /// Stamps the append and puts it into the queue under one lock, so that times rise along it; `None` if
    /// the call is over.
    fn queue(
        &self,
        session: &Session,
        Outgoing { stream, expected, events, floor, recorded_at }: Outgoing<'_>,
    ) -> Result<Option<(Timestamp, Sending)>, LogFault> {
        let mut stamped = self.stamped.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = if let Some(recorded_at) = recorded_at {
            recorded_at
        } else {
            let now = whole_microseconds(clock::believed(&*self.clock)?).max(*stamped);
            floor.map_or(now, |floor| floor.max(now))
        };
        let events = events.iter().map(|event| encode(event, stamp)).collect::<Result<_, _>>();
        let options = Options {
            stream: Some(Identifier::of(stream)),
            expected: Some(expectation(expected)),
            deadline: Some(self.limit.into()),
        };
        let append = BatchReq {
            correlation: None,
            options: Some(options),
            events: events.map_err(no_json)?,
            is_final: true,
        };
        let Some(sending) = session.send(append) else { return Ok(None) };
        *stamped = stamp.max(*stamped);
        Ok(Some((stamp, sending)))
    }

    /// The call to send over; another one if the last one is over, or its connection is not the one any more.
    async fn call(&self) -> Result<Arc<Call>, LogFault> {
        let mut current = self.current.lock().await;
        if let Some(call) = current.as_ref()
            && !call.session.is_over()
            && self.supervisor.is_current(&call.line)
        {
            return Ok(Arc::clone(call));
        }
        let (line, connection) = self.supervisor.connection().await?;
        let call = Arc::new(Call { line, session: Session::start(connection) });
        *current = Some(Arc::clone(&call));
        Ok(call)
    }
}

fn expectation(expected: ExpectedVersion) -> Expectation {
    match expected {
        ExpectedVersion::NoStream => Expectation::NoStream(()),
        ExpectedVersion::Exact(version) => Expectation::Version(version.0),
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
