//! `shiplog verify`: walks the log and checks what it promises.

use anyhow::Context as _;
use serde_json::json;
use shiplog_projections::verify::{Walk, verify};
use shiplog_store::log::LogFault;

use crate::{
    context::Context,
    data,
    exit::Exit,
    log::{LogArgs, Opened},
    output::{self, Column, Kind},
};

/// How many findings are written out; all are counted.
const MOST_FINDINGS: usize = 20;

const COLUMNS: [Column; 6] = [
    Column::new("events", "/events", Kind::Text),
    Column::new("streams", "/streams", Kind::Text),
    Column::new("head", "/head", Kind::Text),
    Column::new("passed over", "/skipped", Kind::Text),
    Column::new("broken promises", "/broken", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
];

/// Walk the log from end to end and check what it promises.
///
/// Positions rise, streams have no gaps, times of recording never go back, ids derive from their
/// stream and idempotency key, every event can be read, every lane numbers its deployments
/// without gaps, and the file itself, where it is one, is sound. Servers may write the log meanwhile.
///
/// Exits 0 if all of it holds and 3 if something does not.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    log: LogArgs,
}

impl Verify {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let (file, (walk, damage)) = data::runtime()?.block_on(async {
            let log = self.log.read().await?;
            let file = match &log {
                Opened::File(log) => {
                    log.check_file().await.context("cannot check the log's file")?
                }
                Opened::Cluster(_) => Vec::new(),
            };
            let walk = match verify(log.log()).await {
                Ok(walk) => (walk, None),
                Err(fault @ LogFault::Corrupt { .. }) => (Walk::default(), Some(fault)),
                Err(fault) => return Err(fault).context("cannot walk the log to its end"),
            };
            anyhow::Ok((file, walk))
        })?;
        let early = damage.as_ref().map(|fault| format!("the walk ended early: {fault}"));
        let counted = |count: u64| early.is_none().then_some(count);
        let told = walk.findings.iter().map(|finding| {
            let (position, stream, what) = (finding.position, &finding.stream, &finding.what);
            format!("event {position} of `{stream}`: {what}")
        });
        let file = file.into_iter().map(|one| format!("the file: {one}"));
        let broken: Vec<_> = file.chain(told).chain(early.clone()).collect();
        for one in broken.iter().take(MOST_FINDINGS) {
            context.say(one)?;
        }
        let summary = json!({
            "events": counted(walk.events),
            "streams": counted(walk.streams as u64),
            "head": walk.head.map(|head| head.0),
            "skipped": counted(walk.skipped),
            "broken": broken.len(),
            "findings": broken,
            "verdict": if broken.is_empty() { "sound" } else { "broken" },
        });
        output::one(context, &COLUMNS, &summary)?;
        Ok(if broken.is_empty() { Exit::Success } else { Exit::Different })
    }
}
