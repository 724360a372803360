//! Many appends on one stream of messages: each has an id, a deadline and an answer of its own.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt, future, stream};
use tokio::time;
use tonic::{Code, Request, Status, Streaming};
use uuid::Uuid;

use super::{
    append::{APPEND_BYTES, Malformed, parse, place, size_of, success},
    call::{Answers, many},
    routes::Visit,
    status::detailed,
};
use crate::{
    memory::{Expected, Incoming, Refused},
    wire::{
        shared::{
            BadRequest, Current, Expected as Claimed, MaximumAppendSizeExceeded, RpcStatus,
            StreamDeleted, StreamIdentifier, WireUuid, WrongExpectedVersion,
        },
        streams::write::{BatchOptions, BatchReq, BatchResp, BatchResult, Deadline, Seconds},
    },
};

/// How long the server tries, whatever the caller would allow.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// How many answers may wait for those before them.
const UNANSWERED: usize = 8192;

/// An append that has not been sent in full.
#[derive(Debug)]
struct Pending {
    correlation: Option<WireUuid>,
    stream: String,
    expected: Expected,
    events: Vec<Incoming>,
    bytes: usize,
    deadline: Instant,
}

/// One stream of appends.
#[derive(Debug)]
struct Batch {
    visit: Visit,
    requires_leader: bool,
    messages: Streaming<BatchReq>,
    pending: HashMap<Uuid, Pending>,
    /// Whether the caller sends no more.
    closing: Arc<AtomicBool>,
}

/// Appends what the caller streams, and answers in the same order.
pub(crate) fn batch(visit: &Visit, call: Request<Streaming<BatchReq>>) -> Answers<BatchResp> {
    let requires_leader = visit.requires_leader(call.metadata());
    let (visit, answering) = (visit.clone(), visit.clone());
    let (messages, closing) = (call.into_inner(), Arc::<AtomicBool>::default());
    let pending = HashMap::new();
    let batch = Batch { visit, requires_leader, messages, pending, closing: Arc::clone(&closing) };
    let answers = stream::unfold(batch, async |mut batch| Some((batch.next().await, batch)));
    let answers = answers.map(move |answer| say(answering.clone(), answer));
    let answers = answers.buffered(UNANSWERED).filter_map(future::ready);
    many(until_closed(answers, closing))
}

/// An answer, unless it is withheld.
async fn say(visit: Visit, answer: Result<BatchResp, Status>) -> Option<Result<BatchResp, Status>> {
    let answer = match answer {
        Ok(_) if visit.faults().withholds() => return None,
        Ok(answer) => answer,
        Err(status) => return Some(Err(status)),
    };
    if visit.before_answer().await.is_err() {
        return Some(Ok(BatchResp { result: Some(BatchResult::Error(timeout())), ..answer }));
    }
    Some(Ok(answer))
}

/// Ends where a real server does: it looks whether the caller sends no more when it has sent an answer,
/// and at no other time. A call that is closed while no answer is due stays open until the caller resets it.
fn until_closed(
    answers: impl Stream<Item = Result<BatchResp, Status>> + Send + 'static,
    closing: Arc<AtomicBool>,
) -> impl Stream<Item = Result<BatchResp, Status>> + Send + 'static {
    let state = (Box::pin(answers), closing, false);
    stream::unfold(state, async |(mut answers, closing, ended)| {
        if ended {
            return None;
        }
        let answer = answers.next().await?;
        let ended = answer.is_err() || closing.load(Relaxed);
        Some((answer, (answers, closing, ended)))
    })
}

impl Batch {
    /// The next answer.
    async fn next(&mut self) -> Result<BatchResp, Status> {
        loop {
            let overdue = self.pending.iter().min_by_key(|(_, pending)| pending.deadline);
            let overdue = overdue.map(|(id, pending)| (*id, pending.deadline));
            let passed = async {
                match overdue {
                    None => future::pending().await,
                    Some((id, deadline)) => {
                        time::sleep_until(deadline.into()).await;
                        id
                    }
                }
            };
            let message = tokio::select! {
                message = self.messages.message(), if !self.closing.load(Relaxed) => message?,
                id = passed => match self.pending.remove(&id) {
                    Some(pending) => return Ok(pending.error(timeout())),
                    None => continue,
                },
            };
            match message {
                Some(message) => {
                    if let Some(answer) = self.take(message)? {
                        return Ok(answer);
                    }
                }
                None => self.closing.store(true, Relaxed),
            }
        }
    }

    /// Takes one message; there is an answer once an append is complete, or wrong.
    fn take(&mut self, message: BatchReq) -> Result<Option<BatchResp>, Status> {
        let BatchReq { correlation, options, messages, is_final } = message;
        let Some(id) = WireUuid::parse(correlation.as_ref()) else {
            return Err(Status::invalid_argument("a batch without a correlation id"));
        };
        if let Some(options) = options {
            let stream = options.stream.clone();
            match Pending::new(correlation.clone(), options) {
                Ok(pending) => _ = self.pending.entry(id).or_insert(pending),
                Err(error) => return Ok(Some(answer(correlation, stream, error))),
            }
        }
        let Some(pending) = self.pending.get_mut(&id) else { return Ok(None) };
        for proposed in messages {
            match parse(proposed) {
                Ok(event) => {
                    pending.bytes += size_of(&event);
                    pending.events.push(event);
                }
                Err(malformed) => {
                    let error = bad_request(malformed);
                    return Ok(self.pending.remove(&id).map(|pending| pending.error(error)));
                }
            }
        }
        if pending.bytes > APPEND_BYTES {
            return Ok(self.pending.remove(&id).map(|pending| pending.error(too_large())));
        }
        if !is_final {
            return Ok(None);
        }
        let Some(pending) = self.pending.remove(&id) else { return Ok(None) };
        match self.visit.may_write(self.requires_leader) {
            Ok(()) => Ok(Some(pending.write(&self.visit))),
            Err(status) if status.code() == Code::Unavailable => {
                Ok(Some(pending.error(not_ready(&status))))
            }
            // Who leads is said in the trailers of the whole call.
            Err(status) => Err(status),
        }
    }
}

impl Pending {
    fn new(correlation: Option<WireUuid>, options: BatchOptions) -> Result<Self, RpcStatus> {
        let left = options.deadline.map_or(WRITE_TIMEOUT, left).min(WRITE_TIMEOUT);
        if left.is_zero() {
            return Err(timeout());
        }
        let (stream, expected) = place(options.stream, options.expected)
            .map_err(|status| detailed_bad_request(status.message()))?;
        let deadline = Instant::now() + left;
        Ok(Self { correlation, stream, expected, events: Vec::new(), bytes: 0, deadline })
    }

    fn write(self, visit: &Visit) -> BatchResp {
        let Self { correlation, stream, expected, events, .. } = self;
        let result = match visit.append(&stream, expected, events) {
            Ok(appended) => BatchResult::Success(success(appended)),
            Err(Refused::WrongVersion(actual)) => BatchResult::Error(conflict(expected, actual)),
            Err(Refused::Deleted) => BatchResult::Error(deleted(&stream)),
        };
        let stream = Some(StreamIdentifier::new(&stream));
        BatchResp { correlation, result: Some(result), stream }
    }

    fn error(self, error: RpcStatus) -> BatchResp {
        answer(self.correlation, Some(StreamIdentifier::new(&self.stream)), error)
    }
}

fn answer(
    correlation: Option<WireUuid>,
    stream: Option<StreamIdentifier>,
    error: RpcStatus,
) -> BatchResp {
    BatchResp { correlation, result: Some(BatchResult::Error(error)), stream }
}

/// How long a caller still waits. A duration is taken as one, even if it is as long as the time
/// since 1970.
fn left(deadline: Deadline) -> Duration {
    let length = |Seconds { seconds, nanos }| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    };
    match deadline {
        Deadline::Within(within) => length(within),
        Deadline::At(at) => length(at).saturating_sub(crate::memory::since_1970()),
    }
}

fn conflict(expected: Expected, actual: Option<u64>) -> RpcStatus {
    let expected = match expected {
        Expected::Any => Claimed::Any(()),
        Expected::StreamExists => Claimed::StreamExists(()),
        Expected::NoStream => Claimed::NoStream(()),
        Expected::Revision(revision) => Claimed::Revision(revision),
    };
    let current = actual.map_or(Current::NoStream(()), Current::Revision);
    let detail = WrongExpectedVersion { current: Some(current), expected: Some(expected) };
    detailed(Code::AlreadyExists, "WrongExpectedVersion", "WrongExpectedVersion", &detail)
}

fn deleted(stream: &str) -> RpcStatus {
    let detail = StreamDeleted { stream: Some(StreamIdentifier::new(stream)) };
    detailed(Code::NotFound, "StreamDeleted", "StreamDeleted", &detail)
}

fn timeout() -> RpcStatus {
    detailed(Code::DeadlineExceeded, "Timeout", "Timeout", &())
}

/// A refusal without a code, as the server makes it.
fn not_ready(status: &Status) -> RpcStatus {
    RpcStatus { code: Code::Ok.into(), message: status.message().to_owned(), details: None }
}

fn too_large() -> RpcStatus {
    let bytes = u32::try_from(APPEND_BYTES).unwrap_or(u32::MAX);
    let (name, detail) = ("MaximumAppendSizeExceeded", MaximumAppendSizeExceeded { bytes });
    detailed(Code::InvalidArgument, name, name, &detail)
}

fn bad_request(malformed: Malformed) -> RpcStatus {
    match malformed {
        Malformed::Missing(property) => detailed_bad_request(&format!(
            "The given key '{property}' was not present in the dictionary."
        )),
        Malformed::Id => detailed_bad_request("Empty eventId provided. (Parameter 'eventId')"),
    }
}

fn detailed_bad_request(message: &str) -> RpcStatus {
    let detail = BadRequest { message: message.to_owned() };
    detailed(Code::InvalidArgument, "BadRequest", "BadRequest", &detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        shared::StreamIdentifier,
        streams::write::{Expectation, Seconds},
    };

    fn within(deadline: Option<Deadline>) -> Result<Duration, RpcStatus> {
        let options = BatchOptions {
            stream: Some(StreamIdentifier::new("lane-a")),
            expected: Some(Expectation::Any(())),
            deadline,
        };
        let pending = Pending::new(None, options)?;
        Ok(pending.deadline.saturating_duration_since(Instant::now()))
    }

    #[tokio::test]
    async fn a_call_that_is_closed_ends_after_the_next_answer() {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let answers =
            stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        let closing = Arc::<AtomicBool>::default();
        let mut answers = Box::pin(until_closed(answers, Arc::clone(&closing)));
        let send = || sender.send(Ok(BatchResp::default())).unwrap();

        send();
        assert!(answers.next().await.unwrap().is_ok());
        closing.store(true, Relaxed);
        assert!(futures::poll!(answers.next()).is_pending());
        send();
        send();
        assert!(answers.next().await.unwrap().is_ok());

        assert!(answers.next().await.is_none());
    }

    #[test]
    fn a_deadline_is_a_duration_or_an_instant() {
        let seconds = |seconds| Seconds { seconds, nanos: 0 };
        let soon = i64::try_from(crate::memory::since_1970().as_secs()).unwrap() + 1000;
        let long = Duration::from_millis(1900)..=WRITE_TIMEOUT;
        assert!(long.contains(&within(None).unwrap()));
        assert!(long.contains(&within(Some(Deadline::At(seconds(soon)))).unwrap()));
        // What a client means that sends an instant as a duration is not guessed.
        assert!(long.contains(&within(Some(Deadline::Within(seconds(soon)))).unwrap()));
        assert!(within(Some(Deadline::Within(seconds(1)))).unwrap() <= Duration::from_secs(1));
        for passed in [Deadline::Within(seconds(0)), Deadline::At(seconds(soon - 2000))] {
            let status = within(Some(passed)).unwrap_err();
            assert_eq!(status.code, i32::from(Code::DeadlineExceeded));
        }
    }
}
