//! Reading streams page by page, and the end of the log.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventstore::{Position, ReadAllOptions, StreamPosition};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

use super::{
    connection::MANY_BYTES,
    contained::within,
    failure::Failure,
    line::Line,
    records::{self, Found},
    scope::Scope,
    settings,
    supervisor::Supervisor,
};
use crate::{
    log::{LogFault, RecordStream, Recorded, Unreadable},
    position::{GlobalPosition, StreamVersion},
};

/// The most events of a page.
const MOST: usize = 500;

/// gRPC's code of a position at which no record begins.
const INVALID_ARGUMENT: i32 = 3;

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

/// Some events of a stream, those that cannot be read in their places, and whether there may be more.
#[derive(Default)]
pub(super) struct Page {
    pub(super) events: Vec<Result<Recorded<EncodedEvent>, Unreadable>>,
    /// The version of its last event.
    pub(super) last: Option<StreamVersion>,
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

    /// Reads a stream from a version on, and shows each page to `look`.
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
            let Page { events, last, more } = page;
            let next = last.filter(|_| more).map(|last| last.0 + 1);
            let events = events.into_iter().map(|event| event.map_err(LogFault::Unreadable));
            Ok(Some((stream::iter(events), next)))
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
        let Some(physical) = physical else { return Ok(Page::default()) };
        let Some(records) = self.records(&physical, from, most).await? else {
            let problem = "somebody has deleted the stream for ever".into();
            return Err(LogFault::StreamDamaged { stream: name.clone(), problem });
        };
        if from == 0 && records.first().is_none_or(|first| first.revision > 0) {
            // What somebody has deleted reads like what never was, or begins later.
            self.settings(name).await?;
        }
        let more = records.len() >= most || size(&records) >= MANY_BYTES;
        let last = records.last().map(|record| StreamVersion(record.revision));
        let event = |record| match records::decode(&self.scope, record) {
            Found::Ours(event) => {
                self.see(event.position);
                Some(Ok(event))
            }
            Found::Damage(unreadable) => Some(Err(unreadable)),
            Found::Foreign => None,
        };
        Ok(Page { events: records.into_iter().filter_map(event).collect(), last, more })
    }

    /// What the cluster has of a stream; `None` if that is deleted for ever.
    async fn records(
        &self,
        stream: &str,
        from: u64,
        most: usize,
    ) -> Result<Option<Vec<eventstore::RecordedEvent>>, LogFault> {
        let call = |line: Arc<Line>| async move {
            match line.connection().await?.read(stream, from, most, self.limit).await {
                Ok(records) => Ok(Some(records)),
                Err(Failure::Client(eventstore::Error::ResourceDeleted)) => Ok(None),
                Err(failure) => Err(failure),
            }
        };
        self.call(call).await
    }

    /// Checks that a stream is whole: its settings, and every event of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or why that cannot be told.
    pub(super) async fn examine(&self, name: &StreamName) -> Result<(), LogFault> {
        self.settings(name).await?;
        let mut events = self.stream(name, 0, |_| {});
        let mut due = 0;
        while let Some(event) = events.try_next().await? {
            event.follows(due)?;
            due += 1;
        }
        Ok(())
    }

    /// Checks that the settings of a stream leave all of it there. Who may not read them cannot tell.
    async fn settings(&self, name: &StreamName) -> Result<(), LogFault> {
        let Some(settings) = self.scope.settings(name) else { return Ok(()) };
        let settings = settings.as_str();
        let call = |line: Arc<Line>| async move {
            // The server keeps the last one alone.
            match line.connection().await?.read(settings, 0, MOST, self.limit).await {
                Ok(records) => Ok(records.into_iter().next_back()),
                Err(Failure::Client(
                    eventstore::Error::ResourceDeleted | eventstore::Error::AccessDenied,
                )) => Ok(None),
                Err(failure) => Err(failure),
            }
        };
        let last = self.call(call).await?;
        match last.as_ref().and_then(settings::problem) {
            Some(problem) => Err(LogFault::StreamDamaged { stream: name.clone(), problem }),
            None => Ok(()),
        }
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
        let call = |line| async { self.look_back(line).await.map_err(Failure::of_all) };
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

    /// The event of ours at a position, if there is one.
    pub(super) async fn at(
        &self,
        position: GlobalPosition,
    ) -> Result<Option<Recorded<EncodedEvent>>, LogFault> {
        let place = Position { commit: position.0, prepare: position.0 };
        let options = ReadAllOptions::default()
            .position(StreamPosition::Position(place))
            .requires_leader(true)
            .max_count(1);
        let options = &options;
        let call = |line: Arc<Line>| async move {
            let reading = async {
                let mut reading = line.client.read_all(options).await?;
                reading.next().await
            };
            match within(self.limit, reading).await {
                Err(Failure::Client(eventstore::Error::Grpc { code, .. }))
                    if i32::from(code) == INVALID_ARGUMENT =>
                {
                    Ok(None)
                }
                event => event,
            }
        };
        let found = self.call(call).await?.and_then(|event| event.event);
        let Some(record) = found.filter(|record| record.position.commit == position.0) else {
            return Ok(None);
        };
        match records::decode(&self.scope, record) {
            Found::Ours(event) => Ok(Some(event)),
            Found::Damage(unreadable) => Err(LogFault::Unreadable(unreadable)),
            Found::Foreign => Ok(None),
        }
    }

    /// The connection, as soon as there is one.
    pub(super) async fn line(&self) -> Result<Arc<Line>, LogFault> {
        self.supervisor.line().await
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
