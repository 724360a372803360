//! Writers that append the same events, each to streams of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{TryStreamExt as _, future::try_join_all};
use jiff::Timestamp;
use serde_json::{Map, Value};
use shiplog_api::{Admission, Claims, record};
use shiplog_domain::{
    metadata::{
        Actor, ActorKind, CorrelationId, EventId, IdempotencyKey, Metadata, RequestDigest, Via,
    },
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::{
    clock::{Clock as _, SystemClock},
    log::{Log, NewEvent, Recorded},
    position::{ExpectedVersion, StreamVersion},
    sqlite::SqliteLog,
};

use crate::bench::appends::Reports;

/// How many lanes each writer appends to, in turn.
const LANES_EACH: u32 = 16;

/// The events of one append, as a log has them.
pub(super) type Template = Vec<Recorded<EncodedEvent>>;

/// The events that one report leads to.
pub(super) async fn template() -> anyhow::Result<Template> {
    let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(SystemClock))?);
    let (key, report) = Reports::new(0, 1).next().context("there are reports without end")?;
    let mut report: Map<String, Value> = serde_json::from_str(&report)?;
    report.insert("idempotency_key".into(), key.into());
    let claims = claims(SystemClock.now());
    let admission = Admission::new(&log, Arc::new(SystemClock));
    record(&admission, &claims, Value::Object(report).to_string().as_bytes()).await;
    let template: Template = log.read_all(None).try_collect().await?;
    ensure!(!template.is_empty(), "the report that is measured with was not taken");
    Ok(template)
}

/// Who reports, at this time.
pub(super) fn claims(now: Timestamp) -> Claims {
    let actor = Actor {
        kind: ActorKind::System,
        id: "shiplog-bench".into(),
        name: None,
        via: Via::Claimed,
    };
    Claims { actor, correlation: CorrelationId("bench".into()), source: None, now }
}

/// What is appended again and again.
pub(super) struct Load<'a> {
    /// Which measurement it is: each has streams of its own.
    pub(super) nth: usize,
    pub(super) template: &'a Template,
    /// How many append at the same time.
    pub(super) writers: u32,
    /// For how long.
    pub(super) lasting: Duration,
}

impl Load<'_> {
    /// Appends as much as goes; tells how many appends that were, and in what time.
    pub(super) async fn append(&self, log: &Arc<dyn Log>) -> anyhow::Result<(u64, Duration)> {
        let Self { nth, template, writers, lasting } = self;
        let (began, template) = (Instant::now(), Arc::new((*template).clone()));
        let writing = (0..*writers).map(|writer| {
            let name = format!("{nth}-{writer}");
            let (log, template) = (Arc::clone(log), Arc::clone(&template));
            tokio::spawn(write(log, template, name, began + *lasting))
        });
        let counts: Vec<_> = try_join_all(writing).await?;
        let elapsed = began.elapsed();
        Ok((counts.into_iter().sum::<anyhow::Result<u64>>()?, elapsed))
    }
}

/// Appends to one lane after the other until the time is up; counts the appends.
async fn write(
    log: Arc<dyn Log>,
    template: Arc<Template>,
    name: String,
    until: Instant,
) -> anyhow::Result<u64> {
    let lanes = (0..LANES_EACH).map(|lane| format!("lane-bench-{name}-{lane}@production"));
    let mut lanes: Vec<_> = lanes.map(|lane| (StreamName::recorded(lane), None)).collect();
    let mut appends = 0;
    while Instant::now() < until {
        for (stream, last) in &mut lanes {
            let key: IdempotencyKey = format!("{name}-{appends}").parse()?;
            let events = events(stream, &key, &template);
            let appended = log.append(stream, ExpectedVersion::from(*last), events).await?;
            *last = Some::<StreamVersion>(appended.version);
            appends += 1;
        }
    }
    Ok(appends)
}

/// The events of one append, under a key of its own.
fn events(stream: &StreamName, key: &IdempotencyKey, template: &Template) -> Vec<NewEvent> {
    let Some(first) = template.first() else { return Vec::new() };
    let metadata = Arc::new(Metadata {
        idempotency_key: key.clone(),
        request_digest: RequestDigest::of(&[key.as_str().as_bytes()]),
        ..first.metadata.clone()
    });
    let event = |(index, record): (usize, &Recorded<EncodedEvent>)| NewEvent {
        id: EventId::derive(stream, key, index),
        metadata: Arc::clone(&metadata),
        event: record.event.clone(),
    };
    template.iter().enumerate().map(event).collect()
}
