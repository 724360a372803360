//! The `shiplog` command.

mod actor;
mod agent;
mod backup;
mod bench;
mod child;
mod ci;
mod cli;
mod client;
mod completions;
mod config;
mod context;
mod data;
mod deploy;
mod deployment;
mod diff;
mod environments;
mod events;
mod execution;
mod exit;
mod export;
mod flush;
mod generate;
mod guard;
mod happening;
mod history;
mod import;
mod instant;
mod log;
mod loss;
mod on_failure;
mod output;
mod private_file;
mod progress;
mod projections;
mod recover;
mod reference;
mod releases;
mod replay;
mod retry;
mod rollback;
mod rollbacks;
mod run;
mod script;
mod serve;
mod show;
mod spool;
mod sql;
mod status;
mod text_file;
mod transfer;
mod verify;
mod what_if;
mod write;

use std::{
    env,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use clap::Parser as _;
use jiff::Unit;
use shiplog_store::clock::{Clock as _, SystemClock};

use crate::{
    cli::Cli,
    config::{File, Settings, Sources},
    context::Context,
    exit::{Exit, Failure},
};

/// For SQLite too: a tenth of the processor's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut err = anstream::stderr();
    let exit = run(cli, &mut err).unwrap_or_else(|error| tell(&error, &mut err));
    exit.into()
}

fn run(cli: Cli, err: &mut dyn Write) -> anyhow::Result<Exit> {
    let Cli { global, command } = cli;
    let variables = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let files = File::find(&variables)?;
    let sources = Sources { flags: &global, variables: &variables, files: &files };
    let mut context = Context {
        out: &mut anstream::stdout(),
        err,
        is_terminal: io::stdout().is_terminal(),
        settings: Settings::resolve(&sources)?,
        variables: &variables,
        now: SystemClock.now().round(Unit::Millisecond)?,
        is_explaining: global.explain,
    };
    if global.explain {
        config::explain(&mut context)?;
    }
    context.check_token_file()?;
    let exit = command.run(&mut context)?;
    context.out.flush()?;
    Ok(exit)
}

/// Says on standard error what went wrong; answers how to exit.
fn tell(error: &anyhow::Error, err: &mut dyn Write) -> Exit {
    if is_closed_pipe(error) {
        return Exit::Success;
    }
    let message = format!("{error:#}");
    let failure = error.downcast_ref::<Failure>();
    let notes = failure.map(Failure::notes).unwrap_or_default();
    let lines = std::iter::once(format!("shiplog: {message}")).chain(notes.iter().cloned());
    for line in lines {
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(err, "{}", output::printable(&line));
    }
    failure.map_or(Exit::Failure, Failure::exit)
}

/// Whether the reader of the output has had enough, as `head` has: that is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = || cause.downcast_ref::<serde_json::Error>()?.io_error_kind();
        io.or_else(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_notes_and_its_code() {
        let mut err = Vec::new();
        let failure = Failure::new(Exit::Refused, "no \u{1b}[31mway").note("try this");
        assert_eq!(tell(&failure.into(), &mut err), Exit::Refused);
        assert_eq!(String::from_utf8(err).unwrap(), "shiplog: no \\u{1b}[31mway\ntry this\n");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let mut err = Vec::new();
        let error = anyhow::anyhow!("no such file").context("cannot read it");
        assert_eq!(tell(&error, &mut err), Exit::Failure);
        assert_eq!(String::from_utf8(err).unwrap(), "shiplog: cannot read it: no such file\n");
    }

    #[test]
    fn a_reader_that_has_had_enough_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(tell(&error, &mut io::sink()), Exit::Success);
    }
}
