//! `shiplog import`: takes in a history that was kept elsewhere.

mod change;
mod clamp;
mod http;
mod lines;
mod local;
mod report;
mod summary;
mod target;
mod work;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    context::Context,
    exit::Exit,
    import::{http::Http, lines::Lines, target::Target, work::Work},
    log::Place,
    progress::Progress,
};

/// How long to go on where the server is away, unless --timeout says otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// Take in a history that was kept elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Changes(Changes),
}

/// Import one change a line: what came to run where, when, put there by whom.
///
/// Each line is a JSON object with the fields `time` (RFC 3339), `actor`, `environment`,
/// `service`, `version` (null: the service was removed) and, if there is more to say, `commit`,
/// `status` (started, succeeded, failed; succeeded by default), `reason`, `url`,
/// `labels` (an object of texts). An actor is an id, or an object with `kind` (person, service,
/// system), `id` and `name`; ids that begin with `bot-` are services.
///
/// The order of the lines is the truth: where the time of a lane goes backwards, the time before
/// counts and the label `shiplog.original-time` keeps what was written. Lines that cannot be read
/// are skipped and listed at the end. An import that was stopped is run again: what is recorded
/// already is not recorded twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog import changes history.jsonl.gz
  zcat history.jsonl.gz | shiplog import changes -
  shiplog import changes history.jsonl.gz --data /var/lib/shiplog   (no server may run on it)
  shiplog import changes history.jsonl.gz --log 'esdb://admin:changeit@node1,node2,node3?tls=true'")]
struct Changes {
    /// JSON lines, plain or compressed with gzip; `-` is standard input.
    file: PathBuf,
    /// Write straight into this data directory, without a server.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Write straight into the log on this cluster; servers may run on it meanwhile.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["server", "data"])]
    log: Option<String>,
}

impl Changes {
    /// Where to write without a server, if that is wanted.
    fn place(&self) -> Option<Place> {
        let directory = self.data.clone().map(Place::Directory);
        directory.or_else(|| self.log.clone().map(Place::Cluster))
    }
}

impl Import {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        match self.what {
            What::Changes(changes) => changes.run(context),
        }
    }
}

impl Changes {
    fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let (began, place) = (Instant::now(), self.place());
        let lines = Lines::open(&self.file)?;
        let progress = Progress::new(lines.size(), context.settings.quiet.value);
        let mut target = open(context, place, &progress)?;
        let mut work = Work::new(target.as_mut(), &progress);
        let done = work.run(lines);
        let summary = work.into_summary();
        let done = done.and_then(|()| target.finish());
        progress.end();
        done?;
        summary.write(context, began.elapsed())?;
        Ok(summary.exit())
    }
}

fn open(
    context: &Context<'_>,
    place: Option<Place>,
    progress: &Progress,
) -> anyhow::Result<Box<dyn Target>> {
    if let Some(place) = place {
        return local::open(&place);
    }
    let patience = context.settings.timeout.value.unwrap_or(PATIENCE);
    Ok(Box::new(Http::new(context.client()?, patience, progress.clone())))
}
