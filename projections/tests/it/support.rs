//! A log to fill, and models folded from it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use shiplog_domain::{
    lane::{Asked, Command, Lane, LaneId, Outcome, Rails, Report, Request, When},
    metadata::{Actor, ActorKind, CorrelationId, Metadata, RequestDigest, Via},
    release::Manifest,
};
use shiplog_projections::{projection::Projection, runner::Runner};
use shiplog_store::{
    clock::Clock,
    execute::Streams,
    log::{Log, NewEvent},
    position::ExpectedVersion,
    sqlite::SqliteLog,
    transfer::{Original, Replica as _},
};

/// Says one second more each time it is asked.
pub(crate) struct Ticking(AtomicI64);

/// When the ticking clock begins.
pub(crate) const RECORDING_BEGINS: i64 = 2_000_000_000;

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_second(second).unwrap()
    }
}

/// A log and its lanes.
pub(crate) struct World {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) lanes: Streams<Lane>,
    requests: AtomicI64,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(Ticking(AtomicI64::new(RECORDING_BEGINS)));
        let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(clock).unwrap());
        Self { lanes: Streams::new(Arc::clone(&log)), log, requests: AtomicI64::new(0) }
    }

    /// Executes a command; a refusal is fine, it leaves no events.
    pub(crate) async fn tell(&self, lane: &LaneId, command: Command) {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let metadata = metadata(request);
        let _ = self.lanes.execute(&lane.stream(), None, command, metadata, |_, _| ()).await;
    }

    /// The same log as several servers would have recorded it whose clocks are behind by so many seconds,
    /// one after the other in turn: times go back along the log, and never along a stream.
    pub(crate) async fn recorded_by(&self, behind: &[i64]) -> Self {
        let log =
            SqliteLog::in_memory(Arc::new(Ticking(AtomicI64::new(RECORDING_BEGINS)))).unwrap();
        let (mut records, mut last) = (self.log.read_all(None), HashMap::new());
        for behind in behind.iter().cycle() {
            let Some(record) = records.try_next().await.unwrap() else { break };
            let recorded_at = record.recorded_at - SignedDuration::from_secs(*behind);
            let (expected, recorded_at) = match last.get(&record.stream) {
                None => (ExpectedVersion::NoStream, recorded_at),
                Some((version, at)) => (ExpectedVersion::Exact(*version), recorded_at.max(*at)),
            };
            last.insert(record.stream.clone(), (record.version, recorded_at));
            let metadata = Arc::new(record.metadata);
            let events = vec![NewEvent { id: record.id, metadata, event: record.event }];
            let original = Original { recorded_at, may_go_back: true };
            log.replicate(&record.stream, expected, events, original).await.unwrap();
        }
        let log: Arc<dyn Log> = Arc::new(log);
        Self {
            lanes: Streams::new(Arc::clone(&log)),
            log,
            requests: AtomicI64::new(self.requests()),
        }
    }

    /// How many commands were executed.
    pub(crate) fn requests(&self) -> i64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Folds the log into a model from nothing.
    pub(crate) async fn fold<P: Projection>(&self, projection: P) -> Runner<P> {
        let mut runner = Runner::in_memory(projection, self.log.id()).unwrap();
        runner.catch_up_to(&*self.log, None).await.unwrap();
        runner
    }
}

pub(crate) fn metadata(request: i64) -> Metadata {
    Metadata {
        actor: Actor {
            kind: ActorKind::Person,
            id: format!("person-{}", request % 3),
            name: None,
            via: Via::Claimed,
        },
        idempotency_key: format!("request-{request}").parse().unwrap(),
        request_digest: RequestDigest::of(&[&request.to_le_bytes()]),
        correlation_id: CorrelationId(format!("{request}")),
        causation_id: None,
        source: None,
    }
}

pub(crate) fn lane(service: &str) -> LaneId {
    LaneId { service: service.parse().unwrap(), environment: "production".parse().unwrap() }
}

/// A time that the caller states, in seconds.
pub(crate) fn stated(second: i64) -> When {
    When { at: Timestamp::from_second(second).unwrap(), stated: true }
}

pub(crate) fn request(second: i64, asked: Asked) -> Request {
    Request {
        // What is asked for states no time.
        when: When { stated: false, ..stated(second) },
        asked,
        by: None,
        reason: None,
        url: None,
        external_id: None,
        labels: std::collections::BTreeMap::new(),
        acknowledged: Vec::new(),
        configuration: None,
    }
}

/// Asks where no guard rail stands.
pub(crate) fn ask(request: Request) -> Command {
    Command::Request { request, rails: Rails::default(), crosses: None }
}

pub(crate) fn release(version: &str) -> Manifest {
    Manifest::named(version.parse().unwrap())
}

pub(crate) fn report(second: i64, version: &str, outcome: Outcome) -> Command {
    let request = request(second, Asked::Unknown(release(version)));
    Command::Report(Report { request, outcome })
}
