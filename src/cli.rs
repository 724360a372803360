//! The commands, and the flags that all of them take.

use std::path::PathBuf;

use crate::{
    agent::Agent,
    backup::{Backup, Restore},
    bench::Bench,
    completions::Completions,
    config::ConfigCommand,
    context::Context,
    deploy::Deploy,
    diff::Diff,
    environments::Environments,
    events::Events,
    exit::Exit,
    export::Export,
    flush::Flush,
    happening::{Approve, Cancel, Fail, Reject, Start, Succeed},
    history::History,
    import::Import,
    output::Format,
    projections::Projections,
    recover::Recover,
    releases::Releases,
    replay::Replay,
    retry::Retry,
    rollback::Rollback,
    rollbacks::Rollbacks,
    run::Run,
    script::ScriptWorker,
    serve::Serve,
    show::Show,
    sql::Sql,
    status::Status,
    transfer::Transfer,
    verify::Verify,
};

/// The flight recorder of deployments.
///
/// Shiplog records every deployment in a log that is only ever appended to, and answers what runs
/// where, who put it there, when, why and instead of what.
#[derive(Debug, clap::Parser)]
#[command(name = "shiplog", version, after_help = Exit::table(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags that all commands take.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct GlobalArgs {
    /// The server's URL; else `SHIPLOG_SERVER`, else `http://127.0.0.1:7420`.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The file that holds the token; else `SHIPLOG_TOKEN` holds the token itself.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How results are written; else `SHIPLOG_OUTPUT`, else as a table.
    #[arg(long, short, global = true, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// The time zone of what is read and written: local, utc or an IANA name; else `SHIPLOG_TZ`.
    #[arg(long, global = true, value_name = "ZONE")]
    pub(crate) tz: Option<String>,
    /// How long the server may take: 30s, 2m; else `SHIPLOG_TIMEOUT`, else 30s.
    #[arg(long, global = true, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// Say nothing but results and errors.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// Say on standard error which value came from where.
    #[arg(long, global = true)]
    pub(crate) explain: bool,
}

/// What can be asked for.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    Deploy(Box<Deploy>),
    Start(Start),
    Succeed(Succeed),
    Fail(Fail),
    Cancel(Cancel),
    Approve(Approve),
    Reject(Reject),
    Rollback(Box<Rollback>),
    Retry(Box<Retry>),
    Run(Box<Run>),
    Flush(Flush),
    Agent(Box<Agent>),
    Status(Status),
    History(Box<History>),
    Show(Show),
    Recover(Recover),
    Rollbacks(Rollbacks),
    Diff(Diff),
    Releases(Releases),
    Environments(Environments),
    Events(Events),
    Sql(Sql),
    Import(Import),
    Export(Export),
    Projections(Projections),
    Replay(Replay),
    Verify(Verify),
    Transfer(Transfer),
    Backup(Backup),
    Restore(Restore),
    Bench(Bench),
    Config(ConfigCommand),
    Completions(Completions),
    ScriptWorker(ScriptWorker),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        match self {
            Self::Serve(command) => command.run(context),
            Self::Deploy(command) => command.run(context),
            Self::Start(command) => command.run(context),
            Self::Succeed(command) => command.run(context),
            Self::Fail(command) => command.run(context),
            Self::Cancel(command) => command.run(context),
            Self::Approve(command) => command.run(context),
            Self::Reject(command) => command.run(context),
            Self::Rollback(command) => command.run(context),
            Self::Retry(command) => command.run(context),
            Self::Run(command) => command.run(context),
            Self::Flush(command) => command.run(context),
            Self::Agent(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::History(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::Recover(command) => command.run(context),
            Self::Rollbacks(command) => command.run(context),
            Self::Diff(command) => command.run(context),
            Self::Releases(command) => command.run(context),
            Self::Environments(command) => command.run(context),
            Self::Events(command) => command.run(context),
            Self::Sql(command) => command.run(context),
            Self::Import(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Projections(command) => command.run(context),
            Self::Replay(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Transfer(command) => command.run(context),
            Self::Backup(command) => command.run(context),
            Self::Restore(command) => command.run(context),
            Self::Bench(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Completions(command) => command.run(context),
            Self::ScriptWorker(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }

    #[test]
    fn a_rollback_without_a_reason_names_the_flag() {
        let error = Cli::try_parse_from(["shiplog", "rollback", "a", "b"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--reason"), "{error}");
    }

    #[test]
    fn flags_of_all_commands_may_follow_the_command() {
        let cli = Cli::try_parse_from(["shiplog", "status", "--output", "json"]).unwrap();
        assert_eq!(cli.global.output, Some(Format::Json));
    }
}
