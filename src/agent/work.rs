//! One deployment after the other: claimed, carried out, reported.

use std::{ffi::OsString, mem};

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use shiplog_store::clock::{Clock as _, SystemClock};

use super::{
    Stop,
    queue::{Queue, Turn, away},
};
use crate::{
    actor::Actor,
    child::Charge,
    client::{Cause, Client, Unwritten, deployment_path, is_of_one_stream},
    context::Context,
    deployment::{self, text},
    execution::{self, Execution, kept},
    exit::Failure,
    happening,
    on_failure::OnFailureArgs,
    spool::{Fallback, Head, Journal, Lane, Verb, tell_unknown},
    write::random_key,
};

/// What an agent needs to work.
pub(super) struct Worker {
    pub(super) client: Client,
    /// What it is doing, or was doing when it was killed.
    pub(super) journals: Lane,
    pub(super) queue: Queue,
    pub(super) executor: String,
    pub(super) actor: Actor,
    pub(super) charge: Charge,
    pub(super) command: Vec<OsString>,
    pub(super) on_failure: OnFailureArgs,
    pub(super) stop: Stop,
    /// What was said once and need not be said again.
    pub(super) said: Vec<String>,
    /// What has ended while neither the server nor the disk took that.
    pub(super) undelivered: Vec<Journal>,
}

/// What a look came to.
pub(super) enum Step {
    /// Something was done: look again at once.
    Worked,
    /// Nothing can be done now.
    Idle,
    /// Nothing can be done now, and what was left by a crash cannot be read.
    Unreadable(anyhow::Error),
    /// The server cannot be asked.
    Away(Failure),
}

/// What became of a journal.
enum Left {
    /// Everything of it is done.
    Done,
    /// Nobody knows how the command ended: its lane is left alone.
    Open { service: String },
}

impl Worker {
    /// Finishes what was begun, or takes the next deployment.
    pub(super) fn step(&mut self, context: &mut Context<'_>) -> anyhow::Result<Step> {
        match self.try_step(context) {
            Ok(step) => Ok(step),
            Err(error) => away(error).map(Step::Away),
        }
    }

    fn try_step(&mut self, context: &mut Context<'_>) -> anyhow::Result<Step> {
        let (mut open, mut unreadable) = (Vec::new(), None);
        let mut undelivered = mem::take(&mut self.undelivered).into_iter();
        while let Some(journal) = undelivered.next() {
            let service = journal.head().service.clone();
            let finished = self.finish(context, journal);
            match self.set_aside(context, finished) {
                Ok(Some(())) => {}
                Ok(None) => open.push(service),
                Err(error) => {
                    self.undelivered.extend(undelivered);
                    return Err(error);
                }
            }
        }
        for path in self.journals.journals()? {
            let journal = match Journal::adopt(&path) {
                Ok(Some(journal)) => journal,
                Ok(None) => continue,
                // Its lane waits by itself: what it had begun has not ended.
                Err(error) => {
                    let error = anyhow!(error).context(format!("cannot read {}", path.display()));
                    self.say_once(context, format!("{error:#}"));
                    unreadable = Some(error);
                    continue;
                }
            };
            let service = journal.head().service.clone();
            let left = self.resume(context, journal);
            match self.set_aside(context, left)? {
                Some(Left::Done) => {}
                Some(Left::Open { service }) => open.push(service),
                None => open.push(service),
            }
        }
        // Whatever woke the agent is to be seen.
        self.client.level()?;
        for service in self.queue.waiting(&self.client)? {
            if self.stop.is_asked() {
                return Ok(Step::Idle);
            }
            if open.contains(&service) {
                continue;
            }
            let turn = self.queue.turn(&self.client, &service);
            match self.set_aside(context, turn)?.unwrap_or(Turn::Nothing) {
                Turn::Next(next, version) => {
                    let taken = self.take(context, &next, version);
                    if self.set_aside(context, taken)?.unwrap_or_default() {
                        return Ok(Step::Worked);
                    }
                }
                Turn::Busy(name) => self.say_once(
                    context,
                    format!("{service} waits: {name} has begun and nobody has said how it ended"),
                ),
                Turn::Damaged(damage) => {
                    self.say_once(context, format!("{service} waits: its lane is {damage}"));
                }
                Turn::Nothing => {}
            }
        }
        Ok(unreadable.map_or(Step::Idle, Step::Unreadable))
    }

    /// What came of something in one lane; nothing if the lane is damaged: that waits, and no other.
    fn set_aside<T>(
        &mut self,
        context: &mut Context<'_>,
        done: anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        let error = match done {
            Ok(done) => return Ok(Some(done)),
            Err(error) => error,
        };
        let failure = error.downcast_ref::<Failure>();
        let damage = failure.filter(|failure| failure.rule().is_some_and(is_of_one_stream));
        let Some(damage) = damage.map(ToString::to_string) else { return Err(error) };
        self.say_once(context, damage);
        Ok(None)
    }

    /// Claims a deployment and carries it out; answers whether to look again, as a rule that says no
    /// will say it again.
    fn take(
        &mut self,
        context: &mut Context<'_>,
        deployment: &Value,
        version: Option<String>,
    ) -> anyhow::Result<bool> {
        let head = Head {
            server: context.settings.server.value.clone(),
            service: text(deployment, "service").into(),
            environment: text(deployment, "environment").into(),
            number: deployment.get("number").and_then(Value::as_u64),
            actor: Some(self.actor.clone()),
            key: random_key(),
        };
        let claim = happening::claim_body(context, &self.executor, SystemClock.now())?;
        let (mut journal, written) = self.journals.begin(head, SystemClock.now(), Fallback::Memory);
        // Without it nobody could tell after a crash whether the command was run.
        written
            .and_then(|()| journal.tell(Verb::Start, claim, version))
            .context("cannot keep a journal of what is being done")?;
        self.carry_out(context, journal)
    }

    /// Goes on with what was left by a crash, or by a server that was away.
    fn resume(&mut self, context: &mut Context<'_>, mut journal: Journal) -> anyhow::Result<Left> {
        if journal.has_ended() {
            self.finish(context, journal)?;
            return Ok(Left::Done);
        }
        if !journal.has_begun() {
            self.carry_out(context, journal)?;
            return Ok(Left::Done);
        }
        tell_unknown(&mut journal, "shiplog agent")?;
        deliver(&mut journal, &self.client)?;
        let now = self.look(&journal)?;
        if text(&now, "status") != "started" {
            journal.close()?;
            return Ok(Left::Done);
        }
        let name = deployment::name(&now);
        self.say_once(
            context,
            format!(
                "{name}: the agent was stopped while its command ran, and how it ended is unknown; \
                 this lane waits for `shiplog succeed {name}` or `shiplog fail {name}`"
            ),
        );
        Ok(Left::Open { service: journal.head().service.clone() })
    }

    /// Runs the command for a deployment that is claimed, or that the journal says to claim; answers
    /// as [`Self::take`].
    fn carry_out(
        &mut self,
        context: &mut Context<'_>,
        mut journal: Journal,
    ) -> anyhow::Result<bool> {
        match journal.deliver(&self.client) {
            Ok(()) => {}
            Err(no) if no.is_final() => {
                journal.discard()?;
                // Somebody else was faster: nothing to tell people of.
                let is_stale = no.cause == Cause::Stale;
                if !is_stale {
                    self.say_once(context, format!("not taken: {}", no.failure));
                }
                return Ok(is_stale);
            }
            Err(no) => return Err(no.into_failure().into()),
        }
        let now = self.look(&journal)?;
        let name = deployment::name(&now);
        if text(&now, "status") != "started" {
            context.mention(format!("{name} has ended before it was run"));
            journal.discard()?;
            return Ok(true);
        }
        let version = now.pointer("/release/version").and_then(Value::as_str).unwrap_or_default();
        context.mention(format!("{name}: running the command for {version}"));
        journal.see(now);
        let execution = Execution {
            command: &self.command,
            charge: &self.charge,
            client: &self.client,
            is_kept: true,
        };
        let outcome = execution.run(context, &mut journal);
        let told = deliver(&mut journal, &self.client);
        self.on_failure.run(context, &self.client, &journal, &outcome);
        match told {
            Ok(()) => self.finish(context, journal).map(|()| true),
            Err(failure) => Err(self.keep(journal, failure).into()),
        }
    }

    /// Tells the server what it does not have yet of a deployment that has ended.
    fn finish(&mut self, context: &mut Context<'_>, mut journal: Journal) -> anyhow::Result<()> {
        if let Err(failure) = deliver(&mut journal, &self.client) {
            return Err(self.keep(journal, failure).into());
        }
        if let Some(told) = journal.deployment() {
            context.mention(format!("{}: {}", deployment::name(told), text(told, "status")));
        }
        kept(context, journal.close());
        Ok(())
    }

    /// Keeps in memory what could not be delivered and is not on disk; answers the failure.
    fn keep(&mut self, journal: Journal, failure: Failure) -> Failure {
        if !journal.is_on_disk() {
            self.undelivered.push(journal);
        }
        failure
    }

    /// Says what is lost when the agent ends now.
    pub(super) fn leave(&mut self, context: &mut Context<'_>) {
        for journal in mem::take(&mut self.undelivered) {
            context.mention(execution::undelivered(&journal));
        }
    }

    /// The deployment as it is now.
    fn look(&self, journal: &Journal) -> Result<Value, Failure> {
        // What was told again is answered as of then, and reads after it would be content with that.
        self.client.level()?;
        let Head { service, environment, number, .. } = journal.head();
        let path = deployment_path(service, environment, number.unwrap_or_default());
        Ok(self.client.get(&path)?.body)
    }

    fn say_once(&mut self, context: &mut Context<'_>, text: String) {
        if !self.said.contains(&text) {
            context.mention(&text);
            self.said.push(text);
        }
    }
}

fn deliver(journal: &mut Journal, client: &Client) -> Result<(), Failure> {
    journal.deliver(client).map_err(Unwritten::into_failure)
}
