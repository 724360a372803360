//! `shiplog replay`: rebuilds a read model and compares it with the live one.

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::{Value, json};
use shiplog_projections::{
    current::Current,
    definitions::Definitions,
    history::History,
    releases::Releases,
    replay::{Comparison, replay},
    rollbacks::Rollbacks,
};

use crate::{
    context::Context,
    data,
    exit::Exit,
    log::LogArgs,
    output::{self, Column, Kind},
};

const COLUMNS: [Column; 5] = [
    Column::new("read model", "/name", Kind::Text),
    Column::new("position", "/position", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
    Column::new("rebuilt", "/rebuilt", Kind::Text),
    Column::new("live", "/live", Kind::Text),
];

/// Rebuild a read model from the first event and compare it with the live one.
///
/// Nothing is changed: the rebuilt one goes to a temporary directory and is deleted. A server may
/// go on meanwhile; both are compared at the place where the live one is now.
///
/// Exits 0 if they are the same and 3 if they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Which read models; all of them if none is named.
    names: Vec<Name>,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Current,
    History,
    Rollbacks,
    Releases,
    Definitions,
}

impl Replay {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { names, log } = self;
        let names = if names.is_empty() { Name::value_variants().to_vec() } else { names };
        let live = data::read_models(&log.data.data);
        let runtime = data::runtime()?;
        let log = runtime.block_on(log.read())?;
        let mut same = true;
        let mut items = Vec::new();
        for name in names {
            let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
            let (live, scratch) = (live.as_path(), scratch.path());
            let comparison = runtime.block_on(async {
                match name {
                    Name::Current => replay(Current, log.log(), live, scratch).await,
                    Name::History => replay(History, log.log(), live, scratch).await,
                    Name::Rollbacks => replay(Rollbacks, log.log(), live, scratch).await,
                    Name::Releases => replay(Releases, log.log(), live, scratch).await,
                    Name::Definitions => replay(Definitions, log.log(), live, scratch).await,
                }
            })?;
            same &= comparison.rebuilt == comparison.live;
            items.push(Ok(tell(&comparison)));
        }
        output::list(context, &COLUMNS, items)?;
        Ok(if same { Exit::Success } else { Exit::Different })
    }
}

fn tell(comparison: &Comparison) -> Value {
    let Comparison { name, position, rebuilt, live } = comparison;
    json!({
        "name": name,
        "position": position.map(|position| position.0),
        "verdict": if rebuilt == live { "same" } else { "different" },
        "rebuilt": rebuilt.to_string(),
        "live": live.to_string(),
    })
}
