//! Turns to read: as many at once as there are processors for, each for a while, and none for who has
//! gone.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many read at once for each processor: some of them wait for the disk.
const FOR_EACH_PROCESSOR: usize = 4;

/// Turns to read, which all clones share.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Semaphore>);

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

type Slot = Arc<Mutex<Option<Turn>>>;

tokio::task_local! {
    /// Where a request keeps its turn between two reads.
    static REQUEST: Slot;
}

/// Has all reads of a request share one turn: from the first one on until the request is answered, so
/// that there are never more answers in the making than turns.
pub async fn as_one<F: Future>(request: F) -> F::Output {
    REQUEST.scope(Slot::default(), request).await
}

/// The turn of one read. Where the read is part of a request, that keeps it.
#[derive(Debug)]
pub struct ReadTurn {
    turn: Option<Turn>,
    request: Option<Slot>,
}

impl Drop for ReadTurn {
    fn drop(&mut self) {
        // One that reads two things at once has two turns, and keeps one.
        if let (turn @ Some(_), Some(request)) = (self.turn.take(), &self.request) {
            let kept = &mut *request.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = kept.take().or(turn);
        }
    }
}

impl Turns {
    /// So many at once.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// As many at once as this machine has use for: between 8 and 32.
    pub(crate) fn of_this_machine() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self::new((processors * FOR_EACH_PROCESSOR).clamp(8, 32))
    }

    /// The next one; `None` if it does not come within 2 seconds, or will not come any more.
    pub async fn take(&self) -> Option<Turn> {
        self.take_within(PATIENCE).await
    }

    /// The same for a read, which goes on with the turn of its request if that has one.
    pub async fn take_to_read(&self) -> Option<ReadTurn> {
        let request = REQUEST.try_with(Arc::clone).ok();
        let kept = request
            .as_ref()
            .and_then(|request| request.lock().unwrap_or_else(PoisonError::into_inner).take());
        let turn = match kept {
            Some(turn) => turn,
            None => self.take().await?,
        };
        Some(ReadTurn { turn: Some(turn), request })
    }

    pub(crate) async fn take_within(&self, patience: Duration) -> Option<Turn> {
        let permit = timeout(patience, Arc::clone(&self.0).acquire_owned()).await.ok()?.ok()?;
        Some(Turn { _permit: permit })
    }

    /// Gives no more.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// Until when something goes on: for so long, and as long as somebody waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Until {
    began: Instant,
    time: Duration,
    has_gone: Arc<AtomicBool>,
}

/// Whoever waits: dropped, they have gone.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Until {
    /// From now on for so long, and as long as the other one is kept.
    pub(crate) fn after(time: Duration) -> (Self, Waiting) {
        let has_gone = Arc::<AtomicBool>::default();
        let waiting = Waiting(Arc::clone(&has_gone));
        (Self { began: Instant::now(), time, has_gone }, waiting)
    }

    /// Whether it is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_late() || self.has_gone.load(Ordering::Relaxed)
    }

    /// Whether time is up.
    pub(crate) fn is_late(&self) -> bool {
        self.began.elapsed() > self.time
    }

    /// Ends what a connection does by then, looked at every so many of SQLite's instructions;
    /// [`release`] takes that off again.
    pub(crate) fn bind(&self, tables: &mut Connection, instructions: i32) -> Result<()> {
        let until = self.clone();
        tables.progress_handler(instructions, Some(move || until.is_over()))
    }
}

/// Lets a connection go on for ever.
pub(crate) fn release(tables: &mut Connection) -> Result<()> {
    tables.progress_handler(0, None::<fn() -> bool>)
}

#[cfg(test)]
mod tests {
    use rusqlite::ErrorCode;

    use super::*;

    /// Goes on for ever.
    const ENDLESS: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) \
                           SELECT count(*) FROM n";

    fn ask(until: &Until) -> Result<i64> {
        let mut tables = Connection::open_in_memory().unwrap();
        until.bind(&mut tables, 1_000).unwrap();
        tables.query_row(ENDLESS, [], |row| row.get(0))
    }

    #[test]
    fn what_nobody_waits_for_ends() {
        let (until, waiting) = Until::after(Duration::MAX);
        let asked = thread::spawn(move || ask(&until));
        drop(waiting);
        let ended = asked.join().unwrap().unwrap_err();
        assert_eq!(ended.sqlite_error_code(), Some(ErrorCode::OperationInterrupted));
    }

    #[test]
    fn what_takes_too_long_ends() {
        let (until, _waiting) = Until::after(Duration::from_millis(1));
        ask(&until).unwrap_err();
        assert!(until.is_late());
    }

    #[tokio::test]
    async fn the_reads_of_a_request_share_a_turn_until_it_is_answered() {
        let turns = Turns::new(1);
        as_one(async {
            drop(turns.take_to_read().await.unwrap());
            assert_eq!(turns.0.available_permits(), 0, "kept between two reads");
            let second = turns.take_to_read().await.unwrap();
            assert!(turns.take_within(Duration::ZERO).await.is_none());
            drop(second);
        })
        .await;
        assert_eq!(turns.0.available_permits(), 1);
        drop(turns.take_to_read().await.unwrap());
        assert_eq!(turns.0.available_permits(), 1, "a read by itself keeps none");
    }

    #[tokio::test]
    async fn a_read_that_goes_on_without_its_request_ends_its_turn() {
        let turns = Turns::new(1);
        let read = as_one(turns.take_to_read()).await.unwrap();
        assert_eq!(turns.0.available_permits(), 0);
        drop(read);
        assert_eq!(turns.0.available_permits(), 1);
    }

    #[tokio::test]
    async fn who_finds_no_turn_in_time_is_told() {
        let turns = Turns::new(1);
        let first = turns.take().await.unwrap();
        assert!(turns.take_within(Duration::ZERO).await.is_none());
        drop(first);
        turns.take().await.unwrap();
        turns.close();
        assert!(turns.take().await.is_none());
    }
}
