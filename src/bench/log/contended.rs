//! Two servers that report to the same lanes at once, and get into each other's way.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use serde_json::{Map, Value, json};
use shiplog_api::{Admission, Claims, ProblemKind, record};
use shiplog_store::{
    clock::{Clock as _, SystemClock},
    log::Log,
};

use super::{conflicts::Counted, load::claims};
use crate::{
    bench::{appends::Reports, figures::milliseconds},
    progress::per_second,
};

/// How many report at the same time, to two servers by turns.
const WRITERS: u32 = 16;

/// How many lanes they share.
const LANES: u32 = 6;

/// What one writer came to.
#[derive(Default)]
struct Written {
    recorded: u64,
    /// How often a report lost five times in a row and was sent again.
    again: u64,
    slowest: Duration,
}

/// Reports deployments to the same lanes over two connections until the time is up.
pub(super) async fn measure(
    servers: [Arc<dyn Log>; 2],
    lasting: Duration,
) -> anyhow::Result<Value> {
    let servers = servers.map(|log| Arc::new(Counted::new(log)));
    let began = Instant::now();
    let admissions = servers.each_ref().map(|server| {
        let log: Arc<dyn Log> = Arc::<Counted>::clone(server);
        Arc::new(Admission::new(&log, Arc::new(SystemClock)))
    });
    let writing = (0..WRITERS).zip(admissions.iter().cycle()).map(|(writer, admission)| {
        tokio::spawn(write(Arc::clone(admission), writer, began + lasting))
    });
    let mut all = Written::default();
    for written in try_join_all(writing.collect::<Vec<_>>()).await? {
        let Written { recorded, again, slowest } = written?;
        all.recorded += recorded;
        all.again += again;
        all.slowest = all.slowest.max(slowest);
    }
    let elapsed = began.elapsed();
    let conflicts = servers.iter().map(|server| server.conflicts.load(Relaxed)).sum();
    Ok(json!({
        "what": format!("deployments, {LANES} lanes of two servers"),
        "writers": WRITERS,
        "cluster": {
            "count": all.recorded,
            "per_second": per_second(all.recorded, elapsed),
            "conflicts_per_second": per_second(conflicts, elapsed),
            "sent_again": all.again,
            "slowest_ms": milliseconds(all.slowest),
        },
    }))
}

/// Reports one deployment after the other to a lane that it shares.
async fn write(admission: Arc<Admission>, writer: u32, until: Instant) -> anyhow::Result<Written> {
    // The writers of a lane come by turns to the one server and to the other.
    let lane = format!("checkout-{}", writer / 2 % LANES);
    let mut written = Written::default();
    for (key, report) in Reports::new(writer, 1) {
        if Instant::now() >= until {
            break;
        }
        let mut report: Map<String, Value> = serde_json::from_str(&report)?;
        report.insert("idempotency_key".into(), key.into());
        report.insert("service".into(), lane.clone().into());
        let report_line = Value::Object(report).to_string();
        let began = Instant::now();
        while !is_recorded(&admission, &report_line).await? {
            written.again += 1;
        }
        written.slowest = written.slowest.max(began.elapsed());
        written.recorded += 1;
    }
    Ok(written)
}

/// Reports one deployment; whether it was recorded, and not given up because others were faster.
async fn is_recorded(admission: &Admission, report_line: &str) -> anyhow::Result<bool> {
    let claims: Claims = claims(SystemClock.now());
    let answers = record(admission, &claims, report_line.as_bytes()).await;
    match &answers.first().context("a report was not answered")?.result {
        Ok(_) => Ok(true),
        Err(problem) if problem.kind == ProblemKind::Contended => Ok(false),
        Err(problem) => bail!("a report was refused: {}", problem.detail),
    }
}
