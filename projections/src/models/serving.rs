//! The file that answers, and the connections to it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::Connection;
use shiplog_store::position::GlobalPosition;

use crate::{files, projection::View, tables};

/// How many connections a read model keeps open for its next questions.
const IDLE_CONNECTIONS: usize = 4;

/// What was asked for, and up to where the log was folded for it.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The read model's checkpoint then.
    pub position: Option<GlobalPosition>,
}

/// A file that answers, for as long as somebody asks it.
pub(super) struct Serving {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// Whether another file has taken its place: then it goes with its last question.
    is_replaced: AtomicBool,
}

impl Serving {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), is_replaced: AtomicBool::new(false) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the file once nobody asks it any more.
    pub(super) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// Asks a snapshot that nothing changes meanwhile.
    pub(super) fn ask<T>(
        &self,
        ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Answer<T>> {
        let kept = self.idle().pop();
        let mut tables = match kept {
            Some(tables) => tables,
            None => tables::open_read_only(&self.path)?,
        };
        let answer = look(&mut tables, ask)?;
        let mut idle = self.idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(tables);
        }
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.is_replaced.load(Ordering::Relaxed) {
            self.idle().clear();
            files::remove(&self.path);
        }
    }
}

fn look<T>(
    tables: &mut Connection,
    ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Answer<T>> {
    let snapshot = tables.transaction()?;
    let position = tables::checkpoint(&snapshot)?.position;
    let value = ask(&View(&snapshot))?;
    Ok(Answer { value, position })
}
