//! Who reads: connections of their own, or the writer's where there is only that one.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt as _, future::BoxFuture};
use rusqlite::Connection;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinError,
};

use super::{frozen::Frozen, open, open_error::OpenError, rows::Names, writer::Request};
use crate::log::LogFault;

/// The most connections that read at the same time.
const MOST_READERS: usize = 8;

/// A way to read the log, whoever writes it meanwhile.
#[derive(Clone)]
pub(super) enum Readers {
    /// Of a file: a few connections, opened when they are needed and kept.
    Pool(Arc<Pool>),
    /// Of memory: the writer's connection, between two transactions.
    Writer(mpsc::WeakSender<Request>),
}

/// Connections to one file.
pub(super) struct Pool {
    path: PathBuf,
    /// Set where this process alone writes the file; else it may change though it cannot be opened.
    frozen: Option<Frozen>,
    permits: Arc<Semaphore>,
    /// `None` once the log is being closed.
    idle: Mutex<Option<Vec<Reader>>>,
}

struct Reader {
    tables: Connection,
    names: Names,
}

impl Readers {
    /// Readers of the file at `path`; none is opened yet.
    pub(super) fn of_file(path: PathBuf, frozen: Option<Frozen>) -> Self {
        let permits = Arc::new(Semaphore::new(MOST_READERS));
        Self::Pool(Arc::new(Pool { path, frozen, permits, idle: Mutex::new(Some(Vec::new())) }))
    }

    /// Reads now, without blocking the caller's thread.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Connection, &mut Names) -> Result<T, LogFault> + Send + 'static,
    ) -> Result<T, LogFault> {
        match self {
            Self::Pool(pool) => pool.run(work).await,
            Self::Writer(requests) => {
                let requests = requests.upgrade().ok_or_else(closed)?;
                let (answer, answered) = oneshot::channel();
                let look = Box::new(move |tables: &Connection, names: &mut Names| {
                    // Nobody may be waiting any more.
                    let _ = answer.send(work(tables, names));
                });
                requests.send(Request::Look(look)).await.map_err(|_| closed())?;
                drop(requests);
                answered.await.map_err(|_| closed())?
            }
        }
    }

    /// Reads ahead: begins at once if there is a connection for it, whenever the answer is wanted.
    pub(super) fn ahead<T: Send + 'static>(
        self,
        work: impl FnOnce(&Connection, &mut Names) -> Result<T, LogFault> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, LogFault>> {
        match &self {
            Self::Pool(_) => tokio::spawn(self.run(work))
                .map(|finished| finished.unwrap_or_else(|error| Err(interrupted(error))))
                .boxed(),
            Self::Writer(_) => self.run(work).boxed(),
        }
    }

    /// Lets go of the connections: those at work when they are done.
    pub(super) fn close(&self) {
        match self {
            Self::Pool(pool) => drop(pool.lock().take()),
            Self::Writer(_) => {}
        }
    }
}

impl Pool {
    async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection, &mut Names) -> Result<T, LogFault> + Send + 'static,
    ) -> Result<T, LogFault> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let work = move || {
            let _permit = permit;
            let frozen = self.frozen.as_ref();
            let frozen = frozen.map(|it| it.read().unwrap_or_else(PoisonError::into_inner));
            let frozen = frozen.filter(|is_frozen| **is_frozen);
            let kept = self.lock().as_mut().and_then(Vec::pop);
            // One that was opened to read a frozen file keeps others from writing it: it is closed again.
            let is_passing = kept.is_none() && frozen.is_some();
            let mut reader = kept.map_or_else(|| self.open(is_passing), Ok)?;
            let done = work(&reader.tables, &mut reader.names);
            // After a fault, the next one reads through a new connection.
            if done.is_ok() && !is_passing {
                self.keep(reader);
            }
            done
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(interrupted(error)))
    }

    fn open(&self, is_frozen: bool) -> Result<Reader, LogFault> {
        let (tables, _) = match open::reader(&self.path) {
            Err(error) if is_frozen && error.may_pass() => open::frozen_reader(&self.path),
            opened => opened,
        }
        .map_err(unopened)?;
        Ok(Reader { tables, names: Names::default() })
    }

    fn keep(&self, reader: Reader) {
        if let Some(idle) = self.lock().as_mut() {
            idle.push(reader);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Reader>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unopened(error: OpenError) -> LogFault {
    LogFault::Unavailable { reason: "it cannot be read".into(), source: Some(Arc::new(error)) }
}

/// What is said when the thread that would answer is gone: at the very end, or by a bug.
pub(super) fn closed() -> LogFault {
    LogFault::Unavailable { reason: "its writer has stopped".into(), source: None }
}

fn interrupted(error: JoinError) -> LogFault {
    LogFault::Unavailable {
        reason: "reading was interrupted".into(),
        source: Some(Arc::new(error)),
    }
}
