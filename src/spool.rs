//! What is to be recorded, kept on disk until the server has it.
//!
//! Each run writes a journal: first to the disk, then to the server. A server that is away, or a
//! kill at any point, leaves a journal that whoever comes next delivers, lane by lane and oldest
//! first. All entries state their time and have keys of their own, so telling one again is harmless.

mod deliver;
mod journal;
mod journal_file;
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
    journal_file::Fallback,
    line::{Head, Verb},
    settle::{Fate, Settled, tell_unknown},
};
use self::{journal_file::EXTENSION, settle::Stuck};
use crate::{
    ci::Variables,
    client::{Client, Unwritten},
    exit::Failure,
    private_file,
    write::hex,
};

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
    ///
    /// # Errors
    ///
    /// What the system says; and that others can write there, so that what is there may be planted.
    pub(crate) fn lanes(&self) -> io::Result<Vec<Lane>> {
        private_file::check_directory(&self.root)?;
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

    /// Begins a journal; the second value says why it is not kept here, if it is not.
    pub(crate) fn begin(
        &self,
        head: Head,
        at: Timestamp,
        fallback: Fallback,
    ) -> (Journal, io::Result<()>) {
        let name = format!("{:020}-{}", at.as_microsecond(), std::process::id());
        let path = self.directory.join(name).with_extension(EXTENSION);
        Journal::create((path, self.make()), head, fallback)
    }

    fn make(&self) -> io::Result<()> {
        if let Some(above) = self.directory.parent() {
            private_file::make_directory(above)?;
        }
        private_file::make_inner_directory(&self.directory)
    }

    /// The journals, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Spool::lanes`].
    pub(crate) fn journals(&self) -> io::Result<Vec<PathBuf>> {
        private_file::check_directory(&self.directory)?;
        let is_journal = |path: &Path| path.extension().is_some_and(|it| it == EXTENSION);
        let mut journals = listed(&self.directory, is_journal)?;
        journals.sort();
        Ok(journals)
    }

    /// Whom its journals are for, if one of them can be read.
    pub(crate) fn server(&self) -> io::Result<Option<String>> {
        let journals = self.journals()?;
        let mut known = journals.iter().filter_map(|path| Journal::peek(path).ok().flatten());
        Ok(known.next().map(|journal| journal.head().server.clone()))
    }

    /// Waits until nobody else delivers from here; others wait until the file is dropped.
    pub(crate) fn lock(&self) -> io::Result<File> {
        private_file::check_directory(&self.directory)?;
        let file = private_file::lock_file(&self.directory)?;
        file.lock()?;
        Ok(file)
    }

    /// Delivers what others left here, oldest first, up to a journal of one's own.
    ///
    /// One that cannot be read is told as an error, and the next ones are delivered. Ends at the first
    /// that cannot be delivered now: what came later has to wait for it.
    pub(crate) fn settle(
        &self,
        before: Option<&Journal>,
        client: &Client,
        settled: &mut dyn FnMut(io::Result<Settled>),
    ) -> Result<(), Unwritten> {
        let journals = match self.journals() {
            Ok(journals) => journals,
            Err(error) => {
                settled(Err(error));
                return Ok(());
            }
        };
        // By name: a journal of one's own may be in another directory.
        let is_own_or_later =
            |path: &Path| before.is_some_and(|own| path.file_name() >= own.path().file_name());
        for path in journals.iter().take_while(|path| !is_own_or_later(path)) {
            match settle::settle(path, client) {
                Ok(one) => one.into_iter().for_each(|one| settled(Ok(one))),
                Err(Stuck::Unwritten(unwritten)) => return Err(unwritten),
                Err(Stuck::Disk(error)) => settled(Err(named(path, &error))),
            }
        }
        Ok(())
    }
}

/// An error of the disk, with the file that it is about.
fn named(path: &Path, error: &io::Error) -> io::Error {
    let (text, place) = (error.to_string(), path.display().to_string());
    // What this crate refuses says already what it is about.
    let text = if text.contains(&place) { text } else { format!("{place}: {text}") };
    io::Error::new(error.kind(), text)
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
