//! The one thread that writes: it commits whatever has queued up, and then says so.

#[cfg(test)]
mod tests;

use std::{
    iter, mem,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::Connection;
use shiplog_domain::{
    metadata::{EventId, RequestDigest},
    stream::StreamName,
    wire::EncodedEvent,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{fault, frozen::Frozen, ledger::Ledger, open, rows::Names};
use crate::{
    clock::{self, Clock, whole_microseconds},
    log::{AppendError, Appended, Cause, LogFault},
    position::{ExpectedVersion, GlobalPosition, StreamVersion},
    replica::Original,
};

/// How many requests may wait; more wait for their turn to wait.
pub(super) const QUEUE: usize = 4_096;

/// The most requests that one transaction takes.
const MOST_AT_ONCE: usize = 1_000;

/// So many events close a transaction, whatever else is queued.
const ENOUGH_EVENTS: usize = 10_000;

/// The least time between two attempts to open the file again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// An event, ready to be written.
pub(super) struct NewRow {
    pub(super) id: EventId,
    pub(super) digest: RequestDigest,
    pub(super) event: EncodedEvent,
    /// As JSON.
    pub(super) metadata: Vec<u8>,
}

/// Events that go to one stream together, and who waits to hear of it.
pub(super) struct Append {
    pub(super) stream: StreamName,
    pub(super) expected: ExpectedVersion,
    pub(super) rows: Vec<NewRow>,
    /// When another log recorded them; the clock says it where none did.
    pub(super) original: Option<Original>,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Append {
    pub(super) fn conflict(&self, actual: Option<StreamVersion>) -> AppendError {
        AppendError::Conflict { stream: self.stream.clone(), expected: self.expected, actual }
    }
}

/// Something to be done with the writer's connection between two transactions.
pub(super) type Look = Box<dyn FnOnce(&Connection, &mut Names) + Send>;

/// What the writer can be asked.
pub(super) enum Request {
    /// To record events.
    Append(Append),
    /// To let a log that has only this one connection be read.
    Look(Look),
    /// To find out whether anything can be recorded, where that was not so the last time.
    Attempt(oneshot::Sender<Result<(), LogFault>>),
    /// To have something go wrong.
    #[cfg(test)]
    Meddle(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// Where the log is, for opening it again.
pub(super) enum Origin {
    /// In a file, and what those hold who read it though it cannot be written.
    File(PathBuf, Frozen),
    /// Nowhere but in its connection.
    Memory,
}

/// What the writer's thread owns.
pub(super) struct Writer {
    origin: Origin,
    clock: Arc<dyn Clock>,
    head: watch::Sender<Option<GlobalPosition>>,
    /// Why nothing can be recorded, as far as is known.
    refusal: watch::Sender<Option<LogFault>>,
    state: State,
    /// When the file was last opened again, or could not be.
    attempted: Option<Instant>,
    names: Names,
}

/// Whether the file is to be trusted with more.
enum State {
    Open(Box<Ledger>),
    /// Something failed. Nothing is written until the file was opened and read anew.
    Poisoned(Cause),
}

impl Writer {
    /// A writer of a file that was opened.
    pub(super) fn new(origin: Origin, clock: Arc<dyn Clock>, ledger: Ledger) -> Self {
        if ledger.head().is_some() {
            clock::compare(&*clock, ledger.recorded_at());
        }
        let head = watch::Sender::new(ledger.head());
        let (refusal, names) = (watch::Sender::default(), Names::default());
        let state = State::Open(Box::new(ledger));
        Self { origin, clock, head, refusal, state, attempted: None, names }
    }

    /// A writer of a file that can be read, and not be opened to be written yet.
    pub(super) fn of_unopened(
        origin: Origin,
        clock: Arc<dyn Clock>,
        head: Option<GlobalPosition>,
        why: Cause,
    ) -> Self {
        let refusal = watch::Sender::new(Some(not_yet(&why)));
        let (head, state) = (watch::Sender::new(head), State::Poisoned(why));
        Self { origin, clock, head, refusal, state, attempted: None, names: Names::default() }
    }

    /// Where the log ends, to be told of each change.
    pub(super) fn head(&self) -> watch::Receiver<Option<GlobalPosition>> {
        self.head.subscribe()
    }

    /// Why nothing can be recorded, as far as is known, to be told of each change.
    pub(super) fn refusal(&self) -> watch::Receiver<Option<LogFault>> {
        self.refusal.subscribe()
    }

    /// Has what a crash left in the WAL made durable, before anybody reads what a power cut could still
    /// take. Without room for it the log is read all the same; it is tried again before anything is
    /// recorded.
    pub(super) fn settle(&mut self) {
        if let State::Open(ledger) = &mut self.state
            && let Err(error) = ledger.settle()
        {
            tracing::warn!(%error, "what a crash left cannot be made durable yet: {error}");
            let why: Cause = Arc::new(error);
            self.note(Some(&not_yet(&why)));
            self.close_file(why);
        }
    }

    /// Works until nobody can ask any more and everything asked is done.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut queued = Vec::new();
        while requests.blocking_recv_many(&mut queued, MOST_AT_ONCE) > 0 {
            let (mut appends, mut events) = (Vec::with_capacity(queued.len()), 0);
            for request in queued.drain(..) {
                match request {
                    Request::Append(append) => {
                        events += append.rows.len();
                        appends.push(append);
                        if events >= ENOUGH_EVENTS {
                            self.record(mem::take(&mut appends));
                            events = 0;
                        }
                    }
                    Request::Look(look) => self.look(look),
                    Request::Attempt(answer) => {
                        // Nobody may be waiting any more.
                        let _ = answer.send(self.attempt());
                    }
                    #[cfg(test)]
                    Request::Meddle(how) => {
                        if let State::Open(ledger) = &mut self.state {
                            how(ledger.connection_mut());
                        }
                    }
                }
            }
            if !appends.is_empty() {
                self.record(appends);
            }
        }
        self.close();
    }

    /// Who waits for a look that is not taken hears of it, because `look` is dropped.
    fn look(&mut self, look: Look) {
        if let State::Open(ledger) = &self.state {
            look(ledger.connection(), &mut self.names);
        }
    }

    fn record(&mut self, appends: Vec<Append>) {
        let (now, appends) = match clock::believed(&*self.clock) {
            Ok(now) => (whole_microseconds(now), appends),
            Err(fault) => {
                // What another log has recorded has its time already.
                let is_timed = |append: &Append| append.original.is_some();
                let (timed, others): (Vec<_>, _) = appends.into_iter().partition(is_timed);
                refuse(others, &fault);
                (Timestamp::MIN, timed)
            }
        };
        if appends.is_empty() {
            return;
        }
        let ledger = match self.ledger() {
            Ok(ledger) => ledger,
            Err(fault) => {
                self.note(Some(&fault));
                return refuse(appends, &fault);
            }
        };
        match ledger.record(&appends, now) {
            Ok(answers) => {
                let head = ledger.head();
                // First the head: whoever hears of an event must find it below.
                self.head.send_replace(head);
                self.note(None);
                for (append, answer) in appends.into_iter().zip(answers) {
                    // Nobody may be waiting any more; the event stays recorded.
                    let _ = append.answer.send(answer);
                }
            }
            Err(error) => {
                let fault = self.poison(error);
                let error: &dyn std::error::Error = &fault;
                tracing::error!(error, "writing to the log failed; it will be opened again");
                self.note(Some(&fault));
                refuse(appends, &fault);
            }
        }
    }

    /// Finds out whether something can be recorded again, if that was not so the last time.
    fn attempt(&mut self) -> Result<(), LogFault> {
        let last = self.refusal.borrow().clone();
        let Some(last) = last else { return Ok(()) };
        if self.attempted.is_some_and(|at| at.elapsed() < BETWEEN_ATTEMPTS) {
            return Err(last);
        }
        let probed = self.ledger().map(|ledger| ledger.probe());
        self.attempted = Some(Instant::now());
        let possible = probed.and_then(|probed| {
            probed.map_err(|error| {
                let why: Cause = Arc::new(self.poison(error));
                not_yet(&why)
            })
        });
        self.note(possible.as_ref().err());
        possible
    }

    /// Notes whether something can be recorded, and says so where that has changed.
    fn note(&self, refusal: Option<&LogFault>) {
        let was_refused = self.refusal.borrow().is_some();
        if was_refused && refusal.is_none() {
            let position = self.head.borrow().map(|head| head.0);
            tracing::info!(position, "the log can be written again");
        }
        if was_refused || refusal.is_some() {
            self.refusal.send_replace(refusal.cloned());
        }
    }

    /// The ledger; opened again if it must, may and can be.
    fn ledger(&mut self) -> Result<&mut Ledger, LogFault> {
        let due = self.attempted.is_none_or(|at| at.elapsed() >= BETWEEN_ATTEMPTS);
        if matches!(self.state, State::Poisoned(_)) && due {
            self.attempted = Some(Instant::now());
            self.reopen();
        }
        if let State::Open(ledger) = &mut self.state
            && let Err(error) = ledger.settle()
        {
            tracing::warn!(%error, "the log cannot be written to yet: {error}");
            self.attempted = Some(Instant::now());
            self.close_file(Arc::new(error));
        }
        match &mut self.state {
            State::Open(ledger) => Ok(ledger),
            State::Poisoned(cause) => Err(not_yet(cause)),
        }
    }

    fn reopen(&mut self) {
        let Origin::File(path, frozen) = &self.origin else { return };
        // Those who read it as if nothing could change it come first; new ones have no reason afterwards.
        let Ok(mut is_frozen) = frozen.try_write() else { return };
        match open::reopen(path) {
            // Before anybody is told what is there: a power cut could still take it.
            Ok(mut ledger) => {
                if let Err(error) = ledger.settle() {
                    tracing::warn!(%error, "the log cannot be written to yet: {error}");
                    return;
                }
                self.head.send_replace(ledger.head());
                self.state = State::Open(Box::new(ledger));
                *is_frozen = false;
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the log cannot be opened for writing again yet");
            }
        }
    }

    /// Lets go of the file, which may hold more or less than is known of it.
    fn poison(&mut self, error: rusqlite::Error) -> LogFault {
        let rolled_back = match &self.state {
            State::Open(ledger) => ledger.connection().is_autocommit(),
            State::Poisoned(_) => false,
        };
        let fault = fault::committing(error, rolled_back);
        self.close_file(Arc::new(fault.clone()));
        fault
    }

    /// Lets go of a file; what is in memory is read again.
    fn close_file(&mut self, why: Cause) {
        let state = mem::replace(&mut self.state, State::Poisoned(why));
        match (&self.origin, state) {
            (Origin::File(_, frozen), open) => {
                drop(open);
                *frozen.write().unwrap_or_else(PoisonError::into_inner) = true;
            }
            (Origin::Memory, State::Open(ledger)) => {
                if let Ok(ledger) = Ledger::load(ledger.into_connection()) {
                    self.state = State::Open(Box::new(ledger));
                }
            }
            (Origin::Memory, State::Poisoned(_)) => {}
        }
    }

    /// Leaves no WAL behind, so that the file alone is the log.
    fn close(self) {
        let (Origin::File(..), State::Open(ledger)) = (&self.origin, &self.state) else { return };
        let checkpoint = ledger.connection().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let Err(error) = checkpoint {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the log was closed with its WAL; the next start reads it");
        }
    }
}

/// What is said of each append until the file could be opened again.
fn not_yet(cause: &Cause) -> LogFault {
    LogFault::Unavailable {
        reason: format!("writing failed and is not possible yet: {}", root(cause)).into(),
        source: Some(Arc::clone(cause)),
    }
}

/// What is at the bottom of it.
fn root(cause: &Cause) -> String {
    let first: &dyn std::error::Error = &**cause;
    let causes = || iter::successors(Some(first), |error| error.source());
    let words = causes().find_map(|error| fault::in_words(error.downcast_ref()?));
    let last = causes().last().unwrap_or(first);
    words.map_or_else(|| last.to_string(), Into::into)
}

fn refuse(appends: Vec<Append>, fault: &LogFault) {
    for append in appends {
        // Nobody may be waiting any more.
        let _ = append.answer.send(Err(fault.clone().into()));
    }
}
