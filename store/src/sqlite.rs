//! The embedded log: one SQLite file.
//!
//! # Life of an event
//!
//! An append is turned into rows on the caller's task and queued for the one writer thread.
//! That takes whatever has queued up into one transaction, judges append after append
//! (`ledger`), commits with one `fsync`, publishes the head and answers. Readers have
//! connections of their own (`readers`) and read page by page (`page`, `scan`); a
//! subscription that has come to the end sleeps until the head is published anew.
//!
//! **Invariant:** positions are given by one thread and committed in order, so no snapshot
//! has a gap that is filled later.
//!
//! When a write fails, the writer lets go of its connection, and takes no append until it
//! has opened the file again and read where it ends. Whether the failed transaction is in
//! there is then seen by the event ids: a retry is told of it, or is recorded.

mod backup;
mod beside;
mod checksum;
mod clocks;
mod directory;
mod fault;
mod frozen;
mod ledger;
mod lifecycle;
mod lock;
mod open;
mod open_error;
mod page;
mod readers;
mod restore;
mod rows;
mod scan;
mod schema;
mod settle;
mod soundness;
mod stream;
mod survey;
mod wal;
mod wal_checksum;
mod wal_index;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture},
};
use shiplog_domain::stream::StreamName;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    backup::BackupError,
    checksum::Checked,
    frozen::open_frozen,
    lifecycle::claim,
    lock::Lock,
    open_error::OpenError,
    restore::{RestoreError, Restored, restore},
    survey::{Survey, survey},
    wal::WalDamage,
};
use self::{
    page::Query,
    readers::{Readers, closed},
    scan::Scan,
    writer::{Append, NewRow, Request},
};
use crate::{
    log::{AppendError, Appended, Clocks, Log, LogFault, NewEvent, RecordStream, check},
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
    transfer::{Original, Replica},
};

/// The log's file in its directory.
pub const FILE_NAME: &str = "log.sqlite";

/// The file whose lock says that a process writes the log.
const LOCK_NAME: &str = "log.lock";

/// How long is waited for the writer to find out whether it can write.
const ATTEMPT: Duration = Duration::from_secs(1);

/// A log in an SQLite file, written by this process alone.
///
/// Dropping it records what has queued up, leaves the file without a WAL and lets go of it.
pub struct SqliteLog {
    id: LogId,
    readers: Readers,
    /// `None` if it was opened for reading only.
    writing: Option<Writing>,
}

/// What it takes to write; the lock is let go of last.
struct Writing {
    requests: mpsc::Sender<Request>,
    head: watch::Receiver<Option<GlobalPosition>>,
    /// Why nothing can be recorded, as far as is known.
    refusal: watch::Receiver<Option<LogFault>>,
    thread: thread::JoinHandle<()>,
    _lock: Option<Lock>,
}

impl SqliteLog {
    /// Copies the log as it is now to the new file `to`; says up to where.
    ///
    /// Appends and reads go on meanwhile. The file appears when it is whole and synced, and with it its
    /// SHA-256 in `<to>.sha256`; as [`FILE_NAME`] in a directory of its own, it is a log. What a killed
    /// process has left of a backup to this place is deleted.
    ///
    /// # Errors
    ///
    /// [`BackupError::Exists`] if something has that name; otherwise what could not be read or
    /// written. Then there is no file.
    pub async fn backup_to(&self, to: &Path) -> Result<Option<GlobalPosition>, BackupError> {
        let to = PathBuf::from(to);
        self.readers.clone().run(move |tables, _| Ok(backup::copy(tables, &to, true))).await?
    }

    /// The head as the writer publishes it; `None` if it has to be read.
    fn published(&self) -> Option<&watch::Receiver<Option<GlobalPosition>>> {
        self.writing.as_ref().map(|writing| &writing.head)
    }

    async fn record(
        &self,
        stream: &StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
        original: Option<Original>,
    ) -> Result<Appended, AppendError> {
        check(stream, &events)?;
        let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
        let Some(Writing { requests, .. }) = &self.writing else {
            return Err(read_only().into());
        };
        let (answer, answered) = oneshot::channel();
        let append = Append { stream: stream.clone(), expected, rows, original, answer };
        requests.send(Request::Append(append)).await.map_err(|_| closed())?;
        answered
            .await
            .unwrap_or_else(|gone| Err(LogFault::OutcomeUnknown { source: Arc::new(gone) }.into()))
    }
}

impl Replica for SqliteLog {
    fn replicate<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
        original: Original,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        self.record(stream, expected, events, Some(original)).boxed()
    }
}

impl Log for SqliteLog {
    fn id(&self) -> LogId {
        self.id
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        self.record(stream, expected, events, None).boxed()
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        from: Option<StreamVersion>,
    ) -> RecordStream<'a> {
        let from = from.map_or(0, |from| from.0);
        Scan::once(self.readers.clone(), Query::Stream { name: stream.clone(), from }).boxed()
    }

    fn read_all(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        let until = self.published().map(|head| head.borrow().map_or(0, |head| head.0));
        let after = after.map_or(0, |after| after.0);
        Scan::once(self.readers.clone(), Query::All { after, until }).boxed()
    }

    fn subscribe(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        Scan::live(self.readers.clone(), self.published().cloned(), after).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        match self.published() {
            Some(head) => future::ready(Ok(*head.borrow())).boxed(),
            None => self
                .readers
                .clone()
                .run(|tables, _| {
                    let head = rows::head(tables).map_err(fault::reading)?;
                    Ok(head.map(|(position, _)| position))
                })
                .boxed(),
        }
    }

    fn count(&self, after: Option<GlobalPosition>) -> BoxFuture<'_, Result<Option<u64>, LogFault>> {
        let head = self.head();
        async move {
            // The one writer gives positions from 1 on, without a gap.
            let place =
                |position: Option<GlobalPosition>| position.map_or(0, |position| position.0);
            Ok(Some(place(head.await?).saturating_sub(place(after))))
        }
        .boxed()
    }

    fn writable(&self) -> BoxFuture<'_, Result<(), LogFault>> {
        let Some(Writing { requests, refusal, .. }) = &self.writing else {
            return future::ready(Err(read_only())).boxed();
        };
        let Some(last) = refusal.borrow().clone() else { return future::ready(Ok(())).boxed() };
        let (answer, answered) = oneshot::channel();
        let attempt = async move {
            requests.send(Request::Attempt(answer)).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?
        };
        // What takes longer is of a disk that is no better than it was.
        tokio::time::timeout(ATTEMPT, attempt)
            .map(|attempted| attempted.unwrap_or(Err(last)))
            .boxed()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn clocks(&self) -> BoxFuture<'_, Result<Clocks, LogFault>> {
        let readers = self.readers.clone();
        readers.run(|tables, _| clocks::read(tables).map_err(fault::reading)).boxed()
    }
}

fn read_only() -> LogFault {
    LogFault::Unavailable { reason: "it was opened for reading only".into(), source: None }
}

fn row(NewEvent { id, metadata, event }: NewEvent) -> Result<NewRow, AppendError> {
    let bytes = serde_json::to_vec(&*metadata).map_err(|error| {
        let reason = "the metadata cannot be written as JSON".into();
        LogFault::Unavailable { reason, source: Some(Arc::new(error)) }
    })?;
    Ok(NewRow { id, digest: metadata.request_digest, event, metadata: bytes })
}
