//! What is to be recorded, kept on disk until the server has it.
//!
//! Each run writes a journal: first to the disk, then to the server. A server that is away, or a
//! kill at any point, leaves a journal that whoever comes next delivers, lane by lane and oldest
//! first. All entries state their time and have keys of their own, so telling one again is harmless.

mod deliver;
mod journal;
mod line;
mod settle;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

pub(crate) use self::{
    journal::Journal,
    line::{Head, Verb},
    settle::{Fate, Settled, Stuck, tell_unknown},
};
use crate::{ci::Variables, client::Client, exit::Failure, write::hex};

/// Where what cannot be delivered is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct SpoolArgs {
    /// Where what the server does not have yet is kept; by default in `~/.local/state/shiplog`.
    #[arg(long, value_name = "DIR", env = "SHIPLOG_SPOOL")]
    spool: Option<PathBuf>,
}

impl SpoolArgs {
    /// The spool.
    pub(crate) fn open(self, variables: Variables<'_>) -> Result<Spool, Failure> {
        let root = match self.spool {
            Some(root) => root,
            None => state(variables, "spool").ok_or_else(|| {
                Failure::usage("neither HOME nor XDG_STATE_HOME says where state is kept")
                    .note("name a directory with --spool")
            })?,
        };
        Ok(Spool { root })
    }
}

/// `$XDG_STATE_HOME/shiplog/<name>`, by default below `~/.local/state`.
pub(crate) fn state(variables: Variables<'_>, name: &str) -> Option<PathBuf> {
    let base = variables("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(PathBuf::from(variables("HOME")?).join(".local/state")))?;
    Some(base.join("shiplog").join(name))
}

/// A directory of lanes.
#[derive(Debug)]
pub(crate) struct Spool {
    root: PathBuf,
}

/// The journals of one lane.
#[derive(Debug)]
pub(crate) struct Lane {
    directory: PathBuf,
}

impl Spool {
    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The lane that a journal belongs to.
    pub(crate) fn lane(&self, head: &Head) -> Lane {
        let Head { server, service, environment, .. } = head;
        let name = Sha256::digest([server.as_str(), service, environment].join("\0"));
        Lane::at(self.root.join(hex(&name, 12)))
    }

    /// Every lane that has something, or had.
    pub(crate) fn lanes(&self) -> io::Result<Vec<Lane>> {
        let mut lanes = listed(&self.root, Path::is_dir)?;
        lanes.sort();
        Ok(lanes.into_iter().map(Lane::at).collect())
    }
}

impl Lane {
    /// The journals in a directory.
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Begins a journal; the second value says why it is in memory alone, if it is.
    pub(crate) fn begin(&self, head: Head, at: Timestamp) -> (Journal, io::Result<()>) {
        let made = fs::create_dir_all(&self.directory);
        let name = format!("{:020}-{}", at.as_microsecond(), std::process::id());
        let (journal, created) = Journal::create(&self.directory, &name, head);
        (journal, made.and(created))
    }

    /// The journals, oldest first.
    pub(crate) fn journals(&self) -> io::Result<Vec<PathBuf>> {
        let is_journal = |path: &Path| path.extension().is_some_and(|it| it == journal::EXTENSION);
        let mut journals = listed(&self.directory, is_journal)?;
        journals.sort();
        Ok(journals)
    }

    /// Whom its journals are for, if there are any.
    pub(crate) fn server(&self) -> io::Result<Option<String>> {
        for path in self.journals()? {
            if let Some(journal) = Journal::peek(&path).map_err(|error| named(&path, &error))? {
                return Ok(Some(journal.head().server.clone()));
            }
        }
        Ok(None)
    }

    /// Waits until nobody else delivers from here; others wait until the file is dropped.
    pub(crate) fn lock(&self) -> io::Result<File> {
        let file = File::create(self.directory.join("lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// Delivers what others left here, oldest first, up to a journal of one's own.
    ///
    /// Ends at the first that cannot be delivered now: what came later has to wait for it.
    pub(crate) fn settle(
        &self,
        before: Option<&Journal>,
        client: &Client,
        settled: &mut dyn FnMut(Settled),
    ) -> Result<(), Stuck> {
        for path in self.journals()? {
            if before.is_some_and(|own| path >= own.path()) {
                break;
            }
            let one = settle::settle(&path, client).map_err(|stuck| stuck.at(&path))?;
            one.into_iter().for_each(&mut *settled);
        }
        Ok(())
    }
}

/// An error of the disk, with the file that it is about.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn listed(directory: &Path, is_wanted: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    Ok(paths?.into_iter().filter(|path| is_wanted(path)).collect())
}
