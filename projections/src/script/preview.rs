//! Running a script over a part of the history, to see what it makes of it.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, future};
use jiff::Timestamp;
use shiplog_domain::{
    lane::LaneId,
    names::{EnvironmentName, ServiceName},
    projection::ProjectionName,
    stream::StreamName,
    wire::EncodedEvent,
};
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault, RecordStream, Recorded},
    position::GlobalPosition,
};

use super::{
    ahead::Ahead,
    child::Program,
    folder::{Fault, Folder, Stop},
    limits,
    tables::{self, States, Wanted},
};
use crate::damage::Damage;

/// How many partitions are shown.
const SHOWN: usize = 100;

/// Which part of the history; the whole of it unless something is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Events after this position.
    pub after: Option<GlobalPosition>,
    /// Events up to this position.
    pub until: Option<GlobalPosition>,
    /// Events recorded then or later.
    pub since: Option<Timestamp>,
    /// Events recorded before then.
    pub before: Option<Timestamp>,
    /// Events of lanes of this service.
    pub service: Option<ServiceName>,
    /// Events of lanes of this environment.
    pub environment: Option<EnvironmentName>,
    /// Events of this stream.
    pub stream: Option<StreamName>,
    /// Events of these types; of all types if there are none.
    pub types: Vec<String>,
}

impl Slice {
    fn read(self, log: &dyn Log) -> RecordStream<'_> {
        let until = self.until;
        let within = move |one: &Entry| until.is_none_or(|until| entry::position(one) <= until);
        log.read_all(self.after)
            .map(entry::of)
            .try_take_while(move |one| future::ready(Ok(within(one))))
            .try_filter(move |one| {
                // What cannot be read may be of what is wanted.
                future::ready(one.as_ref().map_or(true, |recorded| self.takes(recorded)))
            })
            .map(|read| read.and_then(|entry| entry.map_err(LogFault::Unreadable)))
            .boxed()
    }

    fn takes(&self, recorded: &Recorded<EncodedEvent>) -> bool {
        let Self { since, before, service, environment, stream, types, .. } = self;
        let at = recorded.recorded_at;
        let lane = LaneId::from_stream(&recorded.stream);
        let is_of = |lane: &LaneId| {
            service.as_ref().is_none_or(|service| *service == lane.service)
                && environment.as_ref().is_none_or(|environment| *environment == lane.environment)
        };
        let any_lane = service.is_none() && environment.is_none();
        since.is_none_or(|since| at >= since)
            && before.is_none_or(|before| at < before)
            && stream.as_ref().is_none_or(|stream| *stream == recorded.stream)
            && (types.is_empty() || types.iter().any(|one| *one == recorded.event.event_type))
            && lane.as_ref().map_or(any_lane, is_of)
    }
}

/// What a script made of a part of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The first hundred partitions by key, and up to where they are folded.
    pub states: States,
    /// How many partitions there are.
    pub partitions: usize,
    /// Whether it has a state for each of several partitions; none if it does not load.
    pub is_partitioned: Option<bool>,
    /// How many events of the log were looked at.
    pub events: u64,
    /// Why it did not come to the end, if it did not.
    pub fault: Option<Fault>,
    /// What it said with `console.log`, as far as that is kept.
    pub lines: Vec<String>,
}

/// Runs a script over a part of a log; nothing is kept.
///
/// `tell` is called now and then with how many events of the log were looked at.
///
/// # Errors
///
/// [`Stop::Machine`] if the log or the process fails; what is wrong with the script is in the preview.
pub async fn preview(
    log: Arc<dyn Log>,
    program: &Program,
    script: (&ProjectionName, &str),
    slice: &Slice,
    mut tell: impl FnMut(u64) + Send,
) -> Result<Preview, Stop> {
    let mut folder = match Folder::start(program, script, (None, log.id())).await {
        Ok(folder) => folder,
        Err(Stop::Fault(fault)) => return Ok(unloaded(fault)),
        Err(machine) => return Err(machine),
    };
    let slice = slice.clone();
    let mut batches =
        Ahead::read(log, folder.filter(), Damage::default(), move |log| slice.read(log));
    let (mut lines, mut fault) = (Vec::new(), None);
    while let Some(batch) = batches.next().await {
        match folder.fold(&batch).await {
            Ok(()) => {}
            Err(Stop::Fault(found)) => fault = Some(found),
            Err(machine) => return Err(machine),
        }
        let room = limits::LOG_LINES.saturating_sub(lines.len());
        lines.extend(folder.lines().into_iter().take(room));
        tell(folder.reached().events);
        if let Some(why) = batch.broken {
            return Err(Stop::Machine(why));
        }
        if fault.is_some() {
            break;
        }
    }
    shown(folder, fault, lines)
}

fn shown(mut folder: Folder, fault: Option<Fault>, lines: Vec<String>) -> Result<Preview, Stop> {
    let (events, is_partitioned) = (folder.reached().events, Some(folder.is_partitioned()));
    let Some(tables) = folder.tables() else {
        return Err(Stop::Machine("its states cannot be read".into()));
    };
    let partitions = tables::count(tables)?;
    let states = tables::look(tables, &Wanted::After(None, SHOWN))?;
    Ok(Preview { states, partitions, is_partitioned, events, fault, lines })
}

/// What there is of a script that does not load.
fn unloaded(fault: Fault) -> Preview {
    let states = States { partitions: Vec::new(), position: None, recorded_at: None };
    let (partitions, events, lines) = (0, 0, Vec::new());
    Preview { states, partitions, is_partitioned: None, events, fault: Some(fault), lines }
}
