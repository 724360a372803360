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
mod fault;
mod frozen;
mod ledger;
mod lock;
mod open;
mod page;
mod readers;
mod restore;
mod rows;
mod scan;
mod settle;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread,
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture},
};
use jiff::Timestamp;
use shiplog_domain::stream::StreamName;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    backup::BackupError,
    frozen::open_frozen,
    lock::Lock,
    open::OpenError,
    restore::{RestoreError, restore},
};
use self::{
    frozen::Frozen,
    page::Query,
    readers::{Readers, closed},
    scan::Scan,
    writer::{Append, NewRow, Origin, QUEUE, Request, Writer},
};
use crate::{
    clock::Clock,
    log::{AppendError, Appended, Log, LogFault, NewEvent, RecordStream, check},
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
    transfer::Replica,
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

/// Keeps other processes from writing a log in `directory`, or anything beside one; makes the directory
/// if it does not exist.
///
/// # Errors
///
/// [`OpenError::Locked`] if another process has it; otherwise why it cannot be had.
pub fn claim(directory: &Path) -> Result<Lock, OpenError> {
    open::make_directory(directory)?;
    Lock::take(&directory.join(LOCK_NAME))
}

impl SqliteLog {
    /// Opens the log in `directory`, and makes either if it does not exist.
    ///
    /// One that can be read and not be written, because the disk is full or read-only, is opened all the
    /// same: appends are refused as unavailable until it can be written.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] if another process writes it; otherwise why it is no log, or none
    /// that can be opened.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let lock = claim(directory)?;
        let (path, frozen) = (directory.join(FILE_NAME), Frozen::default());
        let origin = Origin::File(path.clone(), Arc::clone(&frozen));
        let (writer, id) = match open::make_or_open(&path) {
            Ok((ledger, id)) => (Writer::new(origin, clock, ledger), id),
            Err(error) if error.may_pass() => {
                let Ok((id, head)) = open::look(&path) else { return Err(error) };
                let why: &dyn std::error::Error = &error;
                tracing::warn!(error = why, "the log can be read, and not be written yet: {error}");
                *frozen.write().unwrap_or_else(PoisonError::into_inner) = true;
                (Writer::of_unopened(origin, clock, head, Arc::new(error)), id)
            }
            Err(error) => return Err(error),
        };
        let readers = Readers::of_file(path.clone(), Some(frozen));
        let (writing, _) =
            start(writer, Some(lock)).map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { id, readers, writing: Some(writing) })
    }

    /// Opens for reading a log that another process may be writing: its directory, or its file.
    ///
    /// Appends are refused. A subscription ends its catch-up and then waits for ever: nothing
    /// tells it of what another process writes.
    ///
    /// # Errors
    ///
    /// [`OpenError::Missing`] if there is none; otherwise why it is no log, or none that can be
    /// opened.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let path = if path.is_dir() { path.join(FILE_NAME) } else { PathBuf::from(path) };
        let (_, id) = open::reader(&path)?;
        Ok(Self { id, readers: Readers::of_file(path, None), writing: None })
    }

    /// Makes a log that is gone when it is dropped. It behaves as one in a file does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if there is no memory or no thread for it.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = || PathBuf::from(":memory:");
        let (ledger, id) =
            open::in_memory().map_err(|source| OpenError::Sqlite { path: path(), source })?;
        let (writing, requests) = start(Writer::new(Origin::Memory, clock, ledger), None)
            .map_err(|source| OpenError::Io { path: path(), source })?;
        Ok(Self { id, readers: Readers::Writer(requests), writing: Some(writing) })
    }

    /// Copies the log as it is now to the new file `to`; says up to where.
    ///
    /// Appends and reads go on meanwhile. The file appears when it is whole and synced; as
    /// [`FILE_NAME`] in a directory of its own, it is a log.
    ///
    /// # Errors
    ///
    /// [`BackupError::Exists`] if something has that name; otherwise what could not be read or
    /// written. Then there is no file.
    pub async fn backup_to(&self, to: &Path) -> Result<Option<GlobalPosition>, BackupError> {
        let to = PathBuf::from(to);
        self.readers.clone().run(move |tables, _| Ok(backup::copy(tables, &to))).await?
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
        recorded_at: Option<Timestamp>,
    ) -> Result<Appended, AppendError> {
        check(stream, &events)?;
        let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
        let Some(Writing { requests, .. }) = &self.writing else {
            return Err(read_only().into());
        };
        let (answer, answered) = oneshot::channel();
        let append = Append { stream: stream.clone(), expected, rows, recorded_at, answer };
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
        recorded_at: Timestamp,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        self.record(stream, expected, events, Some(recorded_at)).boxed()
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
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        self.readers.close();
        if let Some(Writing { requests, thread, .. }) = self.writing.take() {
            // The last sender: the writer does what it was asked to and ends.
            drop(requests);
            if thread.join().is_err() {
                tracing::error!("the log's writer panicked");
            }
        }
    }
}

fn start(
    mut writer: Writer,
    lock: Option<Lock>,
) -> std::io::Result<(Writing, mpsc::WeakSender<Request>)> {
    writer.settle();
    let (requests, queue) = mpsc::channel(QUEUE);
    let (head, refusal) = (writer.head(), writer.refusal());
    let thread =
        thread::Builder::new().name("shiplog-writer".into()).spawn(move || writer.run(queue))?;
    let weak = requests.downgrade();
    Ok((Writing { requests, head, refusal, thread, _lock: lock }, weak))
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
