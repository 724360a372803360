//! One call that takes appends, and the answers that are due.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use eventstore::Error;
use futures::stream;
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use uuid::Uuid;

use super::{
    connection::Connection,
    failure::Failure,
    wire::{BatchReq, BatchResp, Outcome},
};

/// gRPC's code of an append whose stream is elsewhere than expected.
const ALREADY_EXISTS: i32 = 6;

/// What the server says of one append.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The stream has the events.
    Recorded,
    /// The stream is elsewhere than expected.
    Moved,
    /// Something else is in the way.
    Failed(Failure),
}

/// A call that takes appends for as long as it is held.
#[derive(Debug)]
pub(super) struct Session {
    appends: mpsc::UnboundedSender<BatchReq>,
    due: Arc<Due>,
    /// Tells this session's appends from those of others.
    id: u64,
    next: AtomicU64,
    task: AbortHandle,
}

/// The answers that are due.
#[derive(Debug)]
struct Due(Mutex<State>);

#[derive(Debug)]
enum State {
    Open(HashMap<Uuid, oneshot::Sender<Answer>>),
    /// Nothing more comes, and why.
    Over,
}

/// An append on its way.
#[derive(Debug)]
pub(super) struct Sending {
    due: Arc<Due>,
    correlation: Uuid,
    answer: oneshot::Receiver<Answer>,
}

impl Session {
    /// Begins a call over a connection, which it holds.
    pub(super) fn start(connection: Arc<Connection>) -> Self {
        let (appends, queue) = mpsc::unbounded_channel();
        let due = Arc::new(Due(Mutex::new(State::Open(HashMap::new()))));
        let task = tokio::spawn(run(connection, queue, Arc::clone(&due))).abort_handle();
        Self { appends, due, id: draw(), next: AtomicU64::new(0), task }
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.due.lock(), State::Over)
    }

    /// Puts an append into the queue; `None` if the call is over.
    pub(super) fn send(&self, append: BatchReq) -> Option<Sending> {
        let correlation = Uuid::from_u64_pair(self.id, self.next.fetch_add(1, Relaxed));
        let append = BatchReq { correlation: Some(correlation.into()), ..append };
        let (sender, answer) = oneshot::channel();
        let State::Open(due) = &mut *self.due.lock() else { return None };
        due.insert(correlation, sender);
        // Who takes them is there until the state says otherwise.
        let _ = self.appends.send(append);
        Some(Sending { due: Arc::clone(&self.due), correlation, answer })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A call that is only ended stays open on the server's side until another answer is due.
        self.task.abort();
    }
}

impl Sending {
    /// What the server says.
    pub(super) async fn answer(&mut self) -> Answer {
        (&mut self.answer).await.unwrap_or(Answer::Failed(Failure::Ended))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let State::Open(due) = &mut *self.due.lock() {
            due.remove(&self.correlation);
        }
    }
}

impl Due {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, answer: BatchResp) {
        let BatchResp { correlation, outcome } = answer;
        let State::Open(due) = &mut *self.lock() else { return };
        let sender = correlation.and_then(|id| id.id()).and_then(|id| due.remove(&id));
        if let (Some(sender), Some(outcome)) = (sender, outcome) {
            // Nobody may be waiting any more.
            let _ = sender.send(outcome.into());
        }
    }

    /// Tells all that wait that nothing comes.
    fn close(&self, failure: &Failure) {
        let before = std::mem::replace(&mut *self.lock(), State::Over);
        let State::Open(due) = before else { return };
        for (_, sender) in due {
            let _ = sender.send(Answer::Failed(failure.clone()));
        }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Recorded(()) => Self::Recorded,
            Outcome::Refused(refusal) if refusal.code == ALREADY_EXISTS => Self::Moved,
            Outcome::Refused(refusal) => {
                let (code, message) = (refusal.code.into(), refusal.message);
                Self::Failed(Failure::Client(Error::Grpc { code, message }))
            }
        }
    }
}

/// Sends what comes, and passes on the answers, until the call ends.
async fn run(
    connection: Arc<Connection>,
    mut queue: mpsc::UnboundedReceiver<BatchReq>,
    due: Arc<Due>,
) {
    let appends = stream::poll_fn(move |context| queue.poll_recv(context));
    let failure = match connection.batch(appends).await {
        Err(failure) => failure,
        Ok(mut answers) => loop {
            match answers.message().await {
                Ok(Some(answer)) => due.tell(answer),
                Ok(None) => break Failure::Ended,
                Err(status) => break Failure::from(status),
            }
        },
    };
    tracing::debug!(%failure, "a call that takes appends is over: {failure}");
    due.close(&failure);
}

#[expect(clippy::disallowed_methods, reason = "it follows from nothing, and means nothing")]
fn draw() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
