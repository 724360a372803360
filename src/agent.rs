//! `shiplog agent`: carry out what is requested.

mod feed;
mod queue;
mod work;

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::Duration,
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use self::work::{Step, Worker};
use crate::{
    actor::{Actor, Kind},
    child::{self, Charge},
    context::Context,
    exit::{Exit, Failure},
    on_failure::OnFailureArgs,
    private_file,
    spool::{self, Lane},
    write::{ActorArgs, hex},
};

/// How soon the agent looks again although nothing happened.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// How soon it looks again after the server was away.
const TRY_AGAIN: Duration = Duration::from_secs(3);

/// Wait for deployments that are requested in an environment, and run a command for each.
///
/// One deployment at a time, the oldest that needs no further approval first. Each is claimed, so
/// that of several agents one runs it. The command's end is the deployment's. If the agent is
/// killed while its command runs, nobody knows how that ended: the next start says so on the
/// deployment and leaves the lane alone until somebody has said it with `shiplog succeed` or
/// `shiplog fail`.
///
/// SIGTERM, SIGINT and SIGHUP: the agent takes nothing new, lets the command end, reports it and
/// exits with 0. A second signal is passed on to the command.
///
/// The command finds the same variables and files as that of `shiplog run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog agent --environment production -- ./deploy.sh
  shiplog agent --environment staging --service checkout --service search --once -- ./deploy.sh")]
pub(crate) struct Agent {
    /// Where to.
    #[arg(long)]
    environment: String,
    /// Only this service; may be repeated.
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
    /// What the record calls this agent; by default `shiplog-agent@` and the machine's name.
    #[arg(long, value_name = "NAME")]
    executor: Option<String>,
    /// Only what was requested since then: RFC 3339, a date, or how long ago (`1h`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Where it keeps what it is doing; by default in `~/.local/state/shiplog`.
    #[arg(long, value_name = "DIR", env = "SHIPLOG_AGENT_STATE")]
    state: Option<PathBuf>,
    /// End when nothing waits.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    on_failure: OnFailureArgs,
    /// The command and its arguments, which no shell reads.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Agent {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { environment, services, executor, since, state, once, actor, .. } = self;
        let executor = executor.unwrap_or_else(|| named(context));
        let actor = actor.find_or(context, Actor::new(Kind::Service, executor.as_str()))?;
        let since = since.map(|since| context.instant("--since", &since)).transpose()?;
        let state = match state {
            Some(state) => state,
            None => usual_state(context, &environment, &executor)?,
        };
        let _lock = lock(&state)?;
        let (wake, woken) = mpsc::channel();
        let stop = Stop::default();
        let charge = stop.listen(wake.clone(), context.settings.quiet.value)?;
        if !once {
            feed::follow(context.client()?, environment.clone(), wake);
        }
        let worker = Worker {
            client: context.client()?,
            journals: Lane::at(state.join("journals")),
            queue: queue::Queue { environment, services, since },
            executor,
            actor,
            charge,
            command: self.command,
            on_failure: self.on_failure,
            stop,
            said: Vec::new(),
            undelivered: Vec::new(),
        };
        work_on(context, worker, once, &woken)
    }
}

/// Works until it is asked to stop or, with `once`, until nothing waits.
fn work_on(
    context: &mut Context<'_>,
    mut worker: Worker,
    once: bool,
    woken: &Receiver<()>,
) -> anyhow::Result<Exit> {
    loop {
        if worker.stop.is_asked() {
            worker.leave(context);
            return Ok(Exit::Success);
        }
        // What woke it before is seen by this look.
        while woken.try_recv().is_ok() {}
        let pause = match worker.step(context)? {
            Step::Worked => continue,
            Step::Idle if once => return Ok(Exit::Success),
            Step::Away(failure) if once => {
                worker.leave(context);
                return Err(failure.into());
            }
            Step::Unreadable(error) if once => return Err(error),
            Step::Idle | Step::Unreadable(_) => LOOK_AGAIN,
            Step::Away(failure) => {
                context.mention(failure.to_string());
                TRY_AGAIN
            }
        };
        match woken.recv_timeout(pause) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Whether the agent was asked to stop.
#[derive(Clone, Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The first signal asks to stop; each one after it is passed on to what runs.
    fn listen(&self, wake: Sender<()>, is_quiet: bool) -> anyhow::Result<Charge> {
        let (charge, stop) = (Charge::default(), self.clone());
        let passing = charge.clone();
        child::listen(move |signal| {
            if stop.0.swap(true, Ordering::SeqCst) {
                passing.pass_on(signal);
            } else if !is_quiet {
                let text = "shiplog: taking nothing new; the next signal reaches what runs";
                // Whoever stops it need not read that.
                let _ = writeln!(io::stderr(), "{text}");
            }
            // Who has ended need not be woken.
            let _ = wake.send(());
        })
        .context("cannot listen for signals")?;
        Ok(charge)
    }
}

/// `shiplog-agent@` and the machine's name.
fn named(context: &Context<'_>) -> String {
    let kernel = || fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = (context.variables)("HOSTNAME").or_else(kernel).unwrap_or_default();
    match host.trim() {
        "" => "shiplog-agent".into(),
        host => format!("shiplog-agent@{host}"),
    }
}

/// A directory of this agent's own, the same after a restart.
fn usual_state(
    context: &Context<'_>,
    environment: &str,
    executor: &str,
) -> Result<PathBuf, Failure> {
    let server = context.settings.server.value.as_str();
    let name = Sha256::digest([server, environment, executor].join("\0"));
    let name = format!("agents/{}", hex(&name, 12));
    spool::state(context.variables, &name).ok_or_else(|| {
        Failure::usage("neither HOME nor XDG_STATE_HOME says where state is kept")
            .note("name a directory with --state")
    })
}

/// Keeps a second agent from the same directory.
fn lock(state: &Path) -> anyhow::Result<File> {
    let place = state.display();
    let made = private_file::make_directory(state);
    made.with_context(|| format!("cannot keep what this agent does in {place}"))?;
    let file = private_file::lock_file(state).with_context(|| format!("cannot use {place}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another agent works from {place}");
            Err(Failure::new(Exit::Unavailable, message)
                .note("give this one a directory of its own with --state, or another --executor")
                .into())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {place}"))
        }
    }
}
