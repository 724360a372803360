//! Page after page as one stream, the next one read while this one is used.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures::{FutureExt as _, Stream, future::BoxFuture};
use shiplog_domain::wire::EncodedEvent;
use tokio::sync::watch;

use super::{
    page::{Page, Query, page},
    readers::{Readers, closed},
};
use crate::{
    log::{LogFault, Recorded, Unreadable},
    position::GlobalPosition,
};

/// What is read, in order.
///
/// No connection is held between two pages, however long the consumer takes for one; at
/// most one page is read ahead.
pub(super) struct Scan {
    readers: Readers,
    ready: vec::IntoIter<Result<Recorded<EncodedEvent>, Unreadable>>,
    /// `None` at the end, and after a fault.
    next: Option<BoxFuture<'static, Result<Page, LogFault>>>,
    follow: Option<Follow>,
}

/// How to go on where the log ends.
struct Follow {
    after: Option<GlobalPosition>,
    head: Head,
}

/// The last position, as the writer publishes it; `None` if another process writes.
pub(super) type Head = Option<watch::Receiver<Option<GlobalPosition>>>;

impl Scan {
    /// Reads to the end.
    pub(super) fn once(readers: Readers, query: Query) -> Self {
        let next = fetch(readers.clone(), query).boxed();
        Self { readers, ready: Vec::new().into_iter(), next: Some(next), follow: None }
    }

    /// Reads to the end and waits there for more, for ever.
    pub(super) fn live(readers: Readers, head: Head, after: Option<GlobalPosition>) -> Self {
        let query = everything(after);
        let follow = Some(Follow { after, head });
        Self { follow, ..Self::once(readers, query) }
    }

    fn turn_to(&mut self, Page { events, last, next }: Page) {
        if let (Some(follow), Some(last)) = (&mut self.follow, last) {
            follow.after = Some(last);
        }
        self.ready = events.into_iter();
        self.next = match (next, &self.follow) {
            (Some(query), _) => {
                let ahead =
                    self.readers.clone().ahead(move |tables, names| page(tables, names, query));
                Some(ahead)
            }
            (None, Some(follow)) => Some(follow.wait(self.readers.clone())),
            (None, None) => None,
        };
    }
}

impl Follow {
    fn wait(&self, readers: Readers) -> BoxFuture<'static, Result<Page, LogFault>> {
        let (after, head) = (self.after, self.head.clone());
        async move {
            let Some(mut head) = head else { return std::future::pending().await };
            head.wait_for(|head| *head > after).await.map_err(|_| closed())?;
            fetch(readers, everything(after)).await
        }
        .boxed()
    }
}

impl Stream for Scan {
    type Item = Result<Recorded<EncodedEvent>, LogFault>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let scan = self.get_mut();
        loop {
            if let Some(event) = scan.ready.next() {
                return Poll::Ready(Some(event.map_err(LogFault::Unreadable)));
            }
            let Some(next) = &mut scan.next else { return Poll::Ready(None) };
            match ready!(next.poll_unpin(context)) {
                Ok(page) => scan.turn_to(page),
                Err(fault) => {
                    scan.next = None;
                    return Poll::Ready(Some(Err(fault)));
                }
            }
        }
    }
}

fn everything(after: Option<GlobalPosition>) -> Query {
    Query::All { after: after.map_or(0, |after| after.0), until: Some(u64::MAX) }
}

async fn fetch(readers: Readers, query: Query) -> Result<Page, LogFault> {
    readers.run(move |tables, names| page(tables, names, query)).await
}
