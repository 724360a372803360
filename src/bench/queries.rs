//! `shiplog bench queries`: how long answers take, and what a server takes for them.

use std::{fs, num::NonZeroU32, path::Path, time::Instant};

use anyhow::{Context as _, ensure};
use hyper::StatusCode;
use serde_json::{Value, json};
use shiplog_store::log::Log as _;

use super::{
    client::Connection,
    figures::{milliseconds, percentile, ratio},
    meanwhile::{Meanwhile, Work},
    questions::{KINDS, Question, Samples},
    server::Server,
};
use crate::{
    context::Context,
    data::{self, DataArgs},
    exit::Exit,
    output::{self, Column, Format, Kind},
};

const COLUMNS: [Column; 6] = [
    Column::new("question", "/question", Kind::Text),
    Column::new("requests", "/requests", Kind::Text),
    Column::new("p50 ms", "/p50_ms", Kind::Text),
    Column::new("p99 ms", "/p99_ms", Kind::Text),
    Column::new("max ms", "/max_ms", Kind::Text),
    Column::new("bytes", "/bytes", Kind::Text),
];

const SERVER_COLUMNS: [Column; 6] = [
    Column::new("events", "/events", Kind::Text),
    Column::new("start to ready, ms", "/ready_ms", Kind::Text),
    Column::new("resident memory, MiB", "/resident_mib", Kind::Text),
    Column::new("at most, MiB", "/peak_mib", Kind::Text),
    Column::new("log, bytes/event", "/log_bytes_per_event", Kind::Text),
    Column::new("read models, bytes/event", "/read_model_bytes_per_event", Kind::Text),
];

/// Time answers of a server, and weigh the server.
///
/// One is started on the directory, and asked one question after the other over one connection.
/// What is asked for is drawn from the log: the same log, the same questions. Where read models
/// are missing or behind, the server makes them first.
#[derive(Debug, clap::Args)]
pub(super) struct Queries {
    #[command(flatten)]
    data: DataArgs,
    /// How often each kind of question is asked.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    requests: u64,
    /// What the server does meanwhile.
    #[arg(long, value_enum)]
    meanwhile: Option<Meanwhile>,
    /// How many events a rebuild folds a second at most.
    #[arg(long, value_name = "COUNT", requires = "meanwhile")]
    max_events_per_second: Option<NonZeroU32>,
}

impl Queries {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { data: DataArgs { data }, requests, meanwhile, max_events_per_second } = self;
        let log = data::open_read_only(&data)?;
        let head = log.head().await.context("cannot read the log")?;
        let samples = Samples::draw(&log, head).await?;
        drop(log);

        let server = Server::start(&data)?;
        let ready = server.ready().await?;
        let work = match meanwhile {
            Some(meanwhile) => Some(meanwhile.begin(&server, max_events_per_second).await?),
            None => None,
        };
        let mut connection = server.connect().await?;
        let mut answers = Vec::new();
        for kind in KINDS {
            context.say(format!("{requests} times {}", kind.name))?;
            answers.push(ask(&mut connection, &kind, &samples, requests).await?);
        }
        work.map_or(Ok(()), Work::stop)?;
        let memory = server.memory()?;
        server.stop().await?;
        // The embedded log counts events: its head is how many there are.
        let events = head.map_or(0, |head| head.0);
        let told = json!({
            "events": events,
            "ready_ms": milliseconds(ready),
            "resident_mib": ratio(memory.resident, 1 << 10),
            "peak_mib": ratio(memory.peak, 1 << 10),
            "log_bytes_per_event": ratio(size(&data, "log.sqlite")?, events),
            "read_model_bytes_per_event": ratio(size(&data::read_models(&data), "")?, events),
        });
        tell(context, answers, told)?;
        Ok(Exit::Success)
    }
}

/// Asks questions of one kind, and times the answers.
async fn ask(
    connection: &mut Connection,
    kind: &Question,
    samples: &Samples,
    requests: u64,
) -> anyhow::Result<Value> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for nth in 0..usize::try_from(requests)? {
        let path = (kind.path)(samples, nth).to_string();
        let began = Instant::now();
        let (status, answer) = connection.get(&path).await?;
        times.push(began.elapsed());
        bytes += u64::try_from(answer.len())?;
        let said = || String::from_utf8_lossy(&answer).into_owned();
        ensure!(status == StatusCode::OK, "{path} was answered with {status}: {}", said());
    }
    times.sort_unstable();
    let at = |percent| percentile(&times, percent).map_or(0.0, milliseconds);
    Ok(json!({
        "question": kind.name,
        "requests": requests,
        "p50_ms": at(50),
        "p99_ms": at(99),
        "max_ms": at(100),
        "bytes": bytes / requests.max(1),
    }))
}

/// Writes both tables, or as much as one table, list or document can hold of them.
fn tell(context: &mut Context<'_>, answers: Vec<Value>, server: Value) -> anyhow::Result<()> {
    match context.settings.output.value {
        Format::Table => {
            output::list(context, &COLUMNS, answers.into_iter().map(Ok))?;
            writeln!(context.out)?;
            output::one(context, &SERVER_COLUMNS, &server)
        }
        Format::Json => output::json(context, &json!({"questions": answers, "server": server})),
        Format::Jsonl => {
            output::list(context, &COLUMNS, answers.into_iter().chain([server]).map(Ok))?;
            Ok(())
        }
        Format::Csv => {
            output::list(context, &COLUMNS, answers.into_iter().map(Ok))?;
            output::list(context, &SERVER_COLUMNS, [Ok(server)])?;
            Ok(())
        }
    }
}

/// How many bytes there are in files of a directory whose names begin so.
fn size(directory: &Path, prefix: &str) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory).context("cannot look into the data directory")? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
