//! Load, fold, decide, append: the only way an event comes to be.

mod fold;
mod many;
mod outcome;
mod round;

use std::sync::Arc;

use shiplog_domain::{
    decider::Decider,
    metadata::{EventId, Metadata, RequestDigest},
    stream::StreamName,
    wire::WireEvent,
};

use self::fold::{Fold, Request, Standing, data_bytes, new_events, state_at};
pub use self::{
    many::Answers,
    outcome::{ExecuteError, LoadError, Outcome},
};
use crate::{
    cache::Cache,
    log::{AppendError, Appended, Log, LogFault},
    position::{ExpectedVersion, StreamVersion},
};

/// How often a command is decided anew because something else was recorded first.
const ATTEMPTS: usize = 5;

/// How many bytes of memory folded streams take, about, unless something else is asked for.
const BUDGET: usize = 256 << 20;

/// The streams of one family: what is asked of them goes through here.
///
/// Keeps folded what was used last. Where this process is the log's only writer, that is trusted;
/// where the log is shared, the append conflicts if another one has written, and what leads to
/// no append is decided again if so. Commands to one stream are decided one after the other.
pub struct Streams<D: Decider> {
    log: Arc<dyn Log>,
    cache: Cache<Fold<D>>,
    /// Whether something is known to be wrong with a stream.
    is_damaged: Box<dyn Fn(&StreamName) -> bool + Send + Sync>,
}

impl<D: Decider<Event: WireEvent, Command: Clone>> Streams<D> {
    /// The streams of this family in `log`, with 256 MiB of them kept folded.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self::with_budget(log, BUDGET)
    }

    /// The streams of this family in `log`, with about so many bytes of memory kept folded.
    pub fn with_budget(log: Arc<dyn Log>, bytes: usize) -> Self {
        Self { log, cache: Cache::new(bytes), is_damaged: Box::new(|_| false) }
    }

    /// The same, which trusts no memory of a stream of which somebody knows that it is damaged: that is
    /// read from the log each time.
    #[must_use]
    pub fn knowing_damage(
        self,
        is_damaged: impl Fn(&StreamName) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { is_damaged: Box::new(is_damaged), ..self }
    }

    /// Forgets what was folded of a stream that is damaged.
    fn doubt(&self, fold: &mut Fold<D>, stream: &StreamName) {
        if (self.is_damaged)(stream) {
            *fold = Fold::default();
        }
    }

    /// Looks at the state of a stream, and at its version.
    ///
    /// # Errors
    ///
    /// If the stream cannot be read.
    pub async fn read<T>(
        &self,
        stream: &StreamName,
        look: impl FnOnce(&D::State, Option<StreamVersion>) -> T + Send,
    ) -> Result<T, LoadError> {
        let entry = self.cache.entry(stream);
        let mut fold = entry.lock().await;
        self.doubt(&mut fold, stream);
        let mut caught_up = fold.catch_up(&*self.log, stream).await;
        if caught_up.is_ok() {
            caught_up = fold.is_up_to_date(&*self.log, stream).await.map(drop);
        }
        self.cache.weigh(stream, fold.weight());
        caught_up.map(|()| look(&fold.state, fold.version))
    }

    /// Decides a command and records what follows from it.
    ///
    /// - **Idempotence**: a request whose events are recorded is not decided again; `answer`
    ///   sees the state as its events left it then. A request that recorded nothing is not
    ///   remembered: its retry is decided again, which is harmless.
    /// - **Concurrency**: with `claimed`, the stream has to be there, else it is a conflict.
    ///   Without, a command that came too late is decided again, five times at most.
    /// - **Answer**: from the state right after the command, whatever comes next.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Refused`] by the rules; [`ExecuteError::Append`] with a conflict if the
    /// stream is elsewhere than claimed; [`ExecuteError::KeyReused`] if the key stands for
    /// another request; [`ExecuteError::Contended`] after five conflicts. In none of these was
    /// anything written. [`ExecuteError::Fault`] if a machine could not: the same request
    /// again settles what became of it.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is asked, of whom, by whom, and the answer"
    )]
    pub async fn execute<T>(
        &self,
        stream: &StreamName,
        claimed: Option<ExpectedVersion>,
        command: D::Command,
        metadata: Metadata,
        answer: impl FnOnce(&D::State, &Outcome) -> T + Send,
    ) -> Result<(Outcome, T), ExecuteError<D::Refusal>> {
        let entry = self.cache.entry(stream);
        let mut fold = entry.lock().await;
        self.doubt(&mut fold, stream);
        let ask = Ask::<D> { stream, claimed, command, metadata: Arc::new(metadata) };
        let outcome = self.settle(&mut fold, ask).await;
        self.cache.weigh(stream, fold.weight());
        let outcome = outcome?;
        let earlier = match outcome {
            Outcome::Replayed(last) if Some(last.version) < fold.version => {
                Some(state_at::<D>(&*self.log, stream, last.version).await?)
            }
            Outcome::Recorded(_) | Outcome::Replayed(_) | Outcome::AlreadySo { .. } => None,
        };
        let told = answer(earlier.as_ref().unwrap_or(&fold.state), &outcome);
        Ok((outcome, told))
    }

    /// Tries until it is known what becomes of the command.
    async fn settle(
        &self,
        fold: &mut Fold<D>,
        Ask { stream, claimed, command, metadata }: Ask<'_, D>,
    ) -> Result<Outcome, ExecuteError<D::Refusal>> {
        let mut late = None;
        for _ in 0..ATTEMPTS {
            fold.catch_up(&*self.log, stream).await?;
            if let Some(request) = known(fold, stream, &metadata)? {
                return Ok(Outcome::Replayed(request.last));
            }
            let events = match decide(fold, stream, claimed, command.clone()) {
                Ok(events) if !events.is_empty() => events,
                _ if !fold.is_up_to_date(&*self.log, stream).await? => continue,
                Ok(_) => {
                    let Fold { version, position, .. } = *fold;
                    return Ok(Outcome::AlreadySo { version, position });
                }
                Err(error) => return Err(error),
            };
            match self.append(stream, fold, &metadata, &events).await {
                Ok(last) => return Ok(Outcome::Recorded(last)),
                Err(error) => late = Some(too_late(fold, error)?),
            }
        }
        Err(given_up(stream, late))
    }

    /// Appends what was decided, and takes it into the fold.
    async fn append(
        &self,
        stream: &StreamName,
        fold: &mut Fold<D>,
        metadata: &Arc<Metadata>,
        events: &[D::Event],
    ) -> Result<Appended, AppendError> {
        let added: Vec<_> = new_events(stream, metadata, events).collect();
        let bytes = data_bytes(&added);
        let expected = ExpectedVersion::from(fold.version);
        let due = version_after(fold.version, added.len());
        // It stays so if nobody waits for the answer any more.
        fold.standing = Standing::Behind;
        let last = self.log.append(stream, expected, added).await?;
        if Some(last.version) != due {
            // They are there, from an earlier try whose end nobody heard.
            let (stream, actual) = (stream.clone(), Some(last.version));
            return Err(AppendError::Conflict { stream, expected, actual });
        }
        for event in events {
            fold.evolve(event);
        }
        fold.bytes = fold.bytes.saturating_add(bytes);
        fold.version = Some(last.version);
        fold.position = Some(last.position);
        let (id, digest) = request(stream, metadata);
        fold.requests.insert(id, Request { digest, last });
        fold.standing = Standing::Level;
        Ok(last)
    }
}

/// One request, and what its caller believes of the stream.
struct Ask<'a, D: Decider> {
    stream: &'a StreamName,
    claimed: Option<ExpectedVersion>,
    command: D::Command,
    metadata: Arc<Metadata>,
}

/// What follows from the command, if the stream is where it is claimed to be.
fn decide<D: Decider>(
    fold: &Fold<D>,
    stream: &StreamName,
    claimed: Option<ExpectedVersion>,
    command: D::Command,
) -> Result<Vec<D::Event>, ExecuteError<D::Refusal>> {
    let actual = fold.version;
    if let Some(expected) = claimed.filter(|claimed| !claimed.is_met_by(actual)) {
        let stream = stream.clone();
        return Err(ExecuteError::Append(AppendError::Conflict { stream, expected, actual }));
    }
    D::decide(&fold.state, command).map_err(ExecuteError::Refused)
}

/// What a request is known by, and what tells it from another one.
fn request(stream: &StreamName, metadata: &Metadata) -> (EventId, RequestDigest) {
    (EventId::derive(stream, &metadata.idempotency_key, 0), metadata.request_digest)
}

/// The request, if the stream has events of it.
fn known<D: Decider>(
    fold: &Fold<D>,
    stream: &StreamName,
    metadata: &Metadata,
) -> Result<Option<Request>, ExecuteError<D::Refusal>> {
    let (id, digest) = request(stream, metadata);
    match fold.requests.get(&id) {
        Some(known) if known.digest != digest => {
            Err(ExecuteError::KeyReused { key: metadata.idempotency_key.clone() })
        }
        known => Ok(known.copied()),
    }
}

/// Whether there is sense in reading the news and deciding again; makes the fold read them.
fn too_late<D: Decider>(
    fold: &mut Fold<D>,
    error: AppendError,
) -> Result<AppendError, ExecuteError<D::Refusal>> {
    match error {
        AppendError::Conflict { actual, .. } => {
            // Nothing newer explains a log that is behind: it is not the one that was folded.
            if actual < fold.version {
                *fold = Fold::default();
            }
            Ok(error)
        }
        AppendError::IdReused { .. } => Ok(error),
        AppendError::Size { .. } => Err(ExecuteError::Append(error)),
        AppendError::Fault(fault) => {
            *fold = Fold::default();
            Err(ExecuteError::Fault(fault))
        }
    }
}

/// What is said of a stream that has not what it had.
fn missing(stream: &StreamName) -> LogFault {
    let place = format!("stream `{stream}`");
    LogFault::Corrupt { place, problem: "an event that was recorded is not there".into() }
}

/// What is said when deciding again has not helped.
fn given_up<R>(stream: &StreamName, late: Option<AppendError>) -> ExecuteError<R> {
    match late {
        Some(error @ AppendError::IdReused { .. }) => ExecuteError::Append(error),
        Some(_) | None => ExecuteError::Contended { stream: stream.clone() },
    }
}

/// The version of the last of so many events after this one.
fn version_after(version: Option<StreamVersion>, events: usize) -> Option<StreamVersion> {
    let next = version.map_or(0, |last| last.0 + 1) + events as u64;
    next.checked_sub(1).map(StreamVersion)
}
