//! A look at a read model that nothing changes meanwhile.

use std::{
    fmt, iter,
    num::NonZero,
    panic,
    sync::{LazyLock, Mutex, PoisonError},
    thread,
};

use rusqlite::Connection;
/// What was seen, or what SQLite says.
pub use rusqlite::Result;

/// How many things a thread asks for before it takes more of them.
const AT_A_TIME: usize = 64;

/// How many threads ask for one answer at most.
const THREADS: usize = 4;

/// How many there are processors for. Finding out takes longer than some questions.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));

/// Has whoever calls it look at the very same from another thread, or at nothing if that is past.
pub(crate) type Beside<'c> =
    &'c (dyn Fn(&mut dyn FnMut(&View<'_>) -> Result<()>) -> Result<()> + Sync);

/// A look at a read model that nothing changes meanwhile.
pub struct View<'c>(pub(crate) &'c Connection, Option<Beside<'c>>);

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.0).finish_non_exhaustive()
    }
}

impl<'c> View<'c> {
    /// What one connection sees.
    pub(crate) fn alone(tables: &'c Connection) -> Self {
        Self(tables, None)
    }

    /// What others can see as well.
    pub(crate) fn with(tables: &'c Connection, beside: Beside<'c>) -> Self {
        Self(tables, Some(beside))
    }

    /// Asks for each of many things, in order; for very many from several threads at once.
    ///
    /// # Errors
    ///
    /// What SQLite says, to one of the threads.
    pub fn each<I: Send, T: Send>(
        &self,
        things: impl IntoIterator<Item = I>,
        ask: impl Fn(&View<'_>, I) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let things: Vec<_> = things.into_iter().collect();
        let threads = (things.len() / AT_A_TIME).min(THREADS).min(*PROCESSORS);
        match self.1.filter(|_| threads > 1) {
            Some(beside) => self.side_by_side(beside, threads - 1, things, ask),
            None => things.into_iter().map(|thing| ask(self, thing)).collect(),
        }
    }

    fn side_by_side<I: Send, T: Send>(
        &self,
        beside: Beside<'_>,
        others: usize,
        things: Vec<I>,
        ask: impl Fn(&View<'_>, I) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let parts = things.len().div_ceil(AT_A_TIME);
        let mut things = things.into_iter();
        let next = iter::repeat_with(|| things.by_ref().take(AT_A_TIME).collect::<Vec<_>>());
        let (left, done) = (Mutex::new(next.take(parts).enumerate()), Mutex::new(Vec::new()));
        let take = |view: &View<'_>| loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((place, part)) = next else { return Ok(()) };
            let part =
                part.into_iter().map(|thing| ask(view, thing)).collect::<Result<Vec<_>>>()?;
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place, part));
        };
        let failed = thread::scope(|scope| {
            let other = || beside(&mut |view| take(view));
            let start = |_| thread::Builder::new().spawn_scoped(scope, other).ok();
            let others: Vec<_> = (0..others).filter_map(start).collect();
            let here = take(self);
            let others = others.into_iter().map(|other| {
                other.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
            });
            iter::once(here).chain(others).find_map(Result::err)
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Who could not begin, or saw nothing, has taken nothing, and the others have done it all.
        if let Some(error) = failed.filter(|_| done.len() < parts) {
            return Err(error);
        }
        done.sort_unstable_by_key(|(place, _)| *place);
        Ok(done.into_iter().flat_map(|(_, part)| part).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::Barrier, thread::ThreadId};

    use rusqlite::Error;

    use super::*;

    /// Asks for each of these many things on this thread and on two others, which `beside` has look.
    fn three<T: Send>(
        beside: Beside<'_>,
        ask: impl Fn(&View<'_>, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let tables = Connection::open_in_memory().unwrap();
        View::with(&tables, beside).side_by_side(beside, 2, (0..1000).collect(), ask)
    }

    fn elsewhere(look: &mut dyn FnMut(&View<'_>) -> Result<()>) -> Result<()> {
        look(&View::alone(&Connection::open_in_memory().unwrap()))
    }

    /// Goes on once all three threads have begun.
    #[derive(Debug)]
    struct Together(Barrier, Mutex<HashSet<ThreadId>>);

    impl Together {
        fn new() -> Self {
            Self(Barrier::new(3), Mutex::default())
        }

        fn go_on(&self) {
            let is_new = self.1.lock().unwrap().insert(thread::current().id());
            if is_new {
                self.0.wait();
            }
        }
    }

    #[test]
    fn what_several_threads_find_comes_in_the_order_in_which_it_was_asked_for() {
        let all = Together::new();
        let found = three(&elsewhere, |_, nth| {
            all.go_on();
            Ok(nth)
        });
        assert!(found.unwrap().into_iter().eq(0..1000));
    }

    #[test]
    fn what_others_cannot_see_is_asked_for_on_this_thread() {
        let here = thread::current().id();
        let is_past: Beside<'_> = &|_| Ok(());
        let cannot_open: Beside<'_> = &|_| Err(Error::InvalidPath("tables.sqlite".into()));
        for beside in [is_past, cannot_open] {
            let found = three(beside, |_, nth| Ok((nth, thread::current().id())));
            assert!(found.unwrap().into_iter().eq((0..1000).map(|nth| (nth, here))));
        }
    }

    #[test]
    fn the_error_of_another_thread_is_told() {
        let (here, all) = (thread::current().id(), Together::new());
        let found = three(&elsewhere, |_, nth| {
            all.go_on();
            if thread::current().id() == here { Ok(nth) } else { Err(Error::InvalidQuery) }
        });
        assert_eq!(found, Err(Error::InvalidQuery));
    }
}
