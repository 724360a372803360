//! `shiplog run`: run a deploy command, and record how it goes.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
};

use anyhow::Context as _;
use rustix::process::Signal;
use serde_json::{Value, json};
use shiplog_store::clock::{Clock as _, SystemClock};

use crate::{
    child::{self, Charge},
    client::{Cause, Client, Unwritten},
    context::Context,
    deploy::What,
    deployment::{self, body},
    execution::{self, Execution, kept},
    exit::{Exit, Failure},
    flush,
    guard::{self, NewNameArgs, OverrideArgs},
    happening,
    on_failure::OnFailureArgs,
    spool::{Fallback, Fate, Head, Journal, Lane, SpoolArgs, Verb},
    write::{ActorArgs, random_key},
};

/// Run a deploy command and record it: requested, started, succeeded or failed.
///
/// The command's output passes through and its exit code is this one's; SIGINT, SIGTERM and SIGHUP
/// are passed on to it. If a rule refuses the deployment, nothing is run. If the server is away,
/// the command runs all the same, and what is to be recorded is delivered by the next run or by
/// `shiplog flush`, with the times as they were.
///
/// The command finds `SHIPLOG_SERVICE`, `SHIPLOG_ENVIRONMENT`, `SHIPLOG_VERSION`, `SHIPLOG_COMMIT`,
/// `SHIPLOG_INTENT`, `SHIPLOG_NUMBER`, `SHIPLOG_DEPLOYMENT` and `SHIPLOG_SERVER`, the release as JSON
/// in the file `SHIPLOG_MANIFEST`, what it is configured with in the file `SHIPLOG_CONFIGURATION`, and
/// can tell how its targets do in the file `SHIPLOG_TARGETS`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog run --service checkout --environment production --version 1.4.2 -- ./deploy.sh --fast
  shiplog run --service checkout --environment production --version 1.4.2 \\
    --on-failure ./deploy-failed.sh -- ./deploy.sh

In the command, for each machine:
  echo \"started web-1\" >> \"$SHIPLOG_TARGETS\"
  echo \"failed web-1 no answer on port 80\" >> \"$SHIPLOG_TARGETS\"")]
pub(crate) struct Run {
    /// What is deployed.
    #[arg(long)]
    service: String,
    /// Where to.
    #[arg(long)]
    environment: String,
    /// Which version.
    #[arg(long)]
    version: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    names: NewNameArgs,
    #[command(flatten)]
    crosses: OverrideArgs,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    on_failure: OnFailureArgs,
    /// The command and its arguments, which no shell reads.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { service, environment, version, mut what, names, crosses, actor, spool, .. } =
            self;
        what.fill_in(context)?;
        let charge = listen()?;
        let client = context.client()?;
        let head = Head {
            server: context.settings.server.value.clone(),
            service,
            environment,
            number: None,
            actor: actor.find(context)?,
            key: random_key(),
        };
        let lane = spool.open(context.variables)?.lane(&head);
        let body = request(&head, [names.wire(), crosses.wire()], what, &version)?;
        let start = happening::claim_body(context, "shiplog run", SystemClock.now())?;
        let (mut journal, written) = lane.begin(head, SystemClock.now(), Fallback::Temporary);
        kept(context, written);
        let post = Post { lane, client: &client };
        if let Err(no) = post.ask(context, &mut journal, [body, start]) {
            return Err(post.refused(context, journal, no).into());
        }

        let execution =
            Execution { command: &self.command, charge: &charge, client: &client, is_kept: false };
        let outcome = execution.run(context, &mut journal);
        let told = post.deliver(context, &mut journal);
        self.on_failure.run(context, &client, &journal, &outcome);
        leave(context, journal, told);
        Ok(Exit::OfCommand(outcome.code))
    }
}

/// Passes signals on to whatever is run.
fn listen() -> anyhow::Result<Charge> {
    let charge = Charge::default();
    let passing = charge.clone();
    // Whoever presses Ctrl-C at a terminal has sent it to the command too.
    let is_terminal = io::stdin().is_terminal();
    child::listen(move |signal| {
        if !(is_terminal && signal == Signal::INT) {
            passing.pass_on(signal);
        }
    })
    .context("cannot listen for signals")?;
    Ok(charge)
}

fn request(
    head: &Head,
    [new_name, overriding]: [Option<Value>; 2],
    what: What,
    version: &str,
) -> anyhow::Result<Value> {
    let mut body = body([
        ("service", Some(head.service.as_str().into())),
        ("environment", Some(head.environment.as_str().into())),
        // For the report that it becomes if the server is away; what is asked for states no time.
        ("at", Some(SystemClock.now().to_string().into())),
        ("new_name", new_name),
        ("override", overriding),
    ]);
    body.extend(what.into_fields(version)?);
    Ok(body.into())
}

/// The way to the server, past what others left for it.
struct Post<'a> {
    lane: Lane,
    client: &'a Client,
}

impl Post<'_> {
    /// Asks for the deployment and to begin with it; an error means that nothing is to be run.
    fn ask(
        &self,
        context: &mut Context<'_>,
        journal: &mut Journal,
        [request, start]: [Value; 2],
    ) -> Result<(), Unwritten> {
        kept(context, journal.tell(Verb::Request, request, None));
        let asked = self.deliver(context, journal);
        let is_kept = matches!(&asked, Err(no) if no.may_pass());
        if asked.is_ok() || is_kept {
            kept(context, journal.tell(Verb::Start, start, None));
        }
        // Whoever is away is not waited for twice.
        let begun = asked.and_then(|()| self.deliver(context, journal));
        match begun {
            Err(no) if no.may_pass() => {
                context.mention(format!("{}; the command runs all the same", no.failure));
                Ok(())
            }
            begun => begun,
        }
    }

    /// Delivers what others left in this lane, then this run's own.
    fn deliver(&self, context: &mut Context<'_>, journal: &mut Journal) -> Result<(), Unwritten> {
        let locked = self.lane.lock();
        let mut found = Vec::new();
        let settled = self.lane.settle(Some(journal), self.client, &mut |one| found.push(one));
        let told = settled.and_then(|()| journal.deliver(self.client));
        drop(locked);
        for one in found {
            match one {
                Ok(one) if one.fate == Fate::Alive => {}
                Ok(one) => context.mention(flush::sentence(&one)),
                Err(error) => {
                    context.mention(format!("what earlier runs left cannot be read: {error}"));
                }
            }
        }
        told
    }

    /// Gives up before anything was run, and says why.
    fn refused(&self, context: &mut Context<'_>, mut journal: Journal, no: Unwritten) -> Failure {
        // What an agent has taken meanwhile is not for this run to call off.
        let is_taken = matches!(&no.cause, Cause::Refused(code)
            if code == "already-started" || code == "already-ended");
        if journal.number().is_none() || is_taken {
            kept(context, journal.discard());
            return guard::explained(no);
        }
        let reason = format!("nothing was run: {}", no.failure);
        let body = json!({"reason": reason, "at": SystemClock.now()});
        kept(context, journal.tell(Verb::Cancel, body, None));
        if self.deliver(context, &mut journal).is_ok() {
            kept(context, journal.discard());
        }
        guard::explained(no)
    }
}

/// Says what became of the run, and leaves what the server does not have for later.
fn leave(context: &mut Context<'_>, journal: Journal, told: Result<(), Unwritten>) {
    if let Err(Unwritten { failure, cause: _ }) = told {
        context.mention(format!("{failure}; {}", execution::undelivered(&journal)));
        return;
    }
    if let Some(told) = journal.deployment() {
        context.mention(format!(
            "{}: {}",
            deployment::name(told),
            deployment::text(told, "status")
        ));
    }
    kept(context, journal.close());
}
