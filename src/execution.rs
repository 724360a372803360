//! One run of a deploy command: what it is given, and what is told of it.

mod files;
mod targets;
mod variables;

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::ExitStatusExt as _,
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use shiplog_store::clock::{Clock as _, SystemClock};

use self::files::Files;
pub(crate) use self::{targets::Targets, variables::set as set_variables};
use crate::{
    child::{self, Charge, Ended, NotRun, Output, signal_name},
    client::{Client, Unwritten},
    context::Context,
    deployment,
    spool::{Head, Journal, Verb},
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

impl Execution<'_> {
    /// Runs the command, tells the journal and as far as possible the server how it goes.
    ///
    /// The deployment has started, so this never gives up: what cannot be run is told as an end.
    pub(crate) fn run(&self, context: &mut Context<'_>, journal: &mut Journal) -> Outcome {
        let (files, mut targets) = Files::make(context, journal);
        let began = now();
        let noted = journal.begin(began);
        let mut teller = Teller { client: self.client, away_since: None };
        let ended = match (&files, noted) {
            // After a crash nobody could tell whether the command was run.
            (_, Err(error)) if self.is_kept => Err(NotRun::Unkept(error)),
            (None, _) if self.is_kept => Err(NotRun::Unkept(io::ErrorKind::StorageFull.into())),
            (files, noted) => {
                kept(context, noted);
                let output = files.as_ref().filter(|_| self.is_kept).map(Files::output);
                let output = output.map_or(Output::Passed, Output::Kept);
                let mut command = self.prepare(context, journal, files.as_ref());
                child::run(&mut command, self.charge, &output, &mut || {
                    if let Some(targets) = &mut targets {
                        targets.tell(context, journal, false);
                    }
                    teller.tell(journal);
                })
            }
        };
        if let Some(targets) = &mut targets {
            targets.tell(context, journal, true);
        }
        match &ended {
            Ok(_) | Err(NotRun::Asked(_)) => {}
            Err(NotRun::Failed(error)) => context.mention(self.not_run(error)),
            Err(NotRun::Unkept(error)) => context.mention(unkept(error)),
        }
        let (verb, body, code) = self.told(ended, began);
        kept(context, journal.tell(verb, body, None));
        Outcome { code, failed_targets: targets.map(|targets| targets.failed).unwrap_or_default() }
    }

    fn prepare(&self, context: &Context<'_>, journal: &Journal, files: Option<&Files>) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new(""), OsString::as_os_str));
        command.args(words);
        variables::set(&mut command, &context.settings.server.value, journal);
        if let Some(files) = files {
            files.name(&mut command);
        }
        command
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
            Err(NotRun::Unkept(error)) => {
                let body = json!({"at": now(), "reason": unkept(&error)});
                (Verb::Cancel, body, NOT_EXECUTABLE)
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

/// Why a command that an agent has to keep track of is not run.
fn unkept(error: &io::Error) -> String {
    format!("nothing was run, because what the agent does cannot be kept on disk: {error}")
}

/// How what the server does not have comes to be recorded.
pub(crate) fn undelivered(journal: &Journal) -> String {
    if journal.is_on_disk() {
        let spool = journal.moved_to().map(|spool| format!(" --spool {}", spool.display()));
        let spool = spool.unwrap_or_default();
        return format!("`shiplog flush{spool}` delivers the rest of what is to be recorded");
    }
    let (verb, status) = match journal.count(Verb::Succeed) {
        0 => ("fail", "failed"),
        _ => ("succeed", "succeeded"),
    };
    let Head { service, environment, .. } = journal.head();
    let command = match journal.number() {
        Some(number) => {
            let name = json!({"service": service, "environment": environment, "number": number});
            format!("shiplog {verb} {}", deployment::name(&name))
        }
        None => format!("shiplog deploy {service} {environment} VERSION --status {status}"),
    };
    format!("no disk keeps how it ended, so it has to be said by hand: `{command}`")
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
