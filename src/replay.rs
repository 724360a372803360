//! `shiplog replay`: rebuilds a read model and compares it with the live one.

use std::path::{Path, PathBuf};

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
    sql::{self, Sql},
};

use crate::{
    context::Context,
    data,
    exit::Exit,
    log::LogArgs,
    output::{self, Column, Kind},
    what_if,
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
    /// Instead, replay under the rules in this file, and list the decisions that would have differed.
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    with: Option<PathBuf>,
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
    /// Once somebody has asked in SQL.
    Sql,
}

impl Replay {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { names, with, log } = self;
        if let Some(rules) = with {
            return what_if::run(&rules, &log, context);
        }
        let live = data::read_models(&log.data.data);
        let names = if names.is_empty() { there(&live) } else { names };
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
                    Name::Sql => replay(Sql, log.log(), live, scratch).await,
                }
            })?;
            same &= comparison.rebuilt == comparison.live;
            items.push(Ok(tell(&comparison)));
        }
        output::list(context, &COLUMNS, items)?;
        Ok(if same { Exit::Success } else { Exit::Different })
    }
}

/// The read models that every server makes, and those that somebody asked for.
fn there(live: &Path) -> Vec<Name> {
    let is_there = |name: &Name| *name != Name::Sql || sql::is_made(live);
    Name::value_variants().iter().copied().filter(is_there).collect()
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
