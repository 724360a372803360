//! How a log is opened, and let go of.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread,
};

use tokio::sync::mpsc;

use super::{
    FILE_NAME, LOCK_NAME, SqliteLog, Writing, directory,
    frozen::Frozen,
    lock::Lock,
    open,
    open_error::OpenError,
    readers::Readers,
    survey,
    wal::WalDamage,
    writer::{Origin, QUEUE, Request, Writer},
};
use crate::clock::Clock;

/// Keeps other processes from writing a log in `directory`, or anything beside one; makes the directory
/// if it does not exist.
///
/// # Errors
///
/// [`OpenError::Locked`] if another process has it; otherwise why it cannot be had.
pub fn claim(directory: &Path) -> Result<Lock, OpenError> {
    directory::make(directory)?;
    let lock = Lock::take(directory, LOCK_NAME)?;
    directory::tighten(directory);
    Ok(lock)
}

impl SqliteLog {
    /// Opens the log in `directory`, and makes either if it does not exist.
    ///
    /// One that can be read and not be written, because the disk is full or read-only, is opened all the
    /// same: appends are refused as unavailable until it can be written.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] if another process writes it, [`OpenError::WalDamaged`] if a part of it is
    /// lost; otherwise why it is no log, or none that can be opened.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_claimed(claim(directory)?, clock, false)
    }

    /// As [`open`](Self::open), in a directory that is claimed already. Where a loss is accepted, a log
    /// whose WAL is damaged goes on from what is before the damage; a copy of the WAL is kept.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_claimed(
        lock: Lock,
        clock: Arc<dyn Clock>,
        is_loss_accepted: bool,
    ) -> Result<Self, OpenError> {
        let path = lock.directory().join(FILE_NAME);
        match survey::of_writer(&path, &*clock)? {
            Some(damage) if !is_loss_accepted => return Err(damage.into()),
            Some(damage) => survey::accept(&damage)?,
            None => {}
        }
        let frozen = Frozen::default();
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
    /// [`OpenError::Missing`] if there is none, [`OpenError::WalDamaged`] if a part of it is lost;
    /// otherwise why it is no log, or none that can be opened.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let path = file_of(path);
        match survey::of_reader(&path)? {
            Some(damage) => Err(damage.into()),
            None => Self::read(path),
        }
    }

    /// As [`open_read_only`](Self::open_read_only), but a damaged WAL is told beside what can still be
    /// read; a copy of it is kept.
    ///
    /// # Errors
    ///
    /// [`OpenError::Missing`] if there is none; otherwise why it is no log, or none that can be opened.
    pub fn open_to_verify(
        path: &Path,
        clock: &dyn Clock,
    ) -> Result<(Self, Option<WalDamage>), OpenError> {
        let path = file_of(path);
        let damage = survey::of_verifier(&path, clock)?;
        Ok((Self::read(path)?, damage))
    }

    fn read(path: PathBuf) -> Result<Self, OpenError> {
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

/// The file of a log that is named by it, or by its directory.
fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.into() }
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
