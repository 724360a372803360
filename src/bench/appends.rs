//! `shiplog bench appends`: durable appends a second, over HTTP and into bare SQLite.

mod reports;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use futures::{TryStreamExt as _, future::try_join_all};
use hyper::StatusCode;
use serde_json::{Value, json};
use shiplog_store::log::Log as _;

pub(super) use self::reports::Reports;
use super::{
    bare::Row,
    client::Connection,
    figures::ratio,
    group::{self, Load},
    scratch::{Place, ScratchArgs},
    server::Server,
};
use crate::{
    context::Context,
    data,
    exit::Exit,
    output::{self, Column, Kind},
    progress::per_second,
};

/// How many lanes each client reports to, in turn.
const LANES_EACH: u32 = 16;

const COLUMNS: [Column; 7] = [
    Column::new("clients", "/clients", Kind::Text),
    Column::new("shiplog appends/s", "/shiplog/appends_per_second", Kind::Text),
    Column::new("events/s", "/shiplog/events_per_second", Kind::Text),
    Column::new("SQLite appends/s", "/sqlite/appends_per_second", Kind::Text),
    Column::new("events/s", "/sqlite/events_per_second", Kind::Text),
    Column::new("ratio", "/ratio", Kind::Text),
    Column::new("bytes/append", "/bytes_per_append", Kind::Text),
];

/// Count durable appends a second, over HTTP and into bare SQLite.
///
/// A server is started on a temporary directory. Each client has one connection and lanes of its
/// own, and reports one succeeded deployment after the other: an append of two events, counted
/// when it is acknowledged.
///
/// Beside it, as many threads hand the same rows to one writer, which commits whatever has queued
/// up to a file of the log's shape with the log's settings: no HTTP, no JSON, no rules, no read
/// models. `benches/postgres` asks the same of another database.
#[derive(Debug, clap::Args)]
pub(super) struct Appends {
    /// How many clients there are at the same time, one measurement each.
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_values_t = [1, 16, 64],
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients: Vec<u32>,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    #[command(flatten)]
    scratch: ScratchArgs,
}

impl Appends {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { clients, seconds, scratch } = self;
        let (place, lasting) = (scratch.place(context)?, Duration::from_secs(seconds));
        let mut items = Vec::new();
        for clients in clients {
            context.say(format!("{clients} clients, {seconds} s each"))?;
            items.push(Ok(measure(&place, clients, lasting).await?));
        }
        output::list(context, &COLUMNS, items)?;
        Ok(Exit::Success)
    }
}

async fn measure(place: &Place, clients: u32, lasting: Duration) -> anyhow::Result<Value> {
    let scratch = place.scratch()?;
    let (appends, elapsed) = serve(scratch.path(), clients, lasting).await?;
    let append = first_append(scratch.path()).await?;
    let (events, bytes) = (append.len(), append.iter().map(Row::bytes).sum::<usize>());
    drop(scratch);

    let scratch = place.scratch()?;
    let load = Load { append: &append, clients, streams_each: LANES_EACH, lasting };
    let (bare, bare_elapsed) = group::commit(scratch.path(), &load)?;
    let rate = |appends, elapsed| {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        json!({
            "appends": appends,
            "appends_per_second": per_second(appends, elapsed),
            "events_per_second": per_second(appends.saturating_mul(events), elapsed),
        })
    };
    Ok(json!({
        "clients": clients,
        "file_system": place.file_system,
        "bytes_per_append": bytes,
        "events_per_append": events,
        "shiplog": rate(appends, elapsed),
        "sqlite": rate(bare, bare_elapsed),
        "ratio": ratio(per_second(appends, elapsed), per_second(bare, bare_elapsed)),
    }))
}

/// Has clients report to a server; tells how many reports were acknowledged, and in what time.
async fn serve(data: &Path, clients: u32, lasting: Duration) -> anyhow::Result<(u64, Duration)> {
    let server = Server::start(data)?;
    server.ready().await?;
    let connections = try_join_all((0..clients).map(|_| server.connect())).await?;
    let began = Instant::now();
    let reporting = connections.into_iter().zip(0..).map(|(connection, client)| {
        tokio::spawn(report(connection, Reports::new(client, LANES_EACH), began + lasting))
    });
    let counts: Vec<_> = try_join_all(reporting).await?;
    let elapsed = began.elapsed();
    let appends = counts.into_iter().sum::<anyhow::Result<u64>>()?;
    server.stop().await?;
    Ok((appends, elapsed))
}

/// Reports one deployment after the other until the time is up; counts them.
async fn report(
    mut connection: Connection,
    reports: Reports,
    deadline: Instant,
) -> anyhow::Result<u64> {
    let mut acknowledged = 0;
    for (key, body) in reports {
        if Instant::now() >= deadline {
            break;
        }
        let (status, answer) = connection.post("/v1/deployments", &key, body).await?;
        let said = || String::from_utf8_lossy(&answer).into_owned();
        ensure!(status == StatusCode::CREATED, "a report was answered with {status}: {}", said());
        acknowledged += 1;
    }
    Ok(acknowledged)
}

/// The rows that the first report led to.
async fn first_append(data: &Path) -> anyhow::Result<Vec<Row>> {
    let log = data::open_read_only(data)?;
    let mut records = log.read_all(None);
    let mut rows = Vec::new();
    let mut key = None;
    while let Some(record) = records.try_next().await? {
        let own = key.get_or_insert_with(|| record.metadata.idempotency_key.clone());
        if *own != record.metadata.idempotency_key {
            break;
        }
        rows.push(Row::of(record)?);
    }
    Ok(rows)
}
