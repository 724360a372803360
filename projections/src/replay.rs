//! Rebuilding a read model from the first event, and comparing it: with the live one, or with that of
//! another log.

mod blame;
mod parting;
mod rows;

use std::path::Path;

use rusqlite::{Connection, backup::Backup};
use shiplog_domain::stream::StreamName;
use shiplog_store::{
    entry::Entry,
    log::{Log, Recorded, Unreadable},
    position::GlobalPosition,
};

pub use self::{
    blame::{Explained, Why},
    parting::{Parting, part},
    rows::{ColumnDifference, RowDifference},
};
use crate::{
    damage::DamagedStream,
    digest::{Digest, digest},
    files::Files,
    projection::Projection,
    runner::{Runner, RunnerError, Until},
    tables,
};

/// A read model, rebuilt and live, at the same place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Which read model.
    pub name: &'static str,
    /// Up to where both are folded; none if that is nothing.
    pub position: Option<GlobalPosition>,
    /// What the log makes of it.
    pub rebuilt: Digest,
    /// What is kept.
    pub live: Digest,
    /// Streams of which the log makes nothing from an event on, because it does not fit.
    pub damaged: Vec<DamagedStream>,
}

/// A read model as it was at a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Which read model.
    pub name: &'static str,
    /// Up to where it is folded; none if that is nothing.
    pub position: Option<GlobalPosition>,
    /// How many events that is.
    pub events: u64,
    /// What the log makes of it.
    pub digest: Digest,
    /// Streams of which the log makes nothing from an event on, because it does not fit.
    pub damaged: Vec<DamagedStream>,
}

/// An event, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Where it is.
    pub position: GlobalPosition,
    /// Its stream.
    pub stream: StreamName,
    /// What happened.
    pub event_type: String,
}

impl From<&Entry> for Brief {
    fn from(entry: &Entry) -> Self {
        match entry {
            Ok(Recorded { position, stream, event, .. }) => {
                let event_type = event.event_type.to_string();
                Self { position: *position, stream: stream.clone(), event_type }
            }
            Err(Unreadable { position, stream, .. }) => {
                let unknown = || StreamName::recorded("unknown");
                let stream = stream.clone().unwrap_or_else(unknown);
                Self { position: *position, stream, event_type: "an unreadable event".into() }
            }
        }
    }
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no live read model.
    #[error("there is no read model `{0}` here; a server makes it when it starts")]
    Missing(&'static str),
    /// There is a part of a live read model.
    #[error(
        "the read model `{0}` was begun and not finished; a server makes it anew when it starts"
    )]
    HalfMade(&'static str),
    /// A file failed.
    #[error("a read model's file failed: {}", tables::in_words(.0))]
    Tables(#[from] rusqlite::Error),
    /// The log does not fold.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// A copy could not be made.
    #[error("cannot copy a read model: {0}")]
    Copy(#[from] std::io::Error),
}

/// Rebuilds a read model in `scratch`, up to where the live one in `directory` is, and digests both.
///
/// The live one may be in use meanwhile: it is looked at as it was when this began.
///
/// # Errors
///
/// [`ReplayError`].
pub async fn replay<P: Projection>(
    projection: P,
    log: &dyn Log,
    directory: &Path,
    scratch: &Path,
) -> Result<Comparison, ReplayError> {
    let name = projection.name();
    let mut live = live(&projection, directory)?;
    let live = live.transaction()?;
    let position = tables::checkpoint(&live)?.position;
    let mut runner = Runner::open(projection, scratch, log.id())?;
    if position.is_some() {
        runner.catch_up_to(log, position).await?;
    }
    let (rebuilt, live) = (digest(runner.tables())?, digest(&live)?);
    Ok(Comparison { name, position, rebuilt, live, damaged: runner.damaged() })
}

/// Rebuilds a read model in `scratch`, as it was at a place in the log.
///
/// # Errors
///
/// [`ReplayError`].
pub async fn past<P: Projection>(
    projection: P,
    log: &dyn Log,
    until: Until,
    scratch: &Path,
) -> Result<Past, ReplayError> {
    let name = projection.name();
    let mut runner = Runner::open(projection, scratch, log.id())?;
    runner.catch_up_until(log, until).await?;
    let digest = digest(runner.tables())?;
    let (position, events) = (runner.checkpoint(), runner.events());
    Ok(Past { name, position, events, digest, damaged: runner.damaged() })
}

/// A read model that was compared with the live one, and what is to be known of the difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Whether they differ.
    pub comparison: Comparison,
    /// In which rows, and because of which events. Where they differ and this is empty, it is the words
    /// of a search index that are not those of its rows.
    pub rows: Vec<Explained>,
}

/// Compares as [`replay`]; says in which rows the live read model is not what the log makes of it, and
/// which event it is that made each of them different.
///
/// # Errors
///
/// [`ReplayError`].
pub async fn explain<P: Projection + Clone>(
    projection: P,
    log: &dyn Log,
    directory: &Path,
    scratch: &Path,
) -> Result<Explanation, ReplayError> {
    let name = projection.name();
    // A copy: the live one goes on while it is looked at for so long.
    let copy = scratch.join("live.sqlite");
    copy_of(&live(&projection, directory)?, &copy)?;
    let live = tables::open_to_digest(&copy)?;
    let position = tables::checkpoint(&live)?.position;
    let path = scratch.join("rebuilt.sqlite");
    let mut runner = Runner::open_file(projection.clone(), &path, log.id())?;
    if position.is_some() {
        runner.catch_up_to(log, position).await?;
    }
    let (rebuilt, live) = (digest(runner.tables())?, digest(&live)?);
    let damaged = runner.damaged();
    drop(runner);
    let comparison = Comparison { name, position, rebuilt, live, damaged };
    let rows = if rebuilt == comparison.live {
        Vec::new()
    } else {
        let differences = rows::differences(&path, &copy)?;
        blame::blame(projection, (log, position), differences, scratch).await?
    };
    Ok(Explanation { comparison, rows })
}

/// The live read model, to be looked at.
fn live(projection: &dyn Projection, directory: &Path) -> Result<Connection, ReplayError> {
    let path = Files::of(directory, projection).serving();
    if !path.exists() {
        return Err(ReplayError::Missing(projection.name()));
    }
    if tables::is_half_made(&path) {
        return Err(ReplayError::HalfMade(projection.name()));
    }
    Ok(tables::open_to_digest(&path)?)
}

/// Copies a database as it is now.
fn copy_of(from: &Connection, to: &Path) -> rusqlite::Result<()> {
    const PAGES: i32 = 4_096;
    let mut to = Connection::open(to)?;
    let backup = Backup::new(from, &mut to)?;
    backup.run_to_completion(PAGES, std::time::Duration::ZERO, None)
}
