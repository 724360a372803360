//! `shiplog completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, context::Context, exit::Exit};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shiplog completions bash > /etc/bash_completion.d/shiplog")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        // Made in memory: the generator panics where a pipe is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "shiplog", &mut script);
        context.out.write_all(&script)?;
        Ok(Exit::Success)
    }
}
