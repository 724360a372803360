//! What has to hold of every read model, and what this one is about.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use shiplog_domain::{
    lane::{
        Asked, Command, Correction, DeploymentNumber, Happened, Lane, LaneId, Outcome, Report,
        Request, When,
    },
    metadata::{Actor, ActorKind, CorrelationId, Metadata, RequestDigest, Via},
    release::Manifest,
};
use shiplog_projections::{
    digest::{Digest, digest},
    runner::Runner,
};
use shiplog_store::{
    clock::SystemClock, execute::Streams, log::Log, position::GlobalPosition, sqlite::SqliteLog,
};

use crate::weekly::{Week, Weekly, per_week};

const DAY: i64 = 86_400;

fn when(day: i64) -> When {
    When { at: Timestamp::from_second(day * DAY).unwrap(), stated: true }
}

fn report(day: i64, outcome: Outcome) -> Command {
    let request = Request {
        when: when(day),
        asked: Asked::Unknown(Manifest::named("1".parse().unwrap())),
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: std::collections::BTreeMap::new(),
        configuration: None,
        acknowledged: Vec::new(),
    };
    Command::Report(Report { request, outcome })
}

fn happened(number: u32, day: i64, happened: Happened) -> Command {
    Command::Deployment { number: DeploymentNumber(number), when: when(day), happened }
}

fn failed() -> Happened {
    Happened::Failed { error: None, failed_step: None, log_url: None }
}

fn void() -> Happened {
    Happened::Correct { correction: Correction::Void, reason: "never was".into() }
}

/// Records what it is told; a refusal is fine, it leaves no events.
async fn record(commands: Vec<(&'static str, Command)>) -> Arc<dyn Log> {
    let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(SystemClock)).unwrap());
    let lanes: Streams<Lane> = Streams::new(Arc::clone(&log));
    for (nth, (service, command)) in commands.into_iter().enumerate() {
        let (service, environment) = (service.parse().unwrap(), "production".parse().unwrap());
        let stream = LaneId { service, environment }.stream();
        let metadata = Metadata {
            actor: Actor {
                kind: ActorKind::System,
                id: "test".into(),
                name: None,
                via: Via::Claimed,
            },
            idempotency_key: format!("request-{nth}").parse().unwrap(),
            request_digest: RequestDigest::of(&[&nth.to_le_bytes()]),
            correlation_id: CorrelationId(nth.to_string()),
            causation_id: None,
            source: None,
        };
        let _ = lanes.execute(&stream, None, command, metadata, |_, _| ()).await;
    }
    log
}

async fn weeks(commands: Vec<(&'static str, Command)>) -> Vec<(String, String, u64)> {
    let log = record(commands).await;
    let mut runner = Runner::in_memory(Weekly, log.id()).unwrap();
    runner.catch_up_to(&*log, None).await.unwrap();
    let weeks = per_week(runner.tables()).unwrap().into_iter();
    weeks.map(|Week { service, monday, deployments }| (service, monday, deployments)).collect()
}

#[tokio::test]
async fn deployments_are_counted_by_service_and_week() {
    // 1970 began on a Thursday; day 4 was the first Monday.
    let told = weeks(vec![
        ("checkout", report(0, Outcome::Succeeded)),
        ("checkout", report(3, Outcome::Succeeded)),
        ("checkout", report(4, Outcome::Succeeded)),
        ("search", report(5, Outcome::Succeeded)),
        ("search", report(6, Outcome::Failed { error: None })),
    ]);
    let week = |service: &str, monday: &str, count| (service.to_owned(), monday.to_owned(), count);
    let expected = [
        week("checkout", "1969-12-29", 2),
        week("checkout", "1970-01-05", 1),
        week("search", "1970-01-05", 1),
    ];
    assert_eq!(told.await, expected);
}

#[tokio::test]
async fn what_turns_out_otherwise_is_not_counted() {
    let told = weeks(vec![
        ("checkout", report(5, Outcome::Succeeded)),
        ("checkout", happened(1, 6, failed())),
        ("checkout", report(5, Outcome::Succeeded)),
        ("checkout", happened(2, 6, void())),
        ("checkout", report(6, Outcome::Succeeded)),
        // Comes in late, and is of before the success.
        ("checkout", happened(3, 5, failed())),
    ]);
    assert_eq!(told.await, [("checkout".to_owned(), "1970-01-05".to_owned(), 1)]);
}

/// Folds up to each of these positions and then to the end, with a restart wherever that is wanted.
async fn folded(log: &dyn Log, stops: &[(u64, bool)], directory: &Path) -> Digest {
    let open = || Runner::open(Weekly, directory, log.id()).unwrap();
    let mut runner = open();
    for (position, restarts) in stops {
        runner.catch_up_to(log, Some(GlobalPosition(*position))).await.unwrap();
        if *restarts {
            drop(runner);
            runner = open();
        }
    }
    runner.catch_up_to(log, None).await.unwrap();
    digest(runner.tables()).unwrap()
}

fn command() -> impl Strategy<Value = (&'static str, Command)> {
    let service = prop::sample::select(vec!["checkout", "search"]);
    let outcome = prop_oneof![
        3 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed { error: None }),
    ];
    let later = prop_oneof![Just(Happened::Succeeded), Just(failed()), Just(void())];
    let command = prop_oneof![
        (0_i64..30, outcome).prop_map(|(day, outcome)| report(day, outcome)),
        (1_u32..6, 0_i64..30, later).prop_map(|(number, day, what)| happened(number, day, what)),
    ];
    (service, command)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_by_one_equals_batches_equals_restarts(
        commands in vec(command(), 0..12),
        mut stops in vec((1_u64..24, any::<bool>()), 0..6),
    ) {
        stops.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let log = record(commands).await;
            let one_by_one: Vec<_> = (1..24).map(|position| (position, false)).collect();
            let restarts: Vec<_> = (1..24).map(|position| (position, true)).collect();
            let mut digests = Vec::new();
            for stops in [Vec::new(), one_by_one, restarts, stops] {
                let directory = tempfile::tempdir().unwrap();
                digests.push(folded(&*log, &stops, directory.path()).await);
            }
            prop_assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", digests);
            Ok(())
        })?;
    }
}
