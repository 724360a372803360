//! Many requests to one stream, in as few appends as they fit into.

use std::{mem, sync::Arc};

use futures::TryStreamExt as _;
use shiplog_domain::{decider::Decider, metadata::Metadata, stream::StreamName, wire::WireEvent};

use super::{
    ATTEMPTS, ExecuteError, LoadError, Outcome, Streams,
    fold::{Fold, data_bytes},
    given_up,
    round::{Places, Round},
    version_after,
};
use crate::{
    log::{AppendError, Appended, LogFault, Recorded},
    position::{ExpectedVersion, StreamVersion},
};

/// What became of each request, in order.
pub type Answers<T, R> = Vec<Result<(Outcome, T), ExecuteError<R>>>;

/// Why a round came to nothing.
#[derive(Clone)]
enum Stop {
    Late(AppendError),
    Load(LoadError),
}

impl Stop {
    /// What it means to each request that was to be answered.
    fn of<R>(self, stream: &StreamName) -> ExecuteError<R> {
        match self {
            Self::Late(error) => given_up(stream, Some(error)),
            Self::Load(error) => error.into(),
        }
    }
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<LogFault> for Stop {
    fn from(fault: LogFault) -> Self {
        Self::Load(fault.into())
    }
}

impl<D: Decider<Event: WireEvent, Command: Clone>> Streams<D> {
    /// Decides many requests, each on what the one before it left, and records what follows.
    ///
    /// As [`execute`](Self::execute) one after the other with nothing claimed, but in as few
    /// appends as they fit into. `answer` is told which of the requests it is for, counted from
    /// 0, and the version of the last event that it led to; the state that it sees has all of
    /// them, and of a request that was recorded before possibly more. What was true right after
    /// it, `answer` finds in there: to read a stream again for every replay would make an import
    /// that is run again slower than the first time.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), for each request. A fault is that of every request that
    /// was not answered before it.
    pub async fn execute_many<T>(
        &self,
        stream: &StreamName,
        requests: Vec<(D::Command, Metadata)>,
        answer: impl Fn(usize, Option<StreamVersion>, &D::State) -> T + Send + Sync,
    ) -> Answers<T, D::Refusal> {
        let requests: Vec<_> =
            requests.into_iter().map(|(command, metadata)| (command, Arc::new(metadata))).collect();
        let entry = self.cache.entry(stream);
        let mut fold = entry.lock().await;
        self.doubt(&mut fold, stream);
        let (mut answers, mut attempts) = (Answers::with_capacity(requests.len()), 0);
        while let Some(asked @ [_, ..]) = requests.get(answers.len()..) {
            attempts += 1;
            let answered = answers.len();
            let answer = |nth, last, state: &D::State| answer(answered + nth, last, state);
            match self.round(stream, &mut fold, asked, &answer).await {
                Ok(more) => {
                    answers.extend(more);
                    attempts = 0;
                }
                Err(Stop::Late(_)) if attempts < ATTEMPTS => {}
                Err(stop) => answers.extend(asked.iter().map(|_| Err(stop.clone().of(stream)))),
            }
        }
        self.cache.weigh(stream, fold.weight());
        answers
    }

    /// Answers as many requests as fit into one append, at least one of them.
    async fn round<T>(
        &self,
        stream: &StreamName,
        fold: &mut Fold<D>,
        requests: &[(D::Command, Arc<Metadata>)],
        answer: &(impl Fn(usize, Option<StreamVersion>, &D::State) -> T + Send + Sync),
    ) -> Result<Answers<T, D::Refusal>, Stop> {
        fold.catch_up(&*self.log, stream).await?;
        let mut round = Round::new(stream, fold);
        for (index, request) in requests.iter().enumerate() {
            if !round.take(fold, request, |last, state| answer(index, last, state)) {
                break;
            }
        }
        if round.added.is_empty() && !fold.is_up_to_date(&*self.log, stream).await? {
            let (stream, expected) = (stream.clone(), ExpectedVersion::from(round.version));
            let late = AppendError::Conflict { stream, expected, actual: fold.version };
            return Err(Stop::Late(late));
        }
        let places = self.append_round(stream, fold, &mut round).await?;
        Ok(round.finish(fold, &places)?)
    }

    /// Appends the round and says where its events are, as far as anybody asks.
    async fn append_round<T>(
        &self,
        stream: &StreamName,
        fold: &mut Fold<D>,
        round: &mut Round<'_, T, D::Refusal>,
    ) -> Result<Places, Stop> {
        let added = mem::take(&mut round.added);
        if added.is_empty() {
            return Ok(Places::new());
        }
        let (expected, bytes) = (ExpectedVersion::from(round.version), data_bytes(&added));
        let last = match self.log.append(stream, expected, added).await {
            Ok(last) if Some(last.version) == fold.version => last,
            Ok(last) => {
                // They are there, from an earlier try whose end nobody heard.
                let (stream, actual) = (stream.clone(), Some(last.version));
                return Err(Stop::Late(AppendError::Conflict { stream, expected, actual }));
            }
            Err(AppendError::Fault(fault)) => return Err(fault.into()),
            Err(error) => return Err(Stop::Late(error)),
        };
        fold.bytes = fold.bytes.saturating_add(bytes);
        let mut places = Places::from([(last.version, last)]);
        if round.ends_before(last.version) {
            let from = version_after(round.version, 1);
            let mut records = self.log.read_stream(stream, from);
            while let Some(Recorded { position, version, recorded_at, .. }) =
                records.try_next().await?
            {
                if version >= last.version {
                    break;
                }
                places.insert(version, Appended { position, version, recorded_at });
            }
        }
        Ok(places)
    }
}
