//! `shiplog flush`: deliver what could not be recorded while the server was away.

use serde_json::{Value, json};

use crate::{
    client::{Cause, Client},
    context::Context,
    deployment,
    exit::{Exit, Failure},
    output::{self, Column, Kind},
    reference::named,
    spool::{Fate, Lane, Settled, Spool, SpoolArgs},
};

const COLUMNS: [Column; 5] = [
    Column::new("service", "/service", Kind::Text),
    Column::new("environment", "/environment", Kind::Text),
    Column::new("number", "/number", Kind::Text),
    Column::new("fate", "/fate", Kind::Text),
    Column::new("why", "/why", Kind::Text),
];

/// Deliver what `shiplog run` kept while the server was away.
///
/// Runs are delivered lane by lane, oldest first, each thing once, with the times as they were.
/// What the server will never take is kept aside and named. What cannot be read, or belongs to another
/// user, is named and left, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shiplog flush || echo 'the server is still away'")]
pub(crate) struct Flush {
    #[command(flatten)]
    spool: SpoolArgs,
}

impl Flush {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let spool = self.spool.open(context.variables)?;
        let client = context.client()?;
        let mut round = Round {
            client,
            spool,
            settled: Vec::new(),
            kept: 0,
            away: None,
            damaged: None,
            is_broken: false,
        };
        for lane in round.spool.lanes()? {
            if let Err(error) = round.empty(context, &lane) {
                round.unreadable(context, &error)?;
            }
        }
        round.end(context)
    }
}

/// One way through all lanes.
struct Round {
    client: Client,
    spool: Spool,
    settled: Vec<Settled>,
    /// How many runs are left.
    kept: usize,
    /// Why, if the server is.
    away: Option<Failure>,
    /// Why not all of a lane could be delivered that is damaged; the first of them.
    damaged: Option<Failure>,
    /// Whether something could not be read.
    is_broken: bool,
}

impl Round {
    /// Delivers one lane, as far as that can be done now.
    fn empty(&mut self, context: &mut Context<'_>, lane: &Lane) -> anyhow::Result<()> {
        let _locked = lane.lock()?;
        let server = lane.server()?.filter(|server| *server != context.settings.server.value);
        if let Some(server) = server {
            return context.say(format!("runs wait for another server: --server {server}"));
        }
        // What is away for one lane is away for all.
        if self.away.is_none() {
            let (settled, mut unreadable) = (&mut self.settled, Vec::new());
            let delivered = lane.settle(None, &self.client, &mut |one| match one {
                Ok(one) => settled.push(one),
                Err(error) => unreadable.push(error.into()),
            });
            for error in &unreadable {
                self.unreadable(context, error)?;
            }
            match delivered {
                Ok(()) => {}
                // Other lanes are none the worse.
                Err(no) if matches!(no.cause, Cause::Damaged(_)) => {
                    context.say(no.failure.to_string())?;
                    self.damaged.get_or_insert(no.into_failure());
                }
                Err(no) => self.away = Some(no.into_failure()),
            }
        }
        self.kept += lane.journals()?.len();
        Ok(())
    }

    /// Says what cannot be read.
    fn unreadable(
        &mut self,
        context: &mut Context<'_>,
        error: &anyhow::Error,
    ) -> anyhow::Result<()> {
        self.is_broken = true;
        context.say(format!("what is kept cannot be read: {error:#}"))
    }

    /// Writes what became of what was kept.
    fn end(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { client: _, spool, settled, kept, away, damaged, is_broken } = self;
        output::list(context, &COLUMNS, settled.iter().map(|settled| Ok(row(settled))))?;
        if let Some(failure) = away.or(damaged) {
            let note = format!("{kept} runs wait in {}", spool.root().display());
            return Err(failure.note(note).into());
        }
        if settled.is_empty() && !is_broken {
            context.say("there is nothing to deliver")?;
        }
        let is_refused = settled.iter().any(|one| matches!(one.fate, Fate::Refused(_)));
        Ok(match (is_broken, is_refused) {
            (true, _) => Exit::Failure,
            (false, true) => Exit::Refused,
            (false, false) => Exit::Success,
        })
    }
}

fn row(settled: &Settled) -> Value {
    let Settled { head, number, fate } = settled;
    let (word, why) = match fate {
        Fate::Delivered => ("delivered", None),
        Fate::Unknown => ("unknown", Some("it was stopped while its command ran".to_owned())),
        Fate::NeverRun => ("never-run", Some("it ended before it ran its command".to_owned())),
        Fate::Alive => ("running", Some("its process will deliver the rest".to_owned())),
        Fate::Refused(why) => ("refused", Some(why.join("; "))),
    };
    json!({
        "service": head.service, "environment": head.environment, "number": number,
        "fate": word, "why": why,
    })
}

/// What became of an earlier run, for people.
pub(crate) fn sentence(settled: &Settled) -> String {
    let row = row(settled);
    let name = match settled.number {
        Some(_) => deployment::name(&row),
        None => named(&settled.head.service, &settled.head.environment),
    };
    let why = deployment::text(&row, "why");
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("an earlier run, {name}: {}{why}", deployment::text(&row, "fate"))
}
