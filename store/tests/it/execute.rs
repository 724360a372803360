//! Load, fold, decide, append, where everything goes well.

use std::sync::Arc;

use shiplog_domain::stream::StreamName;
use shiplog_store::{
    execute::{ExecuteError, Outcome, Streams},
    log::{AppendError, Log},
    position::{
        ExpectedVersion::{self, Exact, NoStream},
        StreamVersion,
    },
    sqlite::SqliteLog,
};

use crate::{
    support::{event, everything, fresh_stream, ids, metadata, metadata_of, unsteady},
    tally::{Command, Nothing, State, Tally},
};

struct House {
    log: Arc<SqliteLog>,
    streams: Streams<Tally>,
    stream: StreamName,
}

type Answer = Result<(Outcome, u64), ExecuteError<Nothing>>;

fn sum(state: &State, _: &Outcome) -> u64 {
    state.sum
}

impl House {
    fn new() -> Self {
        let log = Arc::new(SqliteLog::in_memory(unsteady()).unwrap());
        let streams = Streams::new(Arc::<SqliteLog>::clone(&log));
        Self { log, streams, stream: fresh_stream() }
    }

    /// The same log and stream, met by a process that has folded nothing yet.
    fn restarted(&self) -> Self {
        let streams = Streams::new(Arc::<SqliteLog>::clone(&self.log));
        Self { log: Arc::clone(&self.log), streams, stream: self.stream.clone() }
    }

    async fn ask(&self, key: &str, command: Command) -> Answer {
        self.claim(None, key, command).await
    }

    async fn claim(&self, claimed: Option<ExpectedVersion>, key: &str, command: Command) -> Answer {
        self.streams.execute(&self.stream, claimed, command, metadata(key), sum).await
    }

    async fn many(&self, requests: Vec<(&str, Command)>) -> Vec<Answer> {
        let requests =
            requests.into_iter().map(|(key, command)| (command, metadata(key))).collect();
        self.streams.execute_many(&self.stream, requests, |_, last, state| state.sum_at(last)).await
    }
}

/// The sums, where nothing failed.
fn sums(answers: &[Answer]) -> Vec<u64> {
    answers.iter().map(|answer| answer.as_ref().unwrap().1).collect()
}

#[tokio::test]
async fn a_command_is_decided_on_all_that_came_before() {
    let house = House::new();

    let (first, one) = house.ask("first", Command::Add(1)).await.unwrap();
    let (second, three) = house.ask("second", Command::Add(2)).await.unwrap();
    let (third, ten) = house.restarted().ask("third", Command::Reach(10)).await.unwrap();

    assert_eq!([one, three, ten], [1, 3, 10]);
    let records = everything(house.log.read_stream(&house.stream, None)).await;
    for (record, outcome) in records.iter().zip([first, second, third]) {
        assert!(matches!(outcome, Outcome::Recorded(_)));
        assert_eq!(outcome.version(), Some(record.version));
        assert_eq!(outcome.position(), Some(record.position));
    }
    // What a fold that was not told of it does not know, a conflict tells it.
    assert_eq!(house.ask("fourth", Command::Reach(11)).await.unwrap().1, 11);
    assert_eq!(records.len() + 1, ids(&*house.log, &house.stream).await.len());
}

#[tokio::test]
async fn what_is_already_so_is_not_recorded() {
    let house = House::new();
    let none = house.ask("none", Command::Reach(0)).await.unwrap();
    assert_eq!(none, (Outcome::AlreadySo { version: None, position: None }, 0));
    let (recorded, _) = house.ask("add", Command::Add(5)).await.unwrap();

    let (outcome, sum) = house.ask("reach", Command::Reach(3)).await.unwrap();

    let (version, position) = (recorded.version(), recorded.position());
    assert_eq!((outcome, sum), (Outcome::AlreadySo { version, position }, 5));
    // Not remembered: the same key may ask for something else.
    let other = metadata_of("reach", "something else");
    house.streams.execute(&house.stream, None, Command::Add(1), other, sum_of).await.unwrap();
}

fn sum_of(state: &State, _: &Outcome) -> u64 {
    state.sum
}

#[tokio::test]
async fn a_refusal_records_nothing() {
    let house = House::new();

    let error = house.ask("nothing", Command::Add(0)).await.unwrap_err();

    assert!(matches!(error, ExecuteError::Refused(Nothing)));
    assert_eq!(ids(&*house.log, &house.stream).await, []);
}

#[tokio::test]
async fn a_retry_is_told_what_the_first_try_was_told() {
    let house = House::new();
    let first = house.ask("first", Command::Count(3)).await.unwrap();
    let at_once = house.ask("first", Command::Count(3)).await.unwrap();
    house.ask("second", Command::Add(10)).await.unwrap();

    let later = house.ask("first", Command::Count(3)).await.unwrap();
    let after_a_restart = house.restarted().ask("first", Command::Count(3)).await.unwrap();

    let Outcome::Recorded(last) = first.0 else { panic!("{first:?}") };
    let replayed = (Outcome::Replayed(last), 3);
    assert_eq!([at_once, later, after_a_restart], [replayed; 3]);
    assert_eq!(ids(&*house.log, &house.stream).await.len(), 4);
}

#[tokio::test]
async fn a_retry_is_known_before_anything_else_is_judged() {
    let house = House::new();
    house.claim(Some(NoStream), "first", Command::Reach(1)).await.unwrap();
    house.ask("second", Command::Add(1)).await.unwrap();

    // Neither is the stream where it was claimed to be, nor is there anything left to do.
    let (outcome, sum) = house.claim(Some(NoStream), "first", Command::Reach(1)).await.unwrap();

    assert_eq!((outcome.is_replayed(), sum), (true, 1));
}

#[tokio::test]
async fn one_key_cannot_stand_for_two_requests() {
    let house = House::new();
    house.ask("key", Command::Add(1)).await.unwrap();

    for house in [&house, &house.restarted()] {
        let other = metadata_of("key", "another request");
        let command = Command::Add(2);
        let error =
            house.streams.execute(&house.stream, None, command, other, sum).await.unwrap_err();
        assert_eq!(error.to_string(), "idempotency key `key` was used for another request");
    }
    assert_eq!(ids(&*house.log, &house.stream).await.len(), 1);
}

#[tokio::test]
async fn of_two_who_claim_one_version_one_is_told() {
    let house = House::new();
    house.claim(Some(NoStream), "first", Command::Add(1)).await.unwrap();
    let claimed = Some(Exact(StreamVersion(0)));

    let (one, other) = tokio::join!(
        house.claim(claimed, "one", Command::Add(2)),
        house.claim(claimed, "other", Command::Add(3)),
    );

    assert_eq!(one.unwrap().1, 3);
    let error = other.unwrap_err();
    assert!(matches!(
        error,
        ExecuteError::Append(AppendError::Conflict { actual: Some(StreamVersion(1)), .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_at_the_same_time_are_decided_one_after_the_other() {
    let house = Arc::new(House::new());
    let asked = (0..64).map(|number: u32| {
        let house = Arc::clone(&house);
        // Every eighth through a second cache, which only the log's conflicts keep honest.
        let house = if number.is_multiple_of(8) { Arc::new(house.restarted()) } else { house };
        tokio::spawn(async move { house.ask(&number.to_string(), Command::Add(1)).await })
    });
    let mut done = Vec::new();
    for answer in asked.collect::<Vec<_>>() {
        match answer.await.unwrap() {
            Ok((_, sum)) => done.push(sum),
            Err(ExecuteError::Contended { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    done.sort_unstable();
    let recorded = ids(&*house.log, &house.stream).await.len();
    assert_eq!(done, (1..=recorded as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_may_be_passed_over_is() {
    let house = House::new();
    house.ask("first", Command::Add(1)).await.unwrap();
    let strange = vec![event(&house.stream, "strange")];
    house.log.append(&house.stream, Exact(StreamVersion(0)), strange).await.unwrap();

    let (outcome, sum) = house.ask("second", Command::Add(1)).await.unwrap();

    assert_eq!((outcome.version(), sum), (Some(StreamVersion(2)), 2));
}

#[tokio::test]
async fn what_must_not_be_passed_over_stops_its_stream_alone() {
    let house = House::new();
    let mut strange = event(&house.stream, "strange");
    strange.event.ignorable = false;
    house.log.append(&house.stream, NoStream, vec![strange]).await.unwrap();

    let error = house.ask("first", Command::Add(1)).await.unwrap_err();
    let same = house.many(vec![("first", Command::Add(1)), ("second", Command::Add(1))]).await;

    assert!(matches!(error, ExecuteError::Decode(_)));
    assert!(same.iter().all(|answer| matches!(answer, Err(ExecuteError::Decode(_)))));
    let other = House { stream: fresh_stream(), ..house };
    other.ask("first", Command::Add(1)).await.unwrap();
}

#[tokio::test]
async fn a_look_sees_what_is_recorded() {
    let house = House::new();
    let look = |state: &State, version| (state.sum, state.events, version);
    assert_eq!(house.streams.read(&house.stream, look).await.unwrap(), (0, 0, None));

    house.ask("first", Command::Count(4)).await.unwrap();

    let seen = (4, 4, Some(StreamVersion(3)));
    assert_eq!(house.streams.read(&house.stream, look).await.unwrap(), seen);
    assert_eq!(house.restarted().streams.read(&house.stream, look).await.unwrap(), seen);
}

#[tokio::test]
async fn what_the_cache_forgets_is_read_again() {
    let house = House::new();
    let log: Arc<dyn Log> = Arc::<SqliteLog>::clone(&house.log);
    let narrow = House { streams: Streams::with_budget(log, 30_000), ..house };
    let streams: Vec<_> = (0..5).map(|_| fresh_stream()).collect();

    for round in 1..=4 {
        for stream in &streams {
            let request = metadata(&format!("round {round}"));
            let answer =
                narrow.streams.execute(stream, None, Command::Add(1), request, sum).await.unwrap();
            assert_eq!(answer.1, round);
        }
    }
}

#[tokio::test]
async fn many_requests_are_answered_as_one_after_the_other() {
    let requests = || {
        vec![
            ("a", Command::Add(1)),
            ("b", Command::Add(0)),
            ("c", Command::Reach(1)),
            ("d", Command::Count(3)),
            ("a", Command::Add(1)),
            ("e", Command::Reach(2)),
            ("f", Command::Reach(9)),
        ]
    };
    let (together, alone) = (House::new(), House::new());

    let answers = together.many(requests()).await;
    let mut expected = Vec::new();
    for (key, command) in requests() {
        expected.push(alone.ask(key, command).await);
    }

    let compare = |answers: &[Answer]| {
        let told = answers.iter().map(|answer| match answer {
            Ok((outcome, sum)) => {
                Ok((outcome.version(), outcome.position(), outcome.is_replayed(), *sum))
            }
            Err(error) => Err(error.to_string()),
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(compare(&answers), compare(&expected));
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    let look = |state: &State, version| (state.sum, version);
    let seen = together.streams.read(&together.stream, look).await.unwrap();
    assert_eq!(seen, (9, Some(StreamVersion(4))));
}

#[tokio::test]
async fn many_requests_asked_again_are_told_the_same() {
    let house = House::new();
    let keys: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    let requests = || keys.iter().map(|key| (key.as_str(), Command::Count(2))).collect();
    let first = house.many(requests()).await;
    house.ask("later", Command::Add(100)).await.unwrap();

    for house in [&house, &house.restarted()] {
        let again = house.many(requests()).await;

        assert!(again.iter().all(|answer| answer.as_ref().unwrap().0.is_replayed()));
        assert_eq!(sums(&again), sums(&first));
        assert_eq!(sums(&again), (1..=40).map(|nth| nth * 2).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn more_events_than_one_append_takes_are_appended_in_turn() {
    let house = House::new();
    let keys: Vec<_> = (0..5).map(|number| number.to_string()).collect();
    let mut requests: Vec<_> = keys.iter().map(|key| (key.as_str(), Command::Count(400))).collect();
    requests.insert(2, ("too many", Command::Count(1_001)));

    let mut answers = house.many(requests).await;

    let size = answers.remove(2).unwrap_err();
    assert!(matches!(size, ExecuteError::Append(AppendError::Size { found: 1_001 })));
    assert_eq!(sums(&answers), [400, 800, 1_200, 1_600, 2_000]);
    let records = everything(house.log.read_stream(&house.stream, None)).await;
    assert_eq!(records.len(), 2_000);
    for (nth, answer) in answers.iter().enumerate() {
        let last = &records[nth * 400 + 399];
        let outcome = answer.as_ref().unwrap().0;
        assert_eq!(outcome.version(), Some(last.version));
        assert_eq!(outcome.position(), Some(last.position));
    }
}
