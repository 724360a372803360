//! `shiplog bench replay`: read models rebuilt, beside reading and decoding alone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use shiplog_domain::wire::DomainEvent;
use shiplog_projections::{
    current::Current,
    history::History,
    projection::Projection,
    releases::Releases,
    rollbacks::Rollbacks,
    runner::Runner,
    script::{Slice, preview},
};
use shiplog_store::{log::Log, sqlite::SqliteLog};

use super::{
    figures::{ratio, seconds},
    scratch::{Place, ScratchArgs},
};
use crate::{
    context::Context,
    data::{self, DataArgs},
    exit::Exit,
    output::{self, Column, Kind},
    progress::per_second,
};

const COLUMNS: [Column; 5] = [
    Column::new("what", "/what", Kind::Text),
    Column::new("events", "/events", Kind::Text),
    Column::new("seconds", "/seconds", Kind::Text),
    Column::new("events/s", "/events_per_second", Kind::Text),
    Column::new("times reading and decoding", "/times", Kind::Text),
];

/// The least that a script can do with each event.
const COUNTS: &str = "fromAll().when({ $init: () => ({ n: 0 }), $any(s) { s.n += 1 } })";

/// One that reads what happened, and keeps a state for each service.
const READS: &str = "fromCategory('lane').partitionBy(e => e.service).when({
    $init: () => ({ n: 0, last: null }),
    DeploymentRequested(s, e) { s.last = e.data.release.version },
    DeploymentSucceeded(s, e) { s.n += 1; s.at = e.data.at } })";

/// Rebuild every read model, beside reading and decoding alone.
///
/// The log is read once before, so that each time it is in memory as far as it fits. The rebuilt
/// read models go to a temporary directory and are deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    scratch: ScratchArgs,
}

impl Replay {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { data: DataArgs { data }, scratch } = self;
        let log = Arc::new(data::open_read_only(&data)?);
        let place = scratch.place(context)?;
        context.say("reading the log, to have it in memory")?;
        decode(&log).await?;
        let alone = decode(&log).await?;
        let mut items = vec![Ok(alone.tell("reading and decoding", alone))];
        for (name, replayed) in [
            ("current", fold(context, Current, &log, &place).await?),
            ("history", fold(context, History, &log, &place).await?),
            ("rollbacks", fold(context, Rollbacks, &log, &place).await?),
            ("releases", fold(context, Releases, &log, &place).await?),
            ("a script that counts", script(context, COUNTS, &log).await?),
            ("a script that reads", script(context, READS, &log).await?),
        ] {
            let replayed = Pass { events: alone.events, took: replayed };
            items.push(Ok(replayed.tell(name, alone)));
        }
        output::list(context, &COLUMNS, items)?;
        Ok(Exit::Success)
    }
}

/// One time through the log.
#[derive(Clone, Copy)]
struct Pass {
    events: u64,
    took: Duration,
}

impl Pass {
    fn tell(self, what: &str, alone: Self) -> Value {
        let Self { events, took } = self;
        let rate = per_second(events, took);
        json!({
            "what": what,
            "events": events,
            "seconds": seconds(took),
            "events_per_second": rate,
            "times": ratio(per_second(alone.events, alone.took), rate),
        })
    }
}

/// Reads and decodes every event, and does nothing with it.
async fn decode(log: &SqliteLog) -> anyhow::Result<Pass> {
    let began = Instant::now();
    let (mut records, mut events) = (log.read_all(None), 0);
    while let Some(recorded) = records.try_next().await? {
        DomainEvent::decode(&recorded.stream, &recorded.event)?;
        events += 1;
    }
    Ok(Pass { events, took: began.elapsed() })
}

async fn fold<P: Projection>(
    context: &mut Context<'_>,
    projection: P,
    log: &SqliteLog,
    place: &Place,
) -> anyhow::Result<Duration> {
    let name = projection.name();
    context.say(format!("replaying `{name}`"))?;
    let scratch = place.scratch()?;
    let began = Instant::now();
    let mut runner = Runner::open(projection, scratch.path(), log.id())
        .with_context(|| format!("cannot make the read model `{name}`"))?;
    runner.catch_up_to(log, None).await?;
    Ok(began.elapsed())
}

/// Folds a script over the log, in its own process.
async fn script(
    context: &mut Context<'_>,
    source: &str,
    log: &Arc<SqliteLog>,
) -> anyhow::Result<Duration> {
    context.say("replaying a script")?;
    let (name, program) = ("bench".parse()?, crate::script::program()?);
    let began = Instant::now();
    let preview =
        preview(Arc::<SqliteLog>::clone(log), &program, (&name, source), &Slice::default(), |_| {})
            .await?;
    ensure!(preview.fault.is_none(), "the script failed: {:?}", preview.fault);
    Ok(began.elapsed())
}
