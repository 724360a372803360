//! `shiplog bench log`: a log by itself, the embedded one beside a cluster's.

mod conflicts;
mod contended;
mod load;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::TryStreamExt as _;
use serde_json::{Value, json};
use shiplog_store::{
    clock::{Clock as _, SystemClock},
    log::Log,
    sqlite::SqliteLog,
};

use self::load::{Load, template};
use super::{figures::ratio, scratch::ScratchArgs};
use crate::{
    context::Context,
    exit::Exit,
    log::connect_within,
    output::{self, Column, Kind},
    progress::per_second,
};

const COLUMNS: [Column; 7] = [
    Column::new("what", "/what", Kind::Text),
    Column::new("writers", "/writers", Kind::Text),
    Column::new("embedded, /s", "/embedded/per_second", Kind::Text),
    Column::new("cluster, /s", "/cluster/per_second", Kind::Text),
    Column::new("ratio", "/ratio", Kind::Text),
    Column::new("conflicts/s", "/cluster/conflicts_per_second", Kind::Text),
    Column::new("slowest, ms", "/cluster/slowest_ms", Kind::Text),
];

/// Count appends and events read a second, in the embedded log and in a cluster's.
///
/// No HTTP, no rules, no read models: an append is of the two events of a deployment that was
/// reported as succeeded, encoded once, and counted when it is acknowledged. Each writer has lanes
/// of its own. Then all that was appended is read, over and over.
///
/// Of a cluster it is measured, too, what becomes of deployments that sixteen report to the same six lanes over
/// two connections, as to two servers: each is decided, and decided again where the other server was faster.
///
/// What is appended to the cluster stays there, in streams whose names begin with `bench-` and that
/// no server takes for its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog bench log
  shiplog bench log --log 'esdb://admin:changeit@node1,node2,node3?tls=true'")]
pub(super) struct BareLog {
    /// How many writers there are at the same time, one measurement each.
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_values_t = [1, 16, 64],
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    writers: Vec<u32>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// The cluster to measure beside the embedded log.
    #[arg(long, value_name = "ADDRESS", env = "SHIPLOG_CLUSTER", hide_env_values = true)]
    log: Option<String>,
    #[command(flatten)]
    scratch: ScratchArgs,
}

impl BareLog {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { writers, seconds, log: address, scratch } = self;
        let (place, lasting) = (scratch.place(context)?, Duration::from_secs(seconds));
        let directory = place.scratch()?;
        let embedded = SqliteLog::open(directory.path(), Arc::new(SystemClock))?;
        let embedded: Arc<dyn Log> = Arc::new(embedded);
        let prefix = prefix();
        let cluster = match &address {
            Some(address) => Some(connect_within(address, &prefix).await?),
            None => None,
        };
        let template = template().await?;
        let mut items = Vec::new();
        for (nth, writers) in writers.into_iter().enumerate() {
            context.say(format!("{writers} writers, {seconds} s each"))?;
            let load = Load { nth, template: &template, writers, lasting };
            let one = load.append(&embedded).await?;
            let other = match &cluster {
                Some(cluster) => Some(load.append(cluster).await?),
                None => None,
            };
            items.push(Ok(tell("append", Some(writers), one, other)));
        }
        context.say(format!("reading, {seconds} s each"))?;
        let one = read(&embedded, lasting).await?;
        let other = match &cluster {
            Some(cluster) => Some(read(cluster, lasting).await?),
            None => None,
        };
        items.push(Ok(tell("read all", None, one, other)));
        if let (Some(address), Some(cluster)) = (&address, cluster) {
            context.say(format!("two servers that report to the same lanes, {seconds} s"))?;
            let servers = [cluster, connect_within(address, &prefix).await?];
            items.push(Ok(contended::measure(servers, lasting).await?));
        }
        output::list(context, &COLUMNS, items)?;
        Ok(Exit::Success)
    }
}

/// How much was done, and in what time.
type Done = (u64, Duration);

fn tell(what: &str, writers: Option<u32>, embedded: Done, cluster: Option<Done>) -> Value {
    let rate = |(count, elapsed): Done| per_second(count, elapsed);
    let shown = |done: Done| json!({ "count": done.0, "per_second": rate(done) });
    json!({
        "what": what,
        "writers": writers,
        "embedded": shown(embedded),
        "cluster": cluster.map(shown),
        "ratio": cluster.map(|cluster| ratio(rate(cluster), rate(embedded))),
    })
}

/// Reads the whole log, over and over until the time is up; counts the events.
async fn read(log: &Arc<dyn Log>, lasting: Duration) -> anyhow::Result<Done> {
    let (began, mut events) = (Instant::now(), 0);
    while began.elapsed() < lasting {
        let mut records = log.read_all(None);
        while records.try_next().await?.is_some() {
            events += 1;
        }
    }
    Ok((events, began.elapsed()))
}

/// What the streams of this run begin with on a cluster.
fn prefix() -> String {
    format!("bench-{}-{}.", SystemClock.now().as_microsecond(), std::process::id())
}
