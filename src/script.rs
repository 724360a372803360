//! The process that runs a script which a user wrote: this very binary, called otherwise.

use std::path::PathBuf;

use anyhow::Context as _;
use shiplog_projections::script::{self, Program};

use crate::exit::Exit;

/// The command's name; people have no use for it.
const WORKER: &str = "script-worker";

/// Run a script for a server, over standard input and output.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct ScriptWorker {}

impl ScriptWorker {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Self {} = self;
        script::work().context("the script's process failed")?;
        Ok(Exit::Success)
    }
}

/// How a server starts such a process.
pub(crate) fn program() -> anyhow::Result<Program> {
    // Where there is such a thing, this very file, though another version may have taken its name.
    let running = PathBuf::from("/proc/self/exe");
    let path = if running.exists() {
        running
    } else {
        std::env::current_exe().context("cannot tell where this program is")?
    };
    Ok(Program { path, arguments: vec![WORKER.into()] })
}
