//! The files that a deploy command is given.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use super::targets::{self, Targets};
use crate::{context::Context, private_file, spool::Journal};

/// The files of a run; only their owner reads them.
pub(super) struct Files {
    folder: PathBuf,
    /// Removes a directory that is not beside the journal.
    _temporary: Option<TempDir>,
}

impl Files {
    /// Makes them beside the journal, where they outlive this process, or else in a temporary
    /// directory; none, and why is said, if neither can be written.
    pub(super) fn make(
        context: &mut Context<'_>,
        journal: &Journal,
    ) -> (Option<Self>, Option<Targets>) {
        let beside = journal.folder().map(|folder| {
            private_file::make_inner_directory(&folder)?;
            Self::fill(folder, None, journal)
        });
        if let Some(Ok((files, targets))) = beside {
            return (Some(files), Some(targets));
        }
        let elsewhere = private_file::temporary_directory().and_then(|temporary| {
            let folder = temporary.path().to_owned();
            Self::fill(folder, Some(temporary), journal)
        });
        match elsewhere {
            Ok((files, targets)) => (Some(files), Some(targets)),
            Err(error) => {
                context.mention(format!("the files for the command cannot be written: {error}"));
                (None, None)
            }
        }
    }

    fn fill(
        folder: PathBuf,
        temporary: Option<TempDir>,
        journal: &Journal,
    ) -> io::Result<(Self, Targets)> {
        let files = Self { folder, _temporary: temporary };
        let json = |value: Option<&Value>| format!("{:#}\n", value.unwrap_or(&Value::Null));
        private_file::write(&files.manifest(), json(journal.release()).as_bytes())?;
        private_file::write(&files.configuration(), json(journal.configuration()).as_bytes())?;
        private_file::open(&files.output(), OpenOptions::new().append(true).create(true))?;
        let targets = Targets::make(&files.targets())?;
        Ok((files, targets))
    }

    /// Names them to the command.
    pub(super) fn name(&self, command: &mut Command) {
        command.env("SHIPLOG_MANIFEST", self.manifest());
        command.env("SHIPLOG_CONFIGURATION", self.configuration());
        command.env("SHIPLOG_TARGETS", self.targets());
    }

    /// Where an agent's command writes.
    pub(super) fn output(&self) -> PathBuf {
        self.at("output")
    }

    fn manifest(&self) -> PathBuf {
        self.at("manifest.json")
    }

    fn configuration(&self) -> PathBuf {
        self.at("configuration.json")
    }

    fn targets(&self) -> PathBuf {
        self.at(targets::FILE)
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }
}
