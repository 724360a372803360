//! Page after page as one stream; from the second on, the next one is read while this one is used.

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

/// The bytes of the first page: many readers want no more than that.
const FIRST_BYTES: usize = 64 * 1024;

/// The most bytes of a page. Each is twice as large as the one before, up to that.
const MOST_BYTES: usize = 1 << 20;

/// What is read, in order.
///
/// No connection is held between two pages, however long the consumer takes for one; at
/// most one page is read ahead, and none for a consumer who has not come to the second.
pub(super) struct Scan {
    readers: Readers,
    /// The bytes of the next page.
    bytes: usize,
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
        let next = fetch(readers.clone(), query, FIRST_BYTES).boxed();
        let ready = Vec::new().into_iter();
        Self { readers, bytes: FIRST_BYTES, ready, next: Some(next), follow: None }
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
        let is_first = self.bytes == FIRST_BYTES;
        let readers = self.readers.clone();
        self.next = match (next, &self.follow) {
            (Some(query), _) => {
                self.bytes = MOST_BYTES.min(self.bytes * 2);
                let bytes = self.bytes;
                Some(if is_first {
                    fetch(readers, query, bytes).boxed()
                } else {
                    readers.ahead(move |tables, names| page(tables, names, query, bytes))
                })
            }
            (None, Some(follow)) => Some(follow.wait(readers, self.bytes)),
            (None, None) => None,
        };
    }
}

impl Follow {
    fn wait(&self, readers: Readers, bytes: usize) -> BoxFuture<'static, Result<Page, LogFault>> {
        let (after, head) = (self.after, self.head.clone());
        async move {
            let Some(mut head) = head else { return std::future::pending().await };
            head.wait_for(|head| *head > after).await.map_err(|_| closed())?;
            fetch(readers, everything(after), bytes).await
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

async fn fetch(readers: Readers, query: Query, bytes: usize) -> Result<Page, LogFault> {
    readers.run(move |tables, names| page(tables, names, query, bytes)).await
}
