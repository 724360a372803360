//! How a log is opened, and let go of.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tokio::sync::mpsc;

use super::{
    FILE_NAME, LOCK_NAME, SqliteLog, Writing,
    ledger::Ledger,
    lock::Lock,
    open::{self, OpenError},
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
    open::make_directory(directory)?;
    let lock = Lock::take(directory, LOCK_NAME)?;
    open::tighten(directory);
    Ok(lock)
}

impl SqliteLog {
    /// Opens the log in `directory`, and makes either if it does not exist.
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
        let (mut ledger, id) = open::make_or_open(&path)?;
        // Before anybody reads what a power cut could still take. Without room for it the log is read
        // all the same; it is tried again before anything is recorded.
        if let Err(error) = ledger.settle() {
            tracing::warn!(%error, "what a crash left cannot be made durable yet: {error}");
        }
        let readers = Readers::of_file(path.clone());
        let (writing, _) = start(Origin::File(path.clone()), clock, ledger, Some(lock))
            .map_err(|source| OpenError::Io { path, source })?;
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
        Ok(Self { id, readers: Readers::of_file(path), writing: None })
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
        let (writing, requests) = start(Origin::Memory, clock, ledger, None)
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
    origin: Origin,
    clock: Arc<dyn Clock>,
    ledger: Ledger,
    lock: Option<Lock>,
) -> std::io::Result<(Writing, mpsc::WeakSender<Request>)> {
    let (requests, queue) = mpsc::channel(QUEUE);
    let (writer, head) = Writer::new(origin, clock, ledger);
    let thread =
        thread::Builder::new().name("shiplog-writer".into()).spawn(move || writer.run(queue))?;
    let weak = requests.downgrade();
    Ok((Writing { requests, head, thread, _lock: lock }, weak))
}
