//! Reading streams page by page, and the end of the log.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventstore::{ReadAllOptions, StreamPosition};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use super::{
    connection::MANY_BYTES,
    contained::within,
    failure::Failure,
    records::{self, Found},
    scope::Scope,
    supervisor::{Line, Supervisor},
};
use crate::{
    log::{LogFault, RecordStream, Recorded},
    position::{GlobalPosition, StreamVersion},
};

/// The most events of a page.
const MOST: usize = 500;

/// How often a read is tried, each time on a connection that nobody complained about.
const ATTEMPTS: usize = 3;

/// Reads the cluster, through the node that is asked last: the leader.
pub(super) struct Reads {
    supervisor: Arc<Supervisor>,
    pub(super) scope: Scope,
    pub(super) limit: Duration,
    head: Head,
}

/// The end of the log, as far as it is known.
#[derive(Default)]
struct Head {
    /// The last position of ours that was seen; 0 before the first one.
    seen: AtomicU64,
    /// Tells apart who came before a look at the end began and who came after.
    tickets: AtomicU64,
    /// When the last look began, and what it came to.
    last: tokio::sync::Mutex<(u64, Option<GlobalPosition>)>,
}

/// Some events of a stream, and whether there may be more.
pub(super) struct Page {
    pub(super) events: Vec<Recorded<EncodedEvent>>,
    pub(super) more: bool,
}

impl Reads {
    pub(super) fn new(supervisor: Arc<Supervisor>, scope: Scope, limit: Duration) -> Self {
        Self { supervisor, scope, limit, head: Head::default() }
    }

    /// The last position of ours that this node knows of.
    pub(super) fn seen(&self) -> Option<GlobalPosition> {
        let seen = self.head.seen.load(Ordering::Acquire);
        (seen > 0).then_some(GlobalPosition(seen))
    }

    /// Notes that there is an event of ours at this position.
    pub(super) fn see(&self, position: GlobalPosition) {
        self.head.seen.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Reads a stream from a version on, without gaps, and shows each page to `look`.
    pub(super) fn stream<'a>(
        &'a self,
        name: &'a StreamName,
        from: u64,
        look: impl Fn(&Page) + Copy + Send + Sync + 'a,
    ) -> RecordStream<'a> {
        let pages = stream::try_unfold(Some(from), move |from| async move {
            let Some(from) = from else { return Ok(None) };
            let page = self.rest(name, from).await?;
            look(&page);
            let Page { events, more } = page;
            let next = events.last().filter(|_| more).map(|last| last.version.0 + 1);
            Ok(Some((stream::iter(events.into_iter().map(Ok)), next)))
        });
        pages.try_flatten().boxed()
    }

    /// Reads what comes next of a stream.
    pub(super) async fn rest(&self, name: &StreamName, from: u64) -> Result<Page, LogFault> {
        self.page(name, from, MOST).await
    }

    /// Reads so many events of a stream at the most, from a version on.
    pub(super) async fn page(
        &self,
        name: &StreamName,
        from: u64,
        most: usize,
    ) -> Result<Page, LogFault> {
        // The server counts in signed numbers, so that it has no stream as long as that.
        let physical = self.scope.physical(name).filter(|_| i64::try_from(from).is_ok());
        let Some(physical) = physical else { return Ok(Page { events: Vec::new(), more: false }) };
        let physical = physical.as_ref();
        let call = |line: Arc<Line>| async move {
            line.connection().await?.read(physical, from, most, self.limit).await
        };
        let records = self.call(call).await?;
        let more = records.len() >= most || size(&records) >= MANY_BYTES;
        let events = self.without_gaps(name, from, records)?;
        Ok(Page { events, more })
    }

    fn without_gaps(
        &self,
        name: &StreamName,
        from: u64,
        records: Vec<eventstore::RecordedEvent>,
    ) -> Result<Vec<Recorded<EncodedEvent>>, LogFault> {
        let mut events = Vec::with_capacity(records.len());
        for (due, record) in (from..).zip(records) {
            let corrupt = |problem: String| {
                let place = format!("stream `{name}`, version `{due}`");
                LogFault::Corrupt { place, problem }
            };
            match records::decode(&self.scope, record)? {
                Found::Ours(event) if event.version == StreamVersion(due) => {
                    self.see(event.position);
                    events.push(event);
                }
                Found::Ours(event) => {
                    return Err(corrupt(format!("the next event has version `{}`", event.version)));
                }
                Found::Foreign(kind) => {
                    return Err(corrupt(format!("Shiplog did not write the `{kind}` there")));
                }
            }
        }
        Ok(events)
    }

    /// Where the last event of ours is, by a look at the end of `$all`.
    ///
    /// Those who ask at the same time share one look at the end, which begins after the last of
    /// them has asked.
    pub(super) async fn head(&self) -> Result<Option<GlobalPosition>, LogFault> {
        let mine = self.head.tickets.fetch_add(1, Ordering::AcqRel);
        let mut last = self.head.last.lock().await;
        if last.0 > mine {
            return Ok(last.1.max(self.seen()));
        }
        let began = self.head.tickets.fetch_add(1, Ordering::AcqRel);
        let call = |line| self.look_back(line);
        if let Some(position) = self.call(call).await? {
            self.see(position);
        }
        *last = (began, self.seen());
        Ok(last.1)
    }

    /// Goes back from the end of `$all` to the first event of ours, or to where one is known.
    async fn look_back(&self, line: Arc<Line>) -> Result<Option<GlobalPosition>, Failure> {
        let options = ReadAllOptions::default().position(StreamPosition::End).requires_leader(true);
        let seen = self.seen();
        let mut reading = within(self.limit, line.client.read_all(&options)).await?;
        while let Some(event) = within(self.limit, reading.next()).await? {
            let Some(record) = event.event else { continue };
            let position = GlobalPosition(record.position.commit);
            if Some(position) <= seen {
                break;
            }
            if records::is_ours(&self.scope, &record) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Notes that the leader does what it should.
    pub(super) fn works(&self) {
        self.supervisor.works();
    }

    /// Makes a call that changes nothing, on another connection if the first one fails.
    pub(super) async fn call<T, F>(&self, call: impl Fn(Arc<Line>) -> F) -> Result<T, LogFault>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempts = 1;
        loop {
            let line = self.supervisor.line().await?;
            match call(Arc::clone(&line)).await {
                Ok(answer) => {
                    self.works();
                    return Ok(answer);
                }
                Err(failure) => {
                    if !self.supervisor.report(&line, &failure).await || attempts >= ATTEMPTS {
                        return Err(failure.fault());
                    }
                }
            }
            attempts += 1;
        }
    }
}

fn size(records: &[eventstore::RecordedEvent]) -> usize {
    records.iter().map(|record| record.data.len() + record.custom_metadata.len()).sum()
}
