//! Reading all streams in the order of the log: up to some place, or for ever.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use eventstore::{
    Position, StreamPosition, SubscribeToAllOptions, Subscription, SubscriptionEvent,
};
use futures::Stream;
use shiplog_domain::wire::EncodedEvent;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::AbortHandle,
};

use super::{
    contained::{contained, within},
    failure::Failure,
    line::Line,
    reads::Reads,
    records::{self, Found},
    standing::{Standing, Standings, Told},
    supervisor::Supervisor,
};
use crate::{
    log::{LogFault, Recorded},
    position::GlobalPosition,
};

/// How many events are read ahead of the consumer.
const AHEAD: usize = 1_024;

/// How long a consumer may take before the server is relieved of the subscription.
const SLOW: Duration = Duration::from_secs(1);

/// How long to wait before subscribing again.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest wait between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a read that has an end is tried without getting on.
const ATTEMPTS: u32 = 3;

type Item = Result<Recorded<EncodedEvent>, LogFault>;

/// Events in the order of the log. A task of its own reads ahead, as soon as somebody listens.
pub(super) struct Followed {
    job: Option<Follow>,
    events: Option<mpsc::Receiver<Item>>,
    task: Option<AbortHandle>,
}

/// What is to be read.
pub(super) struct Follow {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) reads: Arc<Reads>,
    pub(super) standings: Arc<Standings>,
    pub(super) after: Option<GlobalPosition>,
    /// The last event to be read; `None` if there is no end.
    pub(super) until: Option<GlobalPosition>,
    /// Whether the node has all that the cluster has.
    pub(super) from_leader: bool,
    pub(super) limit: Duration,
}

/// Why a subscription to the server came to its end.
enum End {
    /// All is read, or nobody listens.
    Done,
    /// The connection or the server.
    Broken(Failure),
    /// The consumer has no room.
    Slow,
}

impl Followed {
    pub(super) fn new(job: Follow) -> Self {
        // What ends where it begins is not even asked for.
        let empty = job.until.is_some() && job.until <= job.after;
        Self { job: Some(job).filter(|_| !empty), events: None, task: None }
    }
}

impl Stream for Followed {
    type Item = Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let followed = self.get_mut();
        if let Some(job) = followed.job.take() {
            let (sender, events) = mpsc::channel(AHEAD);
            followed.task = Some(tokio::spawn(job.run(sender)).abort_handle());
            followed.events = Some(events);
        }
        let Some(events) = &mut followed.events else { return Poll::Ready(None) };
        let event = ready!(events.poll_recv(context));
        if event.is_none() {
            followed.events = None;
        }
        Poll::Ready(event)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Follow {
    /// Subscribes, and subscribes again, each time after the last event that was passed on.
    async fn run(mut self, sender: mpsc::Sender<Item>) {
        let told = self.standings.enter(self.after);
        let (mut pause, mut vain) = (FIRST_PAUSE, 0);
        loop {
            let before = self.after;
            let fault = match self.supervisor.line().await {
                Ok(line) => match self.subscribe(&line, &sender, &told).await {
                    End::Done => return,
                    End::Broken(failure) => {
                        tracing::debug!(%failure, "a subscription broke off: {failure}");
                        self.supervisor.report(&line, &failure).await;
                        failure.fault()
                    }
                    End::Slow => {
                        // The server has let go of it; go on when there is room.
                        let Ok(_) = sender.reserve().await else { return };
                        continue;
                    }
                },
                Err(fault) => fault,
            };
            told.say(Standing::Away);
            if self.after > before {
                (pause, vain) = (FIRST_PAUSE, 0);
            }
            vain += 1;
            if self.until.is_some() && vain >= ATTEMPTS {
                return drop(sender.send(Err(fault)).await);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                () = sender.closed() => return,
            }
        }
    }

    /// Passes on what the server sends, until one of them ends it.
    async fn subscribe(&mut self, line: &Line, sender: &mpsc::Sender<Item>, told: &Told) -> End {
        let head = match self.until {
            Some(until) => Some(until),
            None => match self.reads.head().await {
                Ok(head) => head,
                // It is read through another connection, perhaps.
                Err(_) => self.reads.seen(),
            },
        };
        let options = SubscribeToAllOptions::default()
            .position(begin(self.after))
            .filter(self.reads.scope.filter());
        let mut subscription = line.client.subscribe_to_all(&options).await;
        // The first message is the confirmation: a server that is there has it at hand.
        match within(self.limit, subscription.next_subscription_event()).await {
            Ok(SubscriptionEvent::Confirmed(_)) => {
                let level = self.after >= head;
                told.say(if level { Standing::Live } else { Standing::CatchingUp });
            }
            Ok(event) => {
                if let Some(end) = self.take(event, sender, told, head).await {
                    return end;
                }
            }
            Err(failure) => return End::Broken(failure.of_all()),
        }
        loop {
            // Whichever is first but an event, the subscription is not used again.
            let event = tokio::select! {
                event = next(&mut subscription) => event,
                () = sender.closed() => return End::Done,
                () = self.supervisor.lost(line) => {
                    return End::Broken(Failure::Client(eventstore::Error::ConnectionClosed));
                }
            };
            let end = match event {
                Ok(event) => self.take(event, sender, told, head).await,
                Err(failure) => Some(End::Broken(failure.of_all())),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Passes on one event; what ends the subscription, if that does.
    async fn take(
        &mut self,
        event: SubscriptionEvent,
        sender: &mpsc::Sender<Item>,
        told: &Told,
        head: Option<GlobalPosition>,
    ) -> Option<End> {
        let record = match event {
            SubscriptionEvent::EventAppeared(event) => event.event?,
            SubscriptionEvent::CaughtUp => {
                told.say(Standing::Live);
                // Somebody has deleted what was at the end. A follower may not have it yet.
                return self.until.filter(|_| self.from_leader).map(|_| End::Done);
            }
            SubscriptionEvent::FellBehind => {
                told.say(Standing::CatchingUp);
                return None;
            }
            SubscriptionEvent::Confirmed(_)
            | SubscriptionEvent::Checkpoint(_)
            | SubscriptionEvent::FirstStreamPosition(_)
            | SubscriptionEvent::LastStreamPosition(_)
            | SubscriptionEvent::LastAllPosition(_) => return None,
        };
        let event = match records::decode(&self.reads.scope, record) {
            Found::Ours(event) => Ok(event),
            Found::Damage(unreadable) => Err(unreadable),
            Found::Foreign => return None,
        };
        let place = event.as_ref().map_or_else(|damage| damage.position, |event| event.position);
        let position = Some(place);
        if position <= self.after {
            return None;
        }
        if self.until.is_some() && position > self.until {
            return Some(End::Done);
        }
        let room = match sender.try_reserve() {
            Ok(room) => room,
            Err(TrySendError::Closed(())) => return Some(End::Done),
            Err(TrySendError::Full(())) => {
                match tokio::time::timeout(SLOW, sender.reserve()).await {
                    Ok(Ok(room)) => room,
                    Ok(Err(_)) => return Some(End::Done),
                    Err(_) => return Some(End::Slow),
                }
            }
        };
        self.reads.see(place);
        room.send(event.map_err(LogFault::Unreadable));
        self.after = position;
        told.at(position);
        if position >= head {
            told.say(Standing::Live);
        }
        (self.until.is_some() && position >= self.until).then_some(End::Done)
    }
}

async fn next(subscription: &mut Subscription) -> Result<SubscriptionEvent, Failure> {
    contained(subscription.next_subscription_event()).await
}

/// Where to begin. For what we write, both positions are one.
fn begin(after: Option<GlobalPosition>) -> StreamPosition<Position> {
    // The server counts in signed numbers; nothing is beyond the last of them.
    let place = |after: GlobalPosition| after.0.min(i64::MAX.unsigned_abs());
    match after.map(place) {
        None | Some(0) => StreamPosition::Start,
        Some(place) => StreamPosition::Position(Position { commit: place, prepare: place }),
    }
}
