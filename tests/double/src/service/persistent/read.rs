//! One consumer of a group: events go out, and what became of them comes in.

use futures::{StreamExt, stream};
use tokio::{sync::watch, time};
use tonic::{Request, Status, Streaming};
use uuid::Uuid;

use super::{
    super::{
        call::{Answers, many},
        frame::{Frame, Look},
        routes::Visit,
        status,
    },
    name_of,
};
use crate::{
    faults::Ending,
    groups::{Consumer, Fate, Source},
    wire::{
        persistent::{Action, ReadContent, ReadOptions, ReadReq, ReadSource},
        shared::WireUuid,
        streams::read::UuidForm,
    },
};

/// A consumer, while it is connected.
struct Reader {
    visit: Visit,
    source: Source,
    group: String,
    consumer: Consumer,
    look: Look,
    messages: Streaming<ReadReq>,
    records: watch::Receiver<usize>,
    changes: watch::Receiver<u64>,
    leaders: watch::Receiver<Option<usize>>,
    endings: watch::Receiver<Ending>,
}

/// Connects a consumer to a group.
pub(crate) async fn read(visit: Visit, call: Request<Streaming<ReadReq>>) -> Answers<Frame> {
    let mut messages = call.into_inner();
    let first = messages.message().await?.and_then(|first| first.content);
    let Some(ReadContent::Options(options)) = first else { return Err(status::thrown()) };
    let ReadOptions { source, group: name, buffer, uuid } = options;
    visit.may_lead()?;
    let source = match source {
        Some(ReadSource::All(())) => Source::All,
        Some(ReadSource::Stream(stream)) => Source::Stream(name_of(Some(stream))?),
        None => return Err(status::thrown()),
    };
    let group = visit.cluster().groups().find(&source, &name);
    let group = group.ok_or_else(|| status::no_group(source.name(), &name))?;
    let buffer = usize::try_from(buffer).unwrap_or(0).max(1);
    let consumer = group.join(buffer);
    let consumer = consumer.ok_or_else(|| status::too_many_consumers(source.name(), &name))?;
    let text = uuid.and_then(|uuid| uuid.form) == Some(UuidForm::Text(()));
    let look = Look { resolve_links: group.settings().resolve_links, halves: !text };
    let confirmation = Frame::confirmation(format!("{}::{name}", source.name()));
    let reader = Reader {
        records: visit.memory().watch(),
        changes: group.watch(),
        leaders: visit.cluster().leaders(),
        endings: visit.faults().endings(),
        visit,
        source,
        group: name,
        consumer,
        look,
        messages,
    };
    let frames = stream::unfold(Some(reader), async |reader| {
        let mut reader = reader?;
        Some(match reader.next().await {
            Ok(Some(frames)) => (frames.into_iter().map(Ok).collect::<Vec<_>>(), Some(reader)),
            Ok(None) => (Vec::new(), None),
            Err(status) => (vec![Err(status)], None),
        })
    });
    many(stream::iter([Ok(confirmation)]).chain(frames.map(stream::iter).flatten()))
}

impl Reader {
    /// The next events, or none if the consumer or the server is done.
    async fn next(&mut self) -> Result<Option<Vec<Frame>>, Status> {
        loop {
            if self.endings.has_changed().unwrap_or(true) {
                return self.endings.borrow().clone().outcome();
            }
            self.leaders.borrow_and_update();
            if self.consumer.group().is_closed() || self.visit.may_lead().is_err() {
                return Err(status::group_dropped(self.source.name(), &self.group));
            }
            self.records.borrow_and_update();
            self.changes.borrow_and_update();
            let frames = self.take();
            if !frames.is_empty() {
                return Ok(Some(frames));
            }
            let overdue = self.consumer.group().overdue();
            let overdue = async {
                match overdue {
                    Some(instant) => time::sleep_until(instant.into()).await,
                    None => std::future::pending().await,
                }
            };
            let message = tokio::select! {
                message = self.messages.message() => Some(message?),
                _ = self.records.changed() => None,
                _ = self.changes.changed() => None,
                _ = self.leaders.changed() => None,
                _ = self.endings.changed() => { self.endings.mark_changed(); None }
                () = overdue => None,
            };
            let goes_on = match message {
                Some(Some(message)) => self.heed(message),
                Some(None) => false,
                None => true,
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    fn take(&self) -> Vec<Frame> {
        let log = self.visit.memory().read();
        let due = self.consumer.take(&log);
        let frames = due.iter().filter_map(|due| {
            Some(Frame::retried(&log, log.at(due.position)?, self.look, due.retries))
        });
        frames.collect()
    }

    /// Does what the consumer says. Gives whether it goes on.
    fn heed(&self, message: ReadReq) -> bool {
        let (ids, fate) = match message.content {
            Some(ReadContent::Ack(ack)) => (ack.ids, Fate::Done),
            Some(ReadContent::Nack(nack)) => {
                let fate = match nack.action() {
                    Action::Park => Fate::Parked,
                    Action::Skip => Fate::Done,
                    Action::Unknown | Action::Retry | Action::Stop => Fate::Again,
                };
                if nack.action() == Action::Stop {
                    return false;
                }
                (nack.ids, fate)
            }
            Some(ReadContent::Options(_)) | None => return false,
        };
        let ids = ids.iter().filter_map(|id| WireUuid::parse(Some(id)));
        self.consumer.settle(ids.collect::<Vec<Uuid>>(), fate);
        true
    }
}
