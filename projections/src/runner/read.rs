//! Reading the log for every read model that follows it: once, as long as they keep up.

use std::{mem, sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use shiplog_store::{
    entry::{self, Entry},
    log::{Log, LogFault},
    position::GlobalPosition,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    batch::{self, Batch},
    mending::StreamAgain,
};

/// How long to wait before reading again where the log could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the others wait for one that does not take its next batch; then it reads by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// At most so many records are taken at once; what a batch is short of is waited for.
const PIECE: usize = 1_024;

/// The least time between two batches, unless they are full or somebody [hurries](Hurry): a few larger
/// transactions of every read model cost less than many small ones.
const GATHERING: Duration = Duration::from_millis(500);

/// Has what was recorded folded at once, because somebody waits for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hurry(watch::Sender<()>);

impl Hurry {
    /// Cuts short the gathering that goes on or, if there is none, the next one.
    pub(crate) fn up(&self) {
        self.0.send_replace(());
    }
}

/// What a read model is given.
#[derive(Clone)]
pub(super) enum Fed {
    /// What comes next, and where the log ended then.
    News(Arc<Batch>, Option<GlobalPosition>),
    /// A stream that was set aside.
    Again(Arc<StreamAgain>),
}

/// Where batches go, and where their reader begins.
pub(super) struct Feed {
    pub(super) after: Option<GlobalPosition>,
    pub(super) batches: mpsc::Sender<Fed>,
}

/// Reads the log for as long as it is kept.
#[derive(Debug)]
pub(super) struct Reading {
    _kept: watch::Sender<()>,
}

impl Reading {
    /// Reads for all of these, from the least of their places on.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn start(log: &Arc<dyn Log>, feeds: Vec<Feed>, hurry: &Hurry) -> Self {
        let (keep, kept) = watch::channel(());
        let (log, hurried) = (Arc::clone(log), hurry.0.subscribe());
        spawn(Reader { log, feeds, head: None, hurried, kept });
        Self { _kept: keep }
    }
}

fn spawn(mut reader: Reader) {
    let mut kept = reader.kept.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = reader.read() => {}
            // An error, because the other end is gone: nothing is ever sent.
            _ = kept.changed() => {}
        }
    });
}

/// One reader and those that it reads for.
struct Reader {
    log: Arc<dyn Log>,
    feeds: Vec<Feed>,
    /// Where the log ended when that could be read last.
    head: Option<GlobalPosition>,
    hurried: watch::Receiver<()>,
    kept: watch::Receiver<()>,
}

impl Reader {
    /// Feeds what is recorded, batch by batch, until nobody takes it any more.
    async fn read(&mut self) {
        let log = Arc::clone(&self.log);
        let mut after = self.feeds.iter().map(|feed| feed.after).min().flatten();
        // So that a log that is empty, or folded already, counts as reached.
        let head = self.first_head().await;
        self.feed(Batch::default(), head, after).await;
        while !self.feeds.is_empty() {
            let mut pieces = log.subscribe(after).map(entry::of).ready_chunks(PIECE);
            while let Some((records, fault)) = next(&*log, &mut pieces).await {
                let (began, is_full) = (Instant::now(), records.len() >= batch::ENOUGH);
                let batch = Batch::decode(records);
                let through = batch.through().or(after);
                let head = self.head().await;
                self.feed(batch, head, after).await;
                after = through;
                if self.feeds.is_empty() {
                    return;
                }
                if let Some(fault) = fault {
                    tracing::warn!(%fault, "the read models cannot read the log: {fault}");
                    break;
                }
                if !is_full {
                    self.gather(began).await;
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Where the log ends, as soon as that can be read: until then nobody is level.
    async fn first_head(&mut self) -> Option<GlobalPosition> {
        loop {
            match self.log.head().await {
                Ok(head) => {
                    self.head = head;
                    return head;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Where the log ends. While that cannot be read, nobody is level who was not.
    async fn head(&mut self) -> Option<GlobalPosition> {
        if let Ok(head) = self.log.head().await {
            self.head = head;
        }
        self.head
    }

    /// Lets more arrive, unless somebody has begun to wait since the last time.
    async fn gather(&mut self, began: Instant) {
        tokio::select! {
            () = sleep_until(began + GATHERING) => {}
            Ok(()) = self.hurried.changed() => {}
        }
    }

    /// Hands on a batch that begins after a place; who does not take it in time is left to itself.
    async fn feed(
        &mut self,
        batch: Batch,
        head: Option<GlobalPosition>,
        after: Option<GlobalPosition>,
    ) {
        let (batch, is_alone) = (Arc::new(batch), self.feeds.len() == 1);
        for feed in mem::take(&mut self.feeds) {
            let fed = Fed::News(Arc::clone(&batch), head);
            let sent = if is_alone {
                Ok(feed.batches.send(fed).await)
            } else {
                timeout(PATIENCE, feed.batches.send(fed)).await
            };
            match sent {
                Ok(Ok(())) => self.feeds.push(feed),
                // It has stalled for good, or is stopping.
                Ok(Err(_)) => {}
                Err(_) => {
                    let after = feed.after.max(after);
                    let feeds = vec![Feed { after, ..feed }];
                    let (log, hurried) = (Arc::clone(&self.log), self.hurried.clone());
                    let (head, kept) = (self.head, self.kept.clone());
                    spawn(Reader { log, feeds, head, hurried, kept });
                }
            }
        }
    }
}

/// What has arrived or, while the log has more, as many records as make a batch; and the fault that
/// ended them early.
async fn next(
    log: &dyn Log,
    pieces: &mut (impl Stream<Item = Vec<Result<Entry, LogFault>>> + Unpin),
) -> Option<(Vec<Entry>, Option<LogFault>)> {
    let mut records = Vec::new();
    loop {
        for record in pieces.next().await? {
            match record {
                Ok(record) => records.push(record),
                Err(fault) => return Some((records, Some(fault))),
            }
        }
        let last = records.last().map(entry::position);
        if records.len() >= batch::ENOUGH || last >= log.head().await.ok().flatten() {
            return Some((records, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use shiplog_domain::stream::StreamName;
    use shiplog_store::{
        clock::Clock,
        log::NewEvent,
        position::{ExpectedVersion, StreamVersion},
        sqlite::SqliteLog,
    };

    use super::*;
    use crate::ignorable::ignorable;

    /// The clock that stands.
    struct Stands;

    impl Clock for Stands {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    async fn append(log: &dyn Log, nth: u64) {
        let stream = StreamName::recorded("lane-checkout@production");
        let expected = match nth.checked_sub(1) {
            None => ExpectedVersion::NoStream,
            Some(last) => ExpectedVersion::Exact(StreamVersion(last)),
        };
        let (id, metadata, event) = ignorable(&stream, nth);
        let new = NewEvent { id, metadata: Arc::new(metadata), event };
        log.append(&stream, expected, vec![new]).await.unwrap();
    }

    fn news(fed: Option<Fed>) -> Arc<Batch> {
        match fed.unwrap() {
            Fed::News(batch, _) => batch,
            Fed::Again(_) => panic!("nothing is set aside"),
        }
    }

    /// Takes batches until the head is this one; tells which positions they brought.
    async fn drain(batches: &mut mpsc::Receiver<Fed>, head: u64) -> Vec<u64> {
        let mut brought = Vec::new();
        while brought.last() != Some(&head) {
            let batch = news(batches.recv().await);
            let before = brought.last().map(|last| GlobalPosition(*last));
            // A reader says first where the log ends, with nothing to fold.
            let Some(news) = batch.after(before) else { continue };
            let from = brought.last().map_or(1, |last| last + 1);
            brought.extend(from..from + news.part.skipped.len() as u64);
            assert_eq!(brought.last(), Some(&news.through.0), "nothing is left out or repeated");
        }
        brought
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_does_not_keep_up_holds_nobody_up_and_misses_nothing() {
        let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(Stands)).unwrap());
        let (quick, mut of_quick) = mpsc::channel(2);
        let (slow, mut of_slow) = mpsc::channel(2);
        let feeds =
            [quick, slow].map(|batches| Feed { after: None, batches }).into_iter().collect();
        let _reading = Reading::start(&log, feeds, &Hurry::default());
        let mut seen = Vec::new();
        for nth in 0..10 {
            append(&*log, nth).await;
            let from = seen.len() as u64;
            let batch = loop {
                let batch = news(of_quick.recv().await);
                if batch.through() > Some(GlobalPosition(from)) {
                    break batch;
                }
            };
            seen.push(batch.through().unwrap().0);
        }
        assert_eq!(seen, (1..=10).collect::<Vec<_>>());
        assert_eq!(drain(&mut of_slow, 10).await, seen);
    }
}
