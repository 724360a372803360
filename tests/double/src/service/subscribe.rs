//! Subscriptions: catching up page by page, then live, and behind again if the reader is slow.

mod all;
mod one;

use futures::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tonic::Status;

pub(super) use self::{all::all, one::stream};
use super::{frame::Frame, routes::Visit};
use crate::faults::Ending;

/// How many records make a page, and how many events a subscription may be behind and still be
/// live.
const BATCH: usize = 32;

/// A reader of something that grows.
trait Follower: Send + 'static {
    /// What is there by now, which can be nothing that is shown. `None` if there is nothing new.
    fn advance(&mut self, visit: &Visit) -> Result<Option<Vec<Frame>>, Status>;
}

/// A subscription: its confirmation, then what its follower gives, until it is ended.
struct Subscription<F> {
    visit: Visit,
    follower: F,
    records: watch::Receiver<usize>,
    stalled: watch::Receiver<bool>,
    endings: watch::Receiver<Ending>,
}

/// What a subscription streams.
fn follow(
    visit: Visit,
    follower: impl Follower,
) -> impl Stream<Item = Result<Frame, Status>> + Send + 'static {
    let subscription = Subscription {
        records: visit.memory().watch(),
        stalled: visit.faults().stalled(),
        endings: visit.faults().endings(),
        visit,
        follower,
    };
    let confirmation = Frame::confirmation(subscription.visit.new_id().to_string());
    let pages = stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        Some(match subscription.next().await {
            Ok(Some(frames)) => {
                (frames.into_iter().map(Ok).collect::<Vec<_>>(), Some(subscription))
            }
            Ok(None) => (Vec::new(), None),
            Err(status) => (vec![Err(status)], None),
        })
    });
    stream::iter([Ok(confirmation)]).chain(pages.map(stream::iter).flatten())
}

impl<F: Follower> Subscription<F> {
    /// The next frames, or none if the server ends the subscription without a reason.
    async fn next(&mut self) -> Result<Option<Vec<Frame>>, Status> {
        loop {
            if self.endings.has_changed().unwrap_or(true) {
                return self.endings.borrow().clone().outcome();
            }
            if !*self.stalled.borrow_and_update() {
                self.records.borrow_and_update();
                if let Some(frames) = self.follower.advance(&self.visit)? {
                    return Ok(Some(frames));
                }
            }
            // Whichever it is, it is looked at again. A server that is gone ends the connection.
            let changed = tokio::select! {
                changed = self.records.changed() => changed,
                changed = self.stalled.changed() => changed,
                changed = self.endings.changed() => {
                    self.endings.mark_changed();
                    changed
                }
            };
            if changed.is_err() {
                return Ok(None);
            }
        }
    }
}
