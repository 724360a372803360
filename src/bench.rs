//! `shiplog bench`: measures this Shiplog on this machine, beside the same work done bare.

mod appends;
mod bare;
mod client;
mod figures;
mod generate;
mod group;
mod import;
mod log;
mod meanwhile;
mod process;
mod queries;
mod questions;
mod replay;
mod scratch;
mod server;

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use self::{
    appends::Appends, generate::Generate, import::Import, log::BareLog, queries::Queries,
    replay::Replay,
};
use crate::{
    context::Context,
    data,
    exit::{Exit, Failure},
};

/// Measure this Shiplog on this machine.
///
/// Rates stand beside those of the same work done bare, in the same run: only their ratio says
/// something of Shiplog, the rest is the machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Generate(Generate),
    Appends(Appends),
    Log(BareLog),
    Import(Import),
    Replay(Replay),
    Queries(Queries),
}

impl Bench {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        match self.what {
            What::Generate(command) => finish(data::runtime(), command.run(context)),
            What::Appends(command) => finish(one_thread(), command.run(context)),
            What::Log(command) => finish(data::runtime(), command.run(context)),
            What::Import(command) => finish(data::runtime(), command.run(context)),
            What::Replay(command) => finish(data::runtime(), command.run(context)),
            What::Queries(command) => finish(one_thread(), command.run(context)),
        }
    }
}

/// A runtime for a client, which should leave the machine to the server.
fn one_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Works to the end, or until SIGINT or SIGTERM: then, too, what was made to measure with goes.
fn finish(
    runtime: io::Result<Runtime>,
    work: impl Future<Output = anyhow::Result<Exit>>,
) -> anyhow::Result<Exit> {
    runtime?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            exit = work => exit,
            _ = interrupt.recv() => Err(stopped()),
            _ = terminate.recv() => Err(stopped()),
        }
    })
}

fn stopped() -> anyhow::Error {
    Failure::new(Exit::Failure, "stopped before it was finished").into()
}
