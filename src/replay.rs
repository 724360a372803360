//! `shiplog replay`: rebuilds read models, and compares them with the live ones or with another log's.

mod against;
mod tell;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::Value;
use shiplog_projections::{
    current::Current,
    definitions::Definitions,
    history::History,
    known,
    projection::Projection,
    releases::Releases,
    replay::{explain, part, past, replay},
    rollbacks::Rollbacks,
    runner::Until,
    sql::{self, Sql},
};
use shiplog_store::{log::Log, position::GlobalPosition};
use tempfile::TempDir;

use self::against::Against;
use crate::{
    context::Context,
    data,
    exit::{Exit, Failure},
    log::{LogArgs, Opened},
    loss, what_if,
};

/// Rebuild read models from the first event, and compare them.
///
/// Nothing is changed: what is rebuilt goes to a temporary directory and is deleted. A server may go on
/// meanwhile. Each read model is compared with the live one, at the place where that is now, by a digest
/// of all rows. With --compare, it is told which rows differ and which event made them so; with
/// --compare=DIR, where it parts from what another log makes of it. With --until alone, nothing is
/// compared: it is the digest of the past.
///
/// Exits 0 if nothing differs and 3 if something does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog replay
  shiplog replay current history --compare
  shiplog replay --until 2026-11-01T12:00Z
  shiplog replay history --until 120000 --compare=/srv/copy")]
pub(crate) struct Replay {
    /// Which read models; all of them if none is named.
    names: Vec<Name>,
    /// Instead, replay under the rules in this file, and list the decisions that would have differed.
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    with: Option<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
    /// Rebuild as of then: a position in the log, or when something was recorded.
    #[arg(long, value_name = "POSITION|TIME")]
    until: Option<String>,
    /// Say what differs from the live read models or, with a data directory or the address of a
    /// cluster, from what the log there makes of them.
    #[arg(
        long,
        value_name = "DIR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = Against::LIVE
    )]
    compare: Option<Against>,
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

impl Name {
    fn projection(self) -> Arc<dyn Projection> {
        match self {
            Self::Current => Arc::new(Current),
            Self::History => Arc::new(History),
            Self::Rollbacks => Arc::new(Rollbacks),
            Self::Releases => Arc::new(Releases),
            Self::Definitions => Arc::new(Definitions),
            Self::Sql => Arc::new(Sql),
        }
    }
}

impl Replay {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { names, with, log, until, compare } = self;
        if let Some(rules) = with {
            return what_if::run(&rules, &log, context);
        }
        let names =
            if names.is_empty() { there(&data::read_models(&log.data.data)) } else { names };
        let until = until.map(|until| read(context, &until)).transpose()?;
        let live = data::read_models(&log.data.data);
        data::runtime()?.block_on(async {
            let log = log.read().await?;
            let asked = Asked { names: &names, log: log.log() };
            if until.is_none() && matches!(compare, None | Some(Against::Live)) {
                asked.is_all_there(&live).await?;
            }
            match (until, compare) {
                (None, None) => asked.compared(context, &live).await,
                (Some(until), None) => asked.past(context, until).await,
                (None, Some(Against::Live)) => asked.explained(context, &live).await,
                (Some(_), Some(Against::Live)) => Err(Failure::usage(
                    "the live read models are as they are now: --until goes with --compare=DIR",
                )
                .into()),
                (until, Some(Against::Log(place))) => {
                    let other = place.read().await?;
                    asked.parted(context, &other, until.unwrap_or(Until::Head)).await
                }
            }
        })
    }
}

/// Reads a position or an instant.
fn read(context: &Context<'_>, text: &str) -> Result<Until, Failure> {
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(GlobalPosition(position)));
    }
    let instant = context.watch().read(text).map(Until::Time);
    instant.map_err(|why| Failure::usage(format!("--until: {why}, or a position in the log")))
}

/// Which read models, and of which log.
struct Asked<'a> {
    names: &'a [Name],
    log: &'a dyn Log,
}

impl Asked<'_> {
    /// Whether the log has all that the live read models know; one that several write may have it later.
    async fn is_all_there(&self, live: &Path) -> anyhow::Result<()> {
        if self.log.is_shared() {
            return Ok(());
        }
        // In this order: a server may write both meanwhile.
        let known = known::known(live, self.log.id());
        let head = self.log.head().await.context("cannot read the log")?;
        let mut lost = loss::of_read_models(known, head).into_iter();
        match lost.next() {
            Some(first) => {
                Err(lost.fold(Failure::new(Exit::Different, first), Failure::note).into())
            }
            None => Ok(()),
        }
    }

    async fn compared(&self, context: &mut Context<'_>, live: &Path) -> anyhow::Result<Exit> {
        let mut items = Vec::new();
        for name in self.names {
            let scratch = scratch()?;
            let compared = replay(name.projection(), self.log, live, scratch.path()).await?;
            items.push(tell::compared(&compared));
        }
        tell::say_damage(context, &items)?;
        tell::write(context, &tell::COMPARED, &items)
    }

    async fn past(&self, context: &mut Context<'_>, until: Until) -> anyhow::Result<Exit> {
        let mut items = Vec::new();
        for name in self.names {
            let scratch = scratch()?;
            let past = past(name.projection(), self.log, until, scratch.path()).await?;
            items.push(tell::past(&past));
        }
        tell::say_damage(context, &items)?;
        tell::write(context, &tell::PAST, &items)
    }

    async fn explained(&self, context: &mut Context<'_>, live: &Path) -> anyhow::Result<Exit> {
        let mut items = Vec::new();
        for name in self.names {
            let scratch = scratch()?;
            let explained = explain(name.projection(), self.log, live, scratch.path()).await?;
            if let Some(note) = tell::note(&explained) {
                context.say(note)?;
            }
            items.push(tell::explained(&explained));
        }
        tell::say_damage(context, &items)?;
        let exit = tell::write(context, &tell::EXPLAINED, &items)?;
        tell::rows(context, &tell::EXPLAINED_ROWS, &items)?;
        Ok(exit)
    }

    async fn parted(
        &self,
        context: &mut Context<'_>,
        other: &Opened,
        until: Until,
    ) -> anyhow::Result<Exit> {
        let mut items: Vec<Value> = Vec::new();
        for name in self.names {
            let (scratch, logs) = (scratch()?, (self.log, other.log() as &dyn Log));
            let parting = part(name.projection(), logs, until, scratch.path()).await?;
            items.push(tell::parted(&parting));
        }
        let exit = tell::write(context, &tell::PARTED, &items)?;
        tell::rows(context, &tell::PARTED_ROWS, &items)?;
        Ok(exit)
    }
}

fn scratch() -> anyhow::Result<TempDir> {
    tempfile::tempdir().context("cannot make a temporary directory")
}

/// All that are there: one is made only when somebody asks for it.
fn there(live: &Path) -> Vec<Name> {
    let is_there = |name: &Name| *name != Name::Sql || sql::is_made(live);
    Name::value_variants().iter().copied().filter(is_there).collect()
}
