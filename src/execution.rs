//! One run of a deploy command: what it is given, and what is told of it.

mod targets;
mod variables;

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use shiplog_store::clock::{Clock as _, SystemClock};
use tempfile::TempDir;

pub(crate) use self::{targets::Targets, variables::set as set_variables};
use crate::{
    child::{self, Charge, Ended, NotRun, Output, signal_name},
    client::{Client, Unwritten},
    context::Context,
    spool::{Journal, Verb},
};

/// How long a server that was away is left alone while a command runs.
const PAUSE: Duration = Duration::from_secs(10);

/// The exit code of a shell that did not find a command.
const NOT_FOUND: u8 = 127;

/// The exit code of a shell that could not run one.
const NOT_EXECUTABLE: u8 = 126;

/// A command to run, and whom its course is told.
pub(crate) struct Execution<'a> {
    /// The program and its arguments.
    pub(crate) command: &'a [OsString],
    /// Takes signals while it runs.
    pub(crate) charge: &'a Charge,
    /// The server.
    pub(crate) client: &'a Client,
    /// Whether its output is kept in a file.
    pub(crate) is_kept: bool,
}

/// How a run came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The command's exit code, or what a shell would say.
    pub(crate) code: u8,
    /// The targets that failed, each as it was told.
    pub(crate) failed_targets: Vec<Value>,
}

/// The files of a run.
struct Folder {
    path: PathBuf,
    /// Removes a directory that is not beside the journal.
    _temporary: Option<TempDir>,
}

impl Execution<'_> {
    /// Runs the command, tells the journal and as far as possible the server how it goes.
    pub(crate) fn run(
        &self,
        context: &mut Context<'_>,
        journal: &mut Journal,
    ) -> anyhow::Result<Outcome> {
        let folder = Folder::make(journal)?;
        let mut targets = Targets::make(&folder.path)?;
        let mut command = self.prepare(context, journal, &folder)?;
        let began = now();
        kept(context, journal.begin(began));
        // From here on nothing may end this but the command.
        let output =
            if self.is_kept { Output::Kept(folder.path.join("output")) } else { Output::Passed };
        let mut teller = Teller { client: self.client, away_since: None };
        let ended = child::run(&mut command, self.charge, &output, &mut || {
            targets.tell(context, journal, false);
            teller.tell(journal);
        });
        targets.tell(context, journal, true);
        if let Err(NotRun::Failed(error)) = &ended {
            context.mention(self.not_run(error));
        }
        let (verb, body, code) = self.told(ended, began);
        kept(context, journal.tell(verb, body, None));
        Ok(Outcome { code, failed_targets: targets.failed })
    }

    fn prepare(
        &self,
        context: &Context<'_>,
        journal: &Journal,
        folder: &Folder,
    ) -> anyhow::Result<Command> {
        let (program, arguments) = self.command.split_first().context("there is no command")?;
        let keep = |file: &str, value: Option<&Value>| {
            let (path, value) = (folder.path.join(file), value.unwrap_or(&Value::Null));
            let written = fs::write(&path, format!("{value:#}\n"));
            written.map(|()| path).with_context(|| format!("cannot write {file}"))
        };
        let manifest = keep("manifest.json", journal.release())?;
        let configuration = keep("configuration.json", journal.configuration())?;
        let mut command = Command::new(program);
        command.args(arguments);
        variables::set(&mut command, &context.settings.server.value, journal);
        command.env("SHIPLOG_MANIFEST", manifest);
        command.env("SHIPLOG_CONFIGURATION", configuration);
        command.env("SHIPLOG_TARGETS", folder.path.join(targets::FILE));
        Ok(command)
    }

    fn not_run(&self, error: &io::Error) -> String {
        let program = self.command.first().map(|name| name.to_string_lossy());
        format!("cannot run `{}`: {error}", program.unwrap_or_default())
    }

    /// What is told of the end, and the exit code.
    fn told(&self, ended: Result<Ended, NotRun>, began: Timestamp) -> (Verb, Value, u8) {
        match ended {
            Ok(ended) if ended.status.success() => (Verb::Succeed, json!({"at": ended.at}), 0),
            Ok(ended) => {
                let code = ended.code();
                let how = match ended.status.signal() {
                    Some(signal) => format!("killed by {}", signal_name(signal)),
                    None => format!("exit code {code}"),
                };
                let took = took(ended.at.duration_since(began));
                let error = format!("{how} after {took}\n{}", ended.last_lines);
                (Verb::Fail, json!({"at": ended.at, "error": error.trim_end()}), code)
            }
            Err(NotRun::Asked(signal)) => {
                let signal = signal.as_raw();
                let reason = format!("{} came before the command was run", signal_name(signal));
                let code = u8::try_from(128 + signal).unwrap_or(1);
                (Verb::Cancel, json!({"at": now(), "reason": reason}), code)
            }
            Err(NotRun::Failed(error)) => {
                let is_missing = error.kind() == io::ErrorKind::NotFound;
                let code = if is_missing { NOT_FOUND } else { NOT_EXECUTABLE };
                let error = self.not_run(&error);
                (Verb::Fail, json!({"at": now(), "error": error}), code)
            }
        }
    }
}

impl Folder {
    /// Makes it beside the journal, where it outlives this process, or else anywhere.
    fn make(journal: &Journal) -> anyhow::Result<Self> {
        let path = journal.folder();
        if fs::create_dir_all(&path).is_ok() {
            return Ok(Self { path, _temporary: None });
        }
        let temporary = TempDir::new().context("cannot make a directory for the command")?;
        Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) })
    }
}

/// Tells a server that may be away, without waiting for it each time.
struct Teller<'a> {
    client: &'a Client,
    away_since: Option<Instant>,
}

impl Teller<'_> {
    fn tell(&mut self, journal: &mut Journal) {
        let is_paused = self.away_since.is_some_and(|since| since.elapsed() < PAUSE);
        if is_paused || journal.is_delivered() {
            return;
        }
        let told: Result<(), Unwritten> = journal.deliver(self.client);
        self.away_since = told.is_err().then(Instant::now);
    }
}

/// Says that the disk did not take a journal's line, which does not stop anything.
pub(crate) fn kept(context: &mut Context<'_>, written: io::Result<()>) {
    if let Err(error) = written {
        context.mention(format!("what is to be recorded cannot be kept on disk: {error}"));
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// `85 ms`, `12 s`, `4 min 10 s`.
fn took(length: jiff::SignedDuration) -> String {
    match (length.as_secs() / 60, length.as_secs() % 60) {
        (0, 0) => format!("{} ms", length.subsec_millis()),
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
