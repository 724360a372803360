//! What the server was told, kept in memory and shared by all nodes of a cluster.

mod append;
mod delete;
mod filter;
mod link;
mod log;
mod read;
mod recent;
mod record;
mod settings;
mod system;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

pub(crate) use self::{
    append::{Appended, Expected, Incoming, Refused},
    filter::Filter,
    log::{Log, Stream},
    read::{AllCursor, Backwards, Page, Place, StreamCursor, Whence},
    record::{Record, since_1970, ticks_now},
};

/// The events of a cluster. Whoever holds it sees every append at once.
#[derive(Debug)]
pub(crate) struct Memory {
    log: RwLock<Log>,
    records: watch::Sender<usize>,
}

impl Memory {
    /// A server that was just installed: a few system events and nothing else.
    pub(crate) fn new(projections: bool) -> Self {
        let mut log = Log::new(projections);
        log.install();
        let (records, _) = watch::channel(log.len());
        Self { log: RwLock::new(log), records }
    }

    /// All that is there, as a backup would have it.
    pub(crate) fn copy(&self) -> Log {
        self.read().clone()
    }

    /// Puts a copy in the place of what is there.
    pub(crate) fn restore(&self, copy: Log) {
        self.change(|log| *log = copy);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Log> {
        self.log.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends all events or none.
    pub(crate) fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<Incoming>,
    ) -> Result<Appended, Refused> {
        self.change(|log| log.append(stream, expected, events))
    }

    /// Deletes a stream: softly, so that it can be written again, or for ever.
    pub(crate) fn delete(
        &self,
        stream: &str,
        expected: Expected,
        for_ever: bool,
    ) -> Result<Option<u64>, Refused> {
        self.change(|log| log.delete(stream, expected, for_ever))
    }

    /// Takes away all that cannot be read any more, but the last event of each stream.
    pub(crate) fn scavenge(&self) {
        self.change(Log::scavenge);
    }

    /// Takes one event away, as a damaged disk does.
    pub(crate) fn lose(&self, stream: &str, revision: u64) {
        self.change(|log| log.lose(stream, revision));
    }

    /// How many records there are, now and whenever there are more.
    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.records.subscribe()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let mut log: RwLockWriteGuard<'_, Log> =
            self.log.write().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut log);
        let records = log.len();
        drop(log);
        self.records.send_if_modified(|known| std::mem::replace(known, records) != records);
        answer
    }
}
