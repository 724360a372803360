//! `shiplog verify`: walks the log and checks what it promises.

use anyhow::Context as _;
use serde_json::json;
use shiplog_projections::{
    known,
    verify::{Walk, verify},
};
use shiplog_store::{log::LogFault, sqlite::WalDamage};

use crate::{
    context::Context,
    data,
    exit::Exit,
    log::{LogArgs, Opened},
    loss,
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
/// Positions rise, in a directory without gaps; streams have no gaps, times of recording never go back
/// along a stream, nor along a log that one server writes, ids derive from their stream and idempotency
/// key, the events of a request share their metadata, every event can be read and is written as Shiplog
/// writes it, every lane numbers its deployments without gaps, no read model knows more than the log, and
/// the file itself and its WAL, where it is one, are sound.
/// Servers may write the log meanwhile. Of a damaged WAL a copy is kept in `lost-…` in the data directory.
///
/// Exits 0 if all of it holds and 3 if something does not.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    log: LogArgs,
}

impl Verify {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let (file, lost, (walk, damage)) = data::runtime()?.block_on(async {
            let (log, damage) = self.log.verify().await?;
            // Before the log is read: a server may write both meanwhile.
            let known = known::known(&data::read_models(&self.log.data.data), log.log().id());
            let mut file = match &log {
                Opened::File(log) => {
                    log.check_file().await.context("cannot check the log's file")?
                }
                Opened::Cluster(_) => Vec::new(),
            };
            file.extend(damage.map(|damage| told(&damage)));
            let walk = match verify(log.log()).await {
                Ok(walk) => (walk, None),
                Err(fault @ LogFault::Corrupt { .. }) => (Walk::default(), Some(fault)),
                Err(fault) => return Err(fault).context("cannot walk the log to its end"),
            };
            let head = log.log().head().await.context("cannot read the log's head")?;
            anyhow::Ok((file, loss::of_read_models(known, head), walk))
        })?;
        let early = damage.as_ref().map(|fault| format!("the walk ended early: {fault}"));
        let counted = |count: u64| early.is_none().then_some(count);
        let told = walk.findings.iter().map(ToString::to_string);
        let file = file.into_iter().map(|one| format!("the file: {one}"));
        let broken: Vec<_> = file.chain(lost).chain(told).chain(early.clone()).collect();
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

/// What is said of a damaged WAL, and where its copy is.
fn told(damage: &WalDamage) -> String {
    let kept = damage.kept.as_ref();
    kept.map_or_else(
        || damage.to_string(),
        |kept| format!("{damage}; kept in `{}`", kept.display()),
    )
}
