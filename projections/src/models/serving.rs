//! The file that answers, and the connections to it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::Connection;
use shiplog_store::position::GlobalPosition;

use crate::{
    files, tables,
    turn::{self, Until},
    view::View,
};

/// How many connections a read model keeps open for its next questions.
const IDLE_CONNECTIONS: usize = 8;

/// After how many of SQLite's instructions it is looked whether an answer is still wanted.
const INSTRUCTIONS: i32 = 4_000;

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
    /// Whether it could not be opened to fold into it, so that nothing changes it. Held for reading by
    /// each question that relies on that.
    is_frozen: RwLock<bool>,
}

impl Serving {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            is_replaced: AtomicBool::new(false),
            is_frozen: RwLock::new(false),
        }
    }

    /// One that nobody has open to fold into it.
    pub(super) fn frozen(path: PathBuf) -> Self {
        let mut serving = Self::new(path);
        serving.is_frozen = RwLock::new(true);
        serving
    }

    /// Opens it to be folded into, unless a question relies on its not being so; none if one does.
    pub(super) fn thaw<T, E>(
        &self,
        open: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let mut is_frozen = self.is_frozen.try_write().ok()?;
        let opened = open(&self.path);
        *is_frozen = opened.is_err();
        Some(opened)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the file once nobody asks it any more.
    pub(super) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// Asks a snapshot that nothing changes meanwhile, and ends by then.
    pub(super) fn ask<T>(
        &self,
        until: &Until,
        ask: impl FnOnce(&View<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Answer<T>> {
        self.snapshot(until, |tables, position| {
            let beside = |look: &mut dyn FnMut(&View<'_>) -> rusqlite::Result<()>| {
                self.snapshot(until, |tables, now| {
                    if now == position { look(&View::alone(tables)) } else { Ok(()) }
                })
            };
            let value = ask(&View::with(tables, &beside))?;
            Ok(Answer { value, position })
        })
    }

    /// Looks at what is there, and up to where the log is folded for it.
    fn snapshot<T>(
        &self,
        until: &Until,
        look: impl FnOnce(&Connection, Option<GlobalPosition>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let frozen = self.is_frozen.read().unwrap_or_else(PoisonError::into_inner);
        let frozen = Some(frozen).filter(|is_frozen| **is_frozen);
        let kept = self.idle().pop();
        let mut tables = match kept {
            Some(tables) => tables,
            None if frozen.is_some() => tables::open_frozen(&self.path)?,
            None => tables::open_read_only(&self.path)?,
        };
        until.bind(&mut tables, INSTRUCTIONS)?;
        let snapshot = tables.transaction()?;
        let position = tables::checkpoint(&snapshot)?.position;
        let seen = look(&snapshot, position)?;
        drop(snapshot);
        turn::release(&mut tables)?;
        let mut idle = self.idle();
        if frozen.is_none() && idle.len() < IDLE_CONNECTIONS {
            idle.push(tables);
        }
        Ok(seen)
    }

    /// A connection that keeps open all that the file needs.
    pub(super) fn keep_open(&self) -> rusqlite::Result<Connection> {
        let tables = tables::open_read_only(&self.path)?;
        tables::checkpoint(&tables)?;
        Ok(tables)
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

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use shiplog_store::position::LogId;

    use super::*;
    use crate::{
        current::Current,
        projection::Projection as _,
        tables::{Checkpoint, advance},
    };

    #[test]
    fn all_threads_that_make_an_answer_see_the_same_though_more_is_folded_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tables.sqlite");
        let tables = tables::open(&path, &Current.schema(), LogId(1)).unwrap();
        let to = |position| {
            let position = Some(GlobalPosition(position));
            advance(&tables, Checkpoint { position, ..Checkpoint::default() }).unwrap();
        };
        let serving = Serving::new(path);
        let (until, _waiting) = Until::after(Duration::MAX);
        for before in [1, 3] {
            to(before);
            let answer = serving.ask(&until, |view| {
                to(before + 1);
                view.each(0..1000, |view, nth| Ok((nth, tables::checkpoint(view.0)?.position)))
            });
            let answer = answer.unwrap();
            let (order, seen): (Vec<_>, HashSet<_>) = answer.value.into_iter().unzip();
            assert!(order.into_iter().eq(0..1000));
            assert_eq!(seen, HashSet::from([Some(GlobalPosition(before))]));
            assert_eq!(answer.position, Some(GlobalPosition(before)));
        }
    }
}
