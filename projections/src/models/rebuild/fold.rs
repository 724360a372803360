//! The steps of a rebuild, each on a thread of its own.

use std::{path::Path, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, future};
use rusqlite::{Connection, ErrorCode, InterruptHandle};
use shiplog_store::{
    entry,
    log::{Log, LogFault},
    position::GlobalPosition,
};
use tokio::sync::watch;

use super::build::{Halt, Wanted};
use crate::{
    digest::{Digest, digest},
    projection::Projection,
    runner::{Batch, ENOUGH, Runner, RunnerError},
    tables,
};

/// The read model that is being made.
pub(super) type Rebuilt = Runner<Arc<dyn Projection>>;

/// Folds the next events, so many and not beyond `target` at most.
pub(super) async fn step(
    log: &dyn Log,
    mut rebuilt: Rebuilt,
    target: Option<GlobalPosition>,
    most: usize,
) -> Result<Rebuilt, Halt> {
    let records = log
        .read_all(rebuilt.checkpoint())
        .map(entry::of)
        .try_take_while(|one| future::ready(Ok(Some(entry::position(one)) <= target)))
        .take(most)
        .try_collect::<Vec<_>>()
        .await?;
    if records.is_empty() {
        return Err(Halt::Passing("the log does not tell of all that is folded already".into()));
    }
    let (rebuilt, folded) = blocking(move || {
        let folded = rebuilt.fold(&Batch::decode(records));
        Ok((rebuilt, folded))
    })
    .await?;
    folded?;
    Ok(rebuilt)
}

/// Folds the few events that are missing, at once.
pub(super) async fn up_to(
    log: &dyn Log,
    mut rebuilt: Rebuilt,
    target: Option<GlobalPosition>,
) -> Result<Rebuilt, Halt> {
    while rebuilt.checkpoint() < target {
        rebuilt = step(log, rebuilt, target, ENOUGH).await?;
    }
    Ok(rebuilt)
}

/// Does something on a thread where it may take its time.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Halt> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Halt::Lasting(error.to_string())),
    }
}

/// A read model's file as it is now, to be digested later, and where that is; none if it cannot be
/// read, whatever the machine does.
pub(super) fn pin(path: &Path) -> rusqlite::Result<Option<(Connection, Option<GlobalPosition>)>> {
    let pinned = tables::open_to_digest(path).and_then(|served| {
        served.execute_batch("BEGIN")?;
        let position = tables::checkpoint(&served)?.position;
        Ok((served, position))
    });
    match pinned {
        Ok(pinned) => Ok(Some(pinned)),
        Err(error) if tables::is_machine(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The digest of what answers; none if its file is damaged.
pub(super) fn digest_served(served: &Connection) -> Option<rusqlite::Result<Digest>> {
    match digest(served) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => None,
        digested => Some(digested),
    }
}

/// Waits for something that may take long, unless the rebuild is to end.
pub(super) async fn interruptible<T>(
    work: impl Future<Output = Result<T, Halt>>,
    interrupts: &[InterruptHandle],
    wanted: &mut watch::Receiver<Wanted>,
) -> Result<T, Halt> {
    tokio::pin!(work);
    let ended = async {
        match wanted.wait_for(|wanted| wanted.end.is_some()).await {
            Ok(wanted) => wanted.end,
            Err(_) => None,
        }
    };
    let end = tokio::select! {
        done = &mut work => return done,
        end = ended => end,
    };
    for interrupt in interrupts {
        interrupt.interrupt();
    }
    // It ends soon now, and nobody else may have the file meanwhile.
    let done = work.await;
    end.map_or(done, |end| Err(Halt::Asked(end)))
}

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        let why = tables::in_words(&error);
        if tables::is_machine(&error) { Self::Passing(why) } else { Self::Lasting(why) }
    }
}

impl From<LogFault> for Halt {
    fn from(fault: LogFault) -> Self {
        match &fault {
            LogFault::Unavailable { .. }
            | LogFault::OutcomeUnknown { .. }
            | LogFault::ClockJumped { .. } => Self::Passing(fault.to_string()),
            LogFault::Corrupt { .. } | LogFault::Unreadable(_) | LogFault::StreamDamaged { .. } => {
                Self::Lasting(fault.to_string())
            }
        }
    }
}

impl From<RunnerError> for Halt {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::Log(fault) => fault.into(),
            RunnerError::File(error) if error.is_machine() => Self::Passing(error.to_string()),
            RunnerError::File(error) => Self::Lasting(error.to_string()),
        }
    }
}
