//! Folding batches into the states of one projection, through its script's process.

use std::{ops::Range, path::Path};

use rusqlite::Connection;
use shiplog_domain::projection::ProjectionName;
use shiplog_store::position::{GlobalPosition, LogId};
use tokio::task::spawn_blocking;

use super::{
    batch::{Batch, Filter},
    child::{Child, Program, Trouble},
    protocol::{Failed, Folded, Shape},
    tables::{self, KeepError},
};
use crate::{
    damage::{self, Damage},
    tables::{self as files, Checkpoint},
};

/// Why a projection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The event that it could not fold; none if the script does not even load.
    pub position: Option<GlobalPosition>,
    /// What was wrong, in the words of the script or of whoever stopped it.
    pub message: String,
    /// The script's line, from 1, if it is known.
    pub line: Option<u32>,
    /// Who called whom, if that is known.
    pub stack: Option<String>,
}

/// Why a script was not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The script's fault: trying again would change nothing.
    #[error("{}", .0.message)]
    Fault(Fault),
    /// The machine's: it can go well later.
    #[error("{0}")]
    Machine(String),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Machine(KeepError::Tables(error).to_string())
    }
}

/// One projection's script, process and states.
pub(super) struct Folder {
    name: ProjectionName,
    source: String,
    program: Program,
    child: Child,
    shape: Shape,
    /// `None` while a thread has it.
    tables: Option<Connection>,
    reached: Checkpoint,
    damage: Damage,
    /// What was said with `console.log` and not asked for yet.
    lines: Vec<String>,
}

/// How a part of a batch went.
enum Part {
    Done,
    Failed(Trouble),
    TooMuch(String),
}

impl Folder {
    /// Starts a process for the script and has it go on from what the file has; without a file, from
    /// nothing, in memory.
    pub(super) async fn start(
        program: &Program,
        (name, source): (&ProjectionName, &str),
        (file, log): (Option<&Path>, LogId),
    ) -> Result<Self, Stop> {
        let tables = match file {
            Some(path) => tables::open(path, log)?,
            None => tables::in_memory(log)?,
        };
        let (reached, damage) = (files::checkpoint(&tables)?, damage::load(&tables)?);
        let states = tables::states(&tables)?;
        let (child, shape) = begin(program, name, source, &states).await?;
        let (name, source, program) = (name.clone(), source.to_owned(), program.clone());
        let (tables, lines) = (Some(tables), Vec::new());
        Ok(Self { name, source, program, child, shape, tables, reached, damage, lines })
    }

    pub(super) fn filter(&self) -> Filter {
        Filter::new(&self.shape)
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.shape.partitioned
    }

    pub(super) fn reached(&self) -> Checkpoint {
        self.reached
    }

    /// What is set aside.
    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// What was said with `console.log` since it was asked last.
    pub(super) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// The states, to look at.
    pub(super) fn tables(&mut self) -> Option<&mut Connection> {
        self.tables.as_mut()
    }

    /// Folds a batch: all of it or, up to the event that cannot be folded, what came before.
    pub(super) async fn fold(&mut self, batch: &Batch) -> Result<(), Stop> {
        if batch.through.is_none() {
            return Ok(());
        }
        let base = self.reached;
        match self.part(batch, base, 0..batch.len()).await? {
            Part::Done => Ok(()),
            part @ (Part::Failed(_) | Part::TooMuch(_)) => {
                self.find_culprit(batch, base, part).await
            }
        }
    }

    /// Folds and keeps some events of a batch that began at `base`.
    async fn part(
        &mut self,
        batch: &Batch,
        base: Checkpoint,
        range: Range<usize>,
    ) -> Result<Part, Stop> {
        let is_last = range.end == batch.len();
        let last = range.end.checked_sub(1).and_then(|last| batch.place(last));
        let Some(place) = (if is_last { batch.through } else { last }) else {
            return Ok(Part::Done);
        };
        let folded = if range.is_empty() {
            Folded::default()
        } else {
            let order = batch.ordered(range).map_err(|error| Stop::Machine(error.to_string()))?;
            match self.child.fold(&order).await {
                Ok(folded) => folded,
                Err(trouble) => return Ok(Part::Failed(trouble)),
            }
        };
        if is_last {
            self.damage = batch.damage.clone();
        }
        self.keep(folded, tables::after(base, place)).await
    }

    async fn keep(&mut self, folded: Folded, to: Checkpoint) -> Result<Part, Stop> {
        let Some(mut tables) = self.tables.take() else {
            return Err(Stop::Machine("its file is not open".into()));
        };
        let Folded { changes, lines } = folded;
        let damage = self.damage.clone();
        let kept = spawn_blocking(move || {
            let kept = tables::keep(&mut tables, &changes, &damage, to);
            (tables, kept)
        });
        let (tables, kept) = kept.await.map_err(|error| Stop::Machine(error.to_string()))?;
        self.tables = Some(tables);
        match kept {
            Ok(()) => {
                self.reached = to;
                self.lines.extend(lines);
                Ok(Part::Done)
            }
            Err(KeepError::Tables(error)) => Err(error.into()),
            Err(error @ KeepError::TooMuch(_)) => Ok(Part::TooMuch(error.to_string())),
        }
    }

    /// Folds what came before the event that does not go, in a fresh process, and then one at a time.
    async fn find_culprit(
        &mut self,
        batch: &Batch,
        base: Checkpoint,
        part: Part,
    ) -> Result<(), Stop> {
        let good = match part {
            Part::Failed(Trouble::Failed(failed)) => failed.event.unwrap_or_default(),
            Part::Failed(Trouble::Lost { done, .. }) => done,
            Part::Done | Part::TooMuch(_) => 0,
        };
        self.restart().await?;
        let mut next = 0;
        if good > 0 {
            match self.part(batch, base, 0..good).await? {
                Part::Done => next = good,
                Part::Failed(_) | Part::TooMuch(_) => self.restart().await?,
            }
        }
        for index in next..batch.len() {
            let part = self.part(batch, base, index..index + 1).await?;
            if let Some(fault) = fault(part, batch.place(index).map(|place| place.position)) {
                return Err(Stop::Fault(fault));
            }
        }
        Ok(())
    }

    /// Starts another process, which goes on from what is kept.
    async fn restart(&mut self) -> Result<(), Stop> {
        let states = self.tables.as_ref().map(tables::states).transpose()?.unwrap_or_default();
        let (child, _) = begin(&self.program, &self.name, &self.source, &states).await?;
        self.child = child;
        Ok(())
    }
}

async fn begin(
    program: &Program,
    name: &ProjectionName,
    source: &str,
    states: &[(String, String)],
) -> Result<(Child, Shape), Stop> {
    let started = Child::start(program);
    let mut child = started
        .map_err(|error| Stop::Machine(format!("its process cannot be started: {error}")))?;
    let shape = child.load(name.as_str(), source).await;
    let shape = shape.map_err(|trouble| Stop::Fault(of(trouble, None)))?;
    let restored = child.restore(states).await;
    restored.map_err(|trouble| Stop::Fault(of(trouble, None)))?;
    Ok((child, shape))
}

fn fault(part: Part, position: Option<GlobalPosition>) -> Option<Fault> {
    match part {
        Part::Done => None,
        Part::Failed(trouble) => Some(of(trouble, position)),
        Part::TooMuch(message) => Some(Fault { position, message, line: None, stack: None }),
    }
}

fn of(trouble: Trouble, position: Option<GlobalPosition>) -> Fault {
    match trouble {
        Trouble::Failed(failed) => {
            let Failed { event: _, message, line, stack, lines: _ } = *failed;
            Fault { position, message, line, stack }
        }
        Trouble::Lost { why: message, done: _ } => {
            Fault { position, message, line: None, stack: None }
        }
    }
}
