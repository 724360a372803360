//! What every command is given: where to write, what was set, and the time.

use std::{fs, io::Write};

use jiff::Timestamp;

use crate::{
    ci::{self, Run, Variables},
    client::Client,
    config::{REQUEST_TIMEOUT, Settings, TokenPlace},
    exit::Failure,
    instant::{Moment, Watch},
    private_file,
};

/// What every command is given.
pub(crate) struct Context<'a> {
    /// Takes the results; a terminal, a file or a pipe.
    pub(crate) out: &'a mut dyn Write,
    /// Takes everything that is no result: notes, progress, questions.
    pub(crate) err: &'a mut dyn Write,
    /// Whether `out` is a terminal.
    pub(crate) is_terminal: bool,
    /// Server, token, format, zone and the like.
    pub(crate) settings: Settings,
    /// The environment.
    pub(crate) variables: Variables<'a>,
    /// When the command began.
    pub(crate) now: Timestamp,
    /// Whether to say where each value came from.
    pub(crate) is_explaining: bool,
}

impl Context<'_> {
    /// A client for the server that was set.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let token = match &self.settings.token.value {
            TokenPlace::Nowhere => None,
            TokenPlace::Variable => (self.variables)("SHIPLOG_TOKEN"),
            TokenPlace::File(path) => Some(fs::read_to_string(path).map_err(|error| {
                let path = path.display();
                Failure::usage(format!("cannot read the token file {path}: {error}"))
            })?),
        };
        let timeout = self.settings.timeout.value.unwrap_or(REQUEST_TIMEOUT);
        Ok(Client::new(&self.settings.server.value, token.as_deref(), timeout)?)
    }

    /// Says it if others than its owner can read the file that holds the token.
    pub(crate) fn check_token_file(&mut self) -> anyhow::Result<()> {
        let TokenPlace::File(path) = &self.settings.token.value else { return Ok(()) };
        if !private_file::is_open_to_others(path) {
            return Ok(());
        }
        let path = path.display();
        self.say(format!(
            "shiplog: other users can read the token in {path}: `chmod 600 {path}` keeps it secret"
        ))
    }

    /// Now and here.
    pub(crate) fn watch(&self) -> Watch {
        Watch { now: self.now, zone: self.settings.tz.value.clone() }
    }

    /// Reads the instant that an argument holds.
    pub(crate) fn instant(&self, flag: &str, text: &str) -> Result<String, Failure> {
        let instant = self.watch().read(text);
        instant
            .map(|instant| instant.to_string())
            .map_err(|why| Failure::usage(format!("{flag}: {why}")))
    }

    /// Reads the instant that an argument holds, for what is to be recorded.
    pub(crate) fn moment(&self, flag: &str, text: &str) -> Result<Moment, Failure> {
        let moment = self.watch().read_moment(text);
        moment.map_err(|why| Failure::usage(format!("{flag}: {why}")))
    }

    /// The pipeline run that this is a step of, if it is one.
    pub(crate) fn run(&self) -> Option<Run> {
        ci::detect(self.variables)
    }

    /// Says something on standard error, unless only errors are wanted.
    pub(crate) fn say(&mut self, text: impl AsRef<str>) -> anyhow::Result<()> {
        if !self.settings.quiet.value {
            writeln!(self.err, "{}", crate::output::printable(text.as_ref()))?;
        }
        Ok(())
    }

    /// As [`Self::say`], between what a command says, and where going on matters more than being
    /// heard.
    pub(crate) fn mention(&mut self, text: impl AsRef<str>) {
        drop(self.say(format!("shiplog: {}", text.as_ref())));
    }

    /// Says where a value came from, if that was asked for.
    pub(crate) fn explain(&mut self, what: &str, value: &str, origin: &str) -> anyhow::Result<()> {
        if self.is_explaining {
            writeln!(self.err, "{what} = {} ({origin})", crate::output::printable(value))?;
        }
        Ok(())
    }
}
