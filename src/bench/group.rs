//! Bare group commit: many threads hand rows to one writer, which commits what has queued up.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    iter,
    path::Path,
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use shiplog_domain::stream::StreamName;

use super::bare::{Bare, Row};

/// The most appends that one transaction takes, as in the log.
const MOST_AT_ONCE: usize = 1_000;

/// Rows to be committed together, and who waits to hear of it.
struct Append {
    rows: Vec<Row>,
    done: SyncSender<()>,
}

/// What is handed over again and again.
pub(super) struct Load<'a> {
    /// The rows of one append; each stream gets copies with versions and ids of their own.
    pub(super) append: &'a [Row],
    /// How many hand over rows at the same time.
    pub(super) clients: u32,
    /// How many streams each of them writes to, in turn.
    pub(super) streams_each: u32,
    /// For how long.
    pub(super) lasting: Duration,
}

/// Commits as many appends as go; tells how many that were, and in what time.
///
/// # Errors
///
/// What SQLite says.
pub(super) fn commit(directory: &Path, load: &Load<'_>) -> anyhow::Result<(u64, Duration)> {
    let mut bare = Bare::make(directory)?;
    let (sender, queue) = channel();
    thread::scope(|scope| {
        let began = Instant::now();
        let clients: Vec<_> = (0..load.clients)
            .map(|client| {
                let sender = sender.clone();
                scope.spawn(move || hand_over(load, client, began + load.lasting, &sender))
            })
            .collect();
        drop(sender);
        let written = write(&mut bare, &queue);
        // Where writing failed, whoever still waits hears of it.
        drop(queue);
        let counts = clients.into_iter().map(|client| client.join().unwrap_or_default());
        let appends = counts.sum();
        written.map(|()| (appends, began.elapsed()))
    })
}

/// Writes until nobody hands over anything any more.
fn write(bare: &mut Bare, queue: &Receiver<Append>) -> anyhow::Result<()> {
    while let Ok(first) = queue.recv() {
        let queued: Vec<_> =
            iter::once(first).chain(queue.try_iter().take(MOST_AT_ONCE - 1)).collect();
        bare.commit(queued.iter().flat_map(|append| &append.rows))?;
        for append in queued {
            append.done.send(()).map_err(|_| anyhow!("a client went away"))?;
        }
    }
    Ok(())
}

/// Hands over one append after the other until the time is up; counts them.
fn hand_over(load: &Load<'_>, client: u32, deadline: Instant, writer: &Sender<Append>) -> u64 {
    let mut streams: Vec<_> =
        (0..load.streams_each).map(|nth| Stream::new(format!("bare-{client}-{nth}"))).collect();
    let mut appends = 0;
    while Instant::now() < deadline {
        let turn = usize::try_from(appends).unwrap_or_default() % streams.len().max(1);
        let Some(stream) = streams.get_mut(turn) else { break };
        let rows = load.append.iter().map(|row| stream.next(row)).collect();
        let (done, committed) = sync_channel(1);
        let sent = writer.send(Append { rows, done });
        // A writer that failed says why; here is nothing left to do.
        if sent.is_err() || committed.recv().is_err() {
            break;
        }
        appends += 1;
    }
    appends
}

/// A stream, and how many rows it has.
struct Stream {
    name: StreamName,
    hash: u64,
    rows: i64,
}

impl Stream {
    fn new(name: String) -> Self {
        let hash = hash(&name);
        Self { name: StreamName::recorded(name), hash, rows: 0 }
    }

    /// A copy of a row as the stream's next one; ids of one stream lie side by side, as the log's.
    fn next(&mut self, row: &Row) -> Row {
        let version = self.rows;
        self.rows += 1;
        let mut id = [0; 16];
        let bytes = self.hash.to_be_bytes().into_iter().take(6);
        let own = [hash(&(self.hash, version)), hash(&(version, self.hash))];
        let bytes = bytes.chain(own.into_iter().flat_map(u64::to_be_bytes));
        id.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        Row { stream: self.name.clone(), version, id, ..row.clone() }
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
