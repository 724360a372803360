//! `shiplog bench import`: an import, beside bare inserts of what came of it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use shiplog_store::log::Log as _;

use super::{
    bare::{Bare, Row},
    figures::{ratio, seconds},
    process::Process,
    scratch::ScratchArgs,
};
use crate::{
    context::Context,
    data,
    exit::Exit,
    output::{self, Column, Kind},
    progress::per_second,
};

/// How many rows one transaction takes.
const ROWS_AT_ONCE: usize = 1_000;

const COLUMNS: [Column; 6] = [
    Column::new("events", "/events", Kind::Text),
    Column::new("import, s", "/import/seconds", Kind::Text),
    Column::new("import, events/s", "/import/events_per_second", Kind::Text),
    Column::new("bare SQLite, s", "/sqlite/seconds", Kind::Text),
    Column::new("bare SQLite, events/s", "/sqlite/events_per_second", Kind::Text),
    Column::new("ratio", "/ratio", Kind::Text),
];

/// Time an import, beside bare inserts of the same records.
///
/// The import is `shiplog import changes` into an empty directory, as a process from its start to
/// its end: unpacking, reading, deciding, recording, and all read models.
///
/// The bare inserts are of the records that it led to, in their order, 1,000 a transaction, into a
/// file of the log's shape with the log's settings. Reading the records is not counted.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// JSON lines as `shiplog import changes` takes them, plain or compressed with gzip.
    file: PathBuf,
    #[command(flatten)]
    scratch: ScratchArgs,
}

impl Import {
    pub(super) async fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { file, scratch } = self;
        let place = scratch.place(context)?;
        let (imported, bare) = (place.scratch()?, place.scratch()?);
        let import_took = import(&file, imported.path()).await?;
        let (events, bare_took) = insert(imported.path(), bare.path()).await?;
        let rate = |took: Duration| -> Value {
            json!({"seconds": seconds(took), "events_per_second": per_second(events, took)})
        };
        let told = json!({
            "events": events,
            "file_system": place.file_system,
            "import": rate(import_took),
            "sqlite": rate(bare_took),
            "ratio": ratio(per_second(events, import_took), per_second(events, bare_took)),
        });
        output::one(context, &COLUMNS, &told)?;
        Ok(Exit::Success)
    }
}

async fn import(file: &Path, data: &Path) -> anyhow::Result<Duration> {
    let mut command = Process::shiplog()?;
    command.args(["import", "changes", "--quiet"]).arg(file).arg("--data").arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    Process::start(&mut command)?.wait().await?;
    Ok(began.elapsed())
}

/// Inserts the records of one log into a bare file; tells how many, and in what time.
async fn insert(from: &Path, into: &Path) -> anyhow::Result<(u64, Duration)> {
    let log = data::open_read_only(from)?;
    let mut bare = Bare::make(into)?;
    let (mut events, mut elapsed) = (0, Duration::ZERO);
    let mut chunks = log.read_all(None).try_chunks(ROWS_AT_ONCE);
    while let Some(chunk) = chunks.next().await {
        let rows = chunk?.into_iter().map(Row::of).collect::<anyhow::Result<Vec<_>>>()?;
        events += u64::try_from(rows.len())?;
        let began = Instant::now();
        bare.commit(&rows)?;
        elapsed += began.elapsed();
    }
    let began = Instant::now();
    bare.close()?;
    Ok((events, elapsed + began.elapsed()))
}
