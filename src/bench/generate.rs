//! `shiplog bench generate`: a history to measure with.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use indicatif::HumanCount;
use jiff::{Timestamp, civil};
use serde_json::json;
use shiplog_domain::names::EnvironmentName;
use shiplog_projections::models::{Model, Phase, ReadModels};
use shiplog_store::{clock::SystemClock, log::Log, position::GlobalPosition};

use super::figures::seconds;
use crate::{
    context::Context,
    data::{self, DataArgs},
    exit::{Exit, Failure},
    generate::{Plan, Recorder, Step, Summary, history},
    output::{self, Column, Kind},
    progress::{Progress, per_second},
};

/// How many steps are taken at a time: of these, only those of one stream keep their order.
const AT_A_TIME: usize = 2_048;

/// Where releases go, in this order.
const ENVIRONMENTS: [&str; 12] = [
    "development",
    "testing",
    "integration",
    "acceptance",
    "demo",
    "staging",
    "production",
    "production-eu",
    "production-us",
    "production-asia",
    "production-brazil",
    "production-gov",
];

/// The most services that a history is about, unless something else is said.
const SERVICES: usize = 200;

/// How often it is looked how far the read models are.
const INTERVAL: Duration = Duration::from_secs(1);

const COLUMNS: [Column; 7] = [
    Column::new("directory", "/directory", Kind::Text),
    Column::new("seed", "/seed", Kind::Text),
    Column::new("services", "/services", Kind::Text),
    Column::new("events", "/events", Kind::Text),
    Column::new("seconds", "/seconds", Kind::Text),
    Column::new("events/s", "/events_per_second", Kind::Text),
    Column::new("read models level after, s", "/level_seconds", Kind::Text),
];

/// Fill an empty data directory with a generated history.
///
/// It is about 200 services in 12 environments, however long it is; the same seed makes the same
/// history. Every lane stays folded in memory meanwhile: about 1 GB for a million events.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  shiplog bench generate --events 1000000 --data million")]
pub(super) struct Generate {
    /// How many events there shall be; a few hundred more may come of it.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    events: u64,
    #[command(flatten)]
    data: DataArgs,
    /// How many services it is about at most; few of them make long lanes.
    #[arg(long, value_name = "COUNT", default_value_t = SERVICES,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=2_000))]
    services: usize,
    /// Another seed, another history.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { events, data: DataArgs { data: directory }, services, seed } = self;
        let log: Arc<dyn Log> =
            Arc::new(data::open(&directory, Arc::new(SystemClock), |_| Ok(false))?);
        refuse_what_is_there(&*log, &directory).await?;
        let (plan, is_quiet) = (plan(events, services, seed), context.settings.quiet.value);

        let began = Instant::now();
        let head = record(&log, &plan, events, is_quiet).await?;
        let recorded_in = began.elapsed();
        context.say("every event is recorded; the read models follow")?;
        // Not before: folding whole batches takes a fraction of the time.
        let models = ReadModels::fill(&log, &data::read_models(&directory))
            .await
            .map_err(|error| Failure::new(Exit::Failure, data::causes(&error)))?;
        for model in models.all() {
            level(model, head, is_quiet).await?;
        }
        models.stop().await;
        let level_in = began.elapsed();
        let told = json!({
            "directory": directory,
            "seed": seed,
            "services": plan.services,
            "events": head.0,
            "seconds": seconds(recorded_in),
            "events_per_second": per_second(head.0, recorded_in),
            "level_seconds": seconds(level_in),
        });
        output::one(context, &COLUMNS, &told)?;
        Ok(Exit::Success)
    }
}

async fn refuse_what_is_there(log: &dyn Log, directory: &Path) -> anyhow::Result<()> {
    let Some(head) = log.head().await.context("cannot read the log")? else { return Ok(()) };
    let shown = directory.display();
    let message = format!("the log in `{shown}` is not empty: it goes up to position {head}");
    Err(Failure::new(Exit::Refused, message).note("name an empty directory with --data").into())
}

/// A history of more than so many events: a deployment has two at least, and three most often.
fn plan(events: u64, services: usize, seed: u64) -> Plan {
    let deployments = usize::try_from(events / 2).unwrap_or(usize::MAX).max(100);
    Plan {
        seed,
        // A short history of many services would be over before most of them have released.
        services: (deployments / 100).clamp(services.min(4), services),
        environments: ENVIRONMENTS
            .iter()
            .filter_map(|name| name.parse::<EnvironmentName>().ok())
            .collect(),
        deployments,
        until: end(),
        months: 48,
    }
}

/// When every history ends, so that it depends on the seed alone.
fn end() -> Timestamp {
    let day = civil::date(2026, 1, 1).at(0, 0, 0, 0);
    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |end| end.timestamp())
}

/// Records steps until there are so many events; tells where the log is then.
async fn record(
    log: &Arc<dyn Log>,
    plan: &Plan,
    events: u64,
    is_quiet: bool,
) -> anyhow::Result<GlobalPosition> {
    let recorder = Recorder::with_all_lanes(log);
    let progress = Progress::new(Some(events), is_quiet);
    let what = format!("of {} events recorded", HumanCount(events));
    let mut steps = history(plan);
    loop {
        let some: Vec<Step> = steps.by_ref().take(AT_A_TIME).collect();
        ensure!(!some.is_empty(), "the history was over before there were {events} events");
        let Summary { refused, .. } = recorder.take(some.into_iter()).await?;
        ensure!(refused == 0, "the rules are against {refused} steps of the history");
        // The embedded log counts events: its head is how many there are.
        let head = log.head().await?.context("the log stays empty")?;
        progress.reach(head.0, head.0, &what);
        if head.0 >= events {
            return Ok(head);
        }
    }
}

/// Waits until a read model has come to where the log is.
async fn level(model: &Model, head: GlobalPosition, is_quiet: bool) -> anyhow::Result<()> {
    let progress = Progress::new(Some(head.0), is_quiet);
    let what = format!("of {} events folded", HumanCount(head.0));
    while model.at_least(head, INTERVAL).await.is_err() {
        let now = model.progress();
        if let Phase::Stalled { why } = now.phase {
            bail!("the read model `{}` has {why}", model.name());
        }
        let folded = now.checkpoint.map_or(0, |checkpoint| checkpoint.0);
        progress.reach(folded, folded, &what);
    }
    Ok(())
}
