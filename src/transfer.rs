//! `shiplog transfer`: a whole log, from one place to another.

use anyhow::Context as _;
use serde_json::json;
use shiplog_store::{
    log::LogFault,
    transfer::{Step, TransferError, Transferred, transfer},
};

use crate::{
    context::Context,
    data,
    exit::{Exit, Failure},
    log::Place,
    output::{self, Column, Kind},
    progress::Progress,
};

const COLUMNS: [Column; 4] = [
    Column::new("events", "/events", Kind::Text),
    Column::new("there before", "/known", Kind::Text),
    Column::new("digest", "/digest", Kind::Text),
    Column::new("verdict", "/verdict", Kind::Status),
];

/// Copy a whole log from a data directory to a cluster, or back.
///
/// Ids, streams, versions, times and metadata are kept, and the order of all events; positions are
/// the target's own. At the end both are compared, event by event, and one digest of both is
/// printed. A directory keeps up to where several servers wrote what was copied: `verify` then knows
/// that times may go back there. A transfer that was ended half-way goes on when it is begun again, as
/// long as nobody else has written to the target.
///
/// A server may write the source meanwhile; what it records after the transfer began is copied
/// when it is begun again. Before the target is served, stop the server of the source and transfer
/// once more.
///
/// Exits 3 if the target holds something else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog transfer --from shiplog-data --to 'esdb://admin:changeit@node1,node2,node3?tls=true'
  shiplog transfer --from 'esdb://localhost:2113?tls=false' --to copy-of-the-log")]
pub(crate) struct Transfer {
    /// The log that is copied: a data directory, or a cluster's `esdb://` address.
    #[arg(long, value_name = "PLACE")]
    from: Place,
    /// Where to: a data directory, made if it does not exist, or a cluster's `esdb://` address.
    #[arg(long, value_name = "PLACE")]
    to: Place,
}

impl Transfer {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self { from, to } = self;
        let quiet = context.settings.quiet.value;
        let copied = data::runtime().context("cannot start threads")?.block_on(async {
            let (source, target) = (from.read().await?, to.write().await?);
            let mut shown = Shown::new(quiet);
            let mut reach = |step, events| shown.reach(step, events);
            transfer(source.log(), target.log(), &mut reach).await.map_err(|error| tell(&error))
        })?;
        let Transferred { events, known, digest } = copied;
        let summary =
            json!({ "events": events, "known": known, "digest": digest, "verdict": "same" });
        output::one(context, &COLUMNS, &summary)?;
        Ok(Exit::Success)
    }
}

/// The progress of the step that goes on.
struct Shown {
    step: Option<(Step, Progress)>,
    quiet: bool,
}

impl Shown {
    fn new(quiet: bool) -> Self {
        Self { step: None, quiet }
    }

    fn reach(&mut self, step: Step, events: u64) {
        if self.step.as_ref().is_none_or(|(shown, _)| *shown != step) {
            // The one before lets go of the terminal first.
            self.step = None;
            self.step = Some((step, Progress::new(None, self.quiet)));
        }
        let what = match step {
            Step::Looking => "events found in the target",
            Step::Copying => "events copied",
            Step::Comparing => "events compared",
        };
        if let Some((_, progress)) = &self.step {
            progress.reach(events, events, what);
        }
    }
}

fn tell(error: &TransferError) -> Failure {
    let message = error.to_string();
    match error {
        TransferError::Different { .. } => Failure::new(Exit::Different, message)
            .note("the target has to be empty, or hold the beginning of the source"),
        TransferError::Source(LogFault::Unreadable(_))
        | TransferError::Target(LogFault::Unreadable(_)) => Failure::new(Exit::Failure, message)
            .note("nothing after this event was copied; docs/damage.md says how it is mended")
            .note("mended and begun again, the transfer goes on where it ended"),
        TransferError::Source(_) | TransferError::Target(_) | TransferError::Refused { .. } => {
            Failure::new(Exit::Unavailable, message)
                .note("begun again, the transfer goes on where it ended")
        }
    }
}
