//! What the disk can do, and what is promised all the same.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::{FutureExt as _, future::BoxFuture};
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    decorator::Decorator,
    execute::{ExecuteError, Outcome, Streams},
    log::{AppendError, Appended, Log, LogFault, NewEvent},
    position::{
        ExpectedVersion::{self, Exact},
        GlobalPosition, StreamVersion,
    },
    sqlite::SqliteLog,
};

use crate::{
    support::{fresh_stream, ids, metadata, metadata_of, unsteady},
    tally::{Command, Nothing, State, Tally},
};

/// What goes wrong with an append.
#[derive(Clone, Copy, Debug)]
enum Cue {
    /// Nothing.
    Well,
    /// It fails before anything is written.
    Before,
    /// It fails, and nothing is written.
    Lost,
    /// It fails, but everything is written.
    Written,
    /// It is written, but whoever asked is gone by then.
    Unheard,
    /// Somebody else is faster.
    Overtaken,
}

/// A log that fails on cue; without one, it does not.
struct Faulty {
    log: SqliteLog,
    cues: Mutex<VecDeque<Cue>>,
}

impl Faulty {
    async fn fail(
        &self,
        cue: Cue,
        stream: &StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let unknown = || LogFault::OutcomeUnknown { source: Arc::new(std::fmt::Error) };
        match cue {
            Cue::Well => self.log.append(stream, expected, events).await,
            Cue::Before => {
                Err(LogFault::Unavailable { reason: "it is cued".into(), source: None }.into())
            }
            Cue::Lost => Err(unknown().into()),
            Cue::Written => {
                self.log.append(stream, expected, events).await?;
                Err(unknown().into())
            }
            Cue::Unheard => {
                self.log.append(stream, expected, events).await?;
                std::future::pending().await
            }
            Cue::Overtaken => {
                let actual = Some(StreamVersion(999));
                Err(AppendError::Conflict { stream: stream.clone(), expected, actual })
            }
        }
    }
}

impl Decorator for Faulty {
    fn inner(&self) -> &dyn Log {
        &self.log
    }

    fn on_append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let cue = self.cues.lock().unwrap().pop_front().unwrap_or(Cue::Well);
        self.fail(cue, stream, expected, events).boxed()
    }
}

struct House {
    log: Arc<Faulty>,
    streams: Streams<Tally>,
    stream: StreamName,
}

type Answer = Result<(Outcome, u64), ExecuteError<Nothing>>;

impl House {
    /// A house whose stream has one event, and whose log does these things next.
    async fn with(cues: &[Cue]) -> Self {
        let log = SqliteLog::in_memory(unsteady()).unwrap();
        let log = Arc::new(Faulty { log, cues: Mutex::default() });
        let streams = Streams::new(Arc::<Faulty>::clone(&log));
        let house = Self { log, streams, stream: fresh_stream() };
        house.ask("before", Command::Add(1)).await.unwrap();
        house.log.cues.lock().unwrap().extend(cues);
        house
    }

    async fn ask(&self, key: &str, command: Command) -> Answer {
        let answer = |state: &State, _: &Outcome| state.sum;
        self.streams.execute(&self.stream, None, command, metadata(key), answer).await
    }

    async fn many(&self) -> Vec<Answer> {
        let requests = ["a", "b", "c"].map(|key| (Command::Add(1), metadata(key)));
        self.streams
            .execute_many(&self.stream, requests.into(), |_, last, state| state.sum_at(last))
            .await
    }

    async fn recorded(&self) -> usize {
        ids(&self.log.log, &self.stream).await.len()
    }
}

#[tokio::test]
async fn a_retry_after_an_unknown_outcome_leaves_one_event() {
    for (cue, replayed) in [(Cue::Lost, false), (Cue::Written, true)] {
        let house = House::with(&[cue]).await;

        let error = house.ask("key", Command::Add(2)).await.unwrap_err();
        let (outcome, sum) = house.ask("key", Command::Add(2)).await.unwrap();

        assert_eq!(
            error.to_string(),
            "the outcome is unknown: retry with the same idempotency key"
        );
        assert!(matches!(error, ExecuteError::Fault(LogFault::OutcomeUnknown { .. })));
        assert_eq!(
            (outcome.is_replayed(), outcome.version(), sum),
            (replayed, Some(StreamVersion(1)), 3)
        );
        assert_eq!(house.recorded().await, 2, "{cue:?}");
    }
}

#[tokio::test]
async fn a_retry_long_after_an_unknown_outcome_is_told_of_then() {
    let house = House::with(&[Cue::Written]).await;
    house.ask("key", Command::Add(2)).await.unwrap_err();
    house.ask("next", Command::Add(10)).await.unwrap();

    let (outcome, sum) = house.ask("key", Command::Add(2)).await.unwrap();

    assert_eq!((outcome.is_replayed(), outcome.version(), sum), (true, Some(StreamVersion(1)), 3));
    assert_eq!(house.recorded().await, 3);
}

#[tokio::test]
async fn what_was_not_written_is_not_in_the_fold_either() {
    let house = House::with(&[Cue::Before]).await;

    let error = house.ask("key", Command::Add(100)).await.unwrap_err();
    let (_, sum) = house.ask("another", Command::Add(2)).await.unwrap();

    assert_eq!(error.to_string(), "the log is unavailable: it is cued");
    assert_eq!((sum, house.recorded().await), (3, 2));
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_truth_to_the_next() {
    let house = House::with(&[Cue::Unheard]).await;
    // Polled until it waits for the log, then dropped; the look before gives the log its time.
    let mut gone = Box::pin(house.ask("key", Command::Add(2)));
    while house.log.head().await.unwrap() < Some(GlobalPosition(2)) {
        assert!(futures::poll!(&mut gone).is_pending());
        tokio::task::yield_now().await;
    }
    drop(gone);

    let (_, sum) = house.ask("next", Command::Add(10)).await.unwrap();
    let (outcome, then) = house.ask("key", Command::Add(2)).await.unwrap();

    assert_eq!((sum, outcome.is_replayed(), then), (13, true, 3));
    assert_eq!(house.recorded().await, 3);
}

#[tokio::test]
async fn a_command_that_came_too_late_is_decided_again() {
    let house = House::with(&[Cue::Overtaken; 4]).await;

    let (_, sum) = house.ask("key", Command::Reach(5)).await.unwrap();

    assert_eq!((sum, house.recorded().await), (5, 2));
}

#[tokio::test]
async fn a_command_that_came_too_late_five_times_is_given_up() {
    let house = House::with(&[Cue::Overtaken; 5]).await;

    let error = house.ask("key", Command::Add(1)).await.unwrap_err();

    assert!(matches!(error, ExecuteError::Contended { .. }));
    assert_eq!(
        error.to_string(),
        format!("stream `{}` changed 5 times while the command was decided", house.stream)
    );
    assert_eq!(house.recorded().await, 1);
}

#[tokio::test]
async fn somebody_elses_events_are_read_before_it_is_decided_again() {
    let house = House::with(&[]).await;
    let other: Streams<Tally> = Streams::new(Arc::<Faulty>::clone(&house.log));
    let answer = |state: &State, _: &Outcome| state.sum;
    other.execute(&house.stream, None, Command::Add(4), metadata("other"), answer).await.unwrap();

    let (outcome, sum) = house.ask("key", Command::Reach(7)).await.unwrap();

    assert_eq!((outcome.version(), sum), (Some(StreamVersion(2)), 7));
}

#[tokio::test]
async fn a_key_is_known_whoever_folded_it() {
    let house = House::with(&[]).await;
    let other: Streams<Tally> = Streams::new(Arc::<Faulty>::clone(&house.log));
    let answer = |state: &State, _: &Outcome| state.sum;
    let first = metadata("key");
    other.execute(&house.stream, None, Command::Add(4), first, answer).await.unwrap();

    // This fold has not seen it: the log has, and tells a retry from another request.
    let (outcome, sum) = house.ask("key", Command::Add(4)).await.unwrap();
    assert_eq!((outcome.version(), sum), (Some(StreamVersion(1)), 5));
    let another = Streams::<Tally>::new(Arc::<Faulty>::clone(&house.log));
    let reused = metadata_of("key", "another request");
    let error =
        another.execute(&house.stream, None, Command::Add(1), reused, answer).await.unwrap_err();

    assert!(matches!(error, ExecuteError::KeyReused { .. }));
    assert_eq!(house.recorded().await, 2);
}

#[tokio::test]
async fn a_claim_is_judged_by_the_log_too() {
    let house = House::with(&[]).await;
    let other: Streams<Tally> = Streams::new(Arc::<Faulty>::clone(&house.log));
    let answer = |state: &State, _: &Outcome| state.sum;
    other.execute(&house.stream, None, Command::Add(4), metadata("other"), answer).await.unwrap();

    let claimed = Some(Exact(StreamVersion(0)));
    let asked =
        house.streams.execute(&house.stream, claimed, Command::Add(1), metadata("key"), answer);
    let error = asked.await.unwrap_err();

    assert!(matches!(
        error,
        ExecuteError::Append(AppendError::Conflict { actual: Some(StreamVersion(1)), .. })
    ));
}

#[tokio::test]
async fn a_fault_is_that_of_every_request_it_kept_from_an_answer() {
    for (cue, replayed) in [(Cue::Before, false), (Cue::Lost, false), (Cue::Written, true)] {
        let house = House::with(&[cue]).await;

        let failed = house.many().await;
        let again = house.many().await;

        assert!(failed.iter().all(|answer| matches!(answer, Err(ExecuteError::Fault(_)))));
        let told = again.into_iter().map(|answer| {
            let (outcome, sum) = answer.unwrap();
            (outcome.is_replayed(), sum)
        });
        assert_eq!(told.collect::<Vec<_>>(), [(replayed, 2), (replayed, 3), (replayed, 4)]);
        assert_eq!(house.recorded().await, 4, "{cue:?}");
    }
}

#[tokio::test]
async fn many_requests_that_came_too_late_are_decided_again_and_then_given_up() {
    let house = House::with(&[Cue::Overtaken; 4]).await;
    let sums: Vec<_> = house.many().await.into_iter().map(|answer| answer.unwrap().1).collect();
    assert_eq!(sums, [2, 3, 4]);

    let house = House::with(&[Cue::Overtaken; 5]).await;
    let answers = house.many().await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ExecuteError::Contended { .. }))));
    assert_eq!(house.recorded().await, 1);
}
