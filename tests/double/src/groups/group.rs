//! One group: what its consumers have in hand, what goes to another one, what nobody could handle.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;
use uuid::Uuid;

use crate::memory::{AllCursor, Filter, Log, StreamCursor};

/// What a group can be told.
#[derive(Clone, Debug)]
pub(crate) struct GroupSettings {
    pub(crate) resolve_links: bool,
    /// After so many an event is parked.
    pub(crate) max_retries: u32,
    /// After that long an event that was not acknowledged goes to another consumer.
    pub(crate) timeout: Duration,
    /// 0: any number.
    pub(crate) max_subscribers: usize,
}

/// Where a group begins.
#[derive(Debug)]
pub(crate) enum Start {
    All(AllCursor, Option<Filter>),
    Stream(String, StreamCursor),
}

/// A group of consumers.
#[derive(Debug)]
pub(crate) struct Group {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    settings: GroupSettings,
    place: Start,
    /// What is to be sent again.
    retries: VecDeque<Due>,
    in_hand: HashMap<Uuid, InHand>,
    /// The positions of events that nobody could handle.
    parked: Vec<u64>,
    consumers: usize,
    joined: u64,
    closed: bool,
}

/// An event that is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) position: u64,
    pub(crate) retries: u32,
}

#[derive(Debug)]
struct InHand {
    due: Due,
    consumer: u64,
    until: Instant,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Again,
    Parked,
}

/// A consumer of a group. What it has in hand when it is dropped goes to another one.
#[derive(Debug)]
pub(crate) struct Consumer {
    group: Arc<Group>,
    number: u64,
    buffer: usize,
}

impl Group {
    pub(crate) fn new(settings: GroupSettings, place: Start) -> Self {
        let (changed, _) = watch::channel(0);
        let state = State {
            settings,
            place,
            retries: VecDeque::new(),
            in_hand: HashMap::new(),
            parked: Vec::new(),
            consumers: 0,
            joined: 0,
            closed: false,
        };
        Self { state: Mutex::new(state), changed }
    }

    /// A new consumer with at most so many events in hand; `None` if the group has enough of them.
    pub(crate) fn join(self: &Arc<Self>, buffer: usize) -> Option<Consumer> {
        let mut state = self.state();
        let most = state.settings.max_subscribers;
        if most > 0 && state.consumers >= most {
            return None;
        }
        state.consumers += 1;
        state.joined += 1;
        Some(Consumer { group: Arc::clone(self), number: state.joined, buffer })
    }

    /// Tells the settings that count from now on.
    pub(crate) fn update(&self, settings: GroupSettings) {
        self.state().settings = settings;
        self.change();
    }

    pub(crate) fn settings(&self) -> GroupSettings {
        self.state().settings.clone()
    }

    /// Drops all consumers.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.change();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whenever there may be something else to send.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// When the first event in hand is to be sent again.
    pub(crate) fn overdue(&self) -> Option<Instant> {
        self.state().in_hand.values().map(|in_hand| in_hand.until).min()
    }

    fn change(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consumer {
    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    /// Takes as many events as there is room for.
    pub(crate) fn take(&self, log: &Log) -> Vec<Due> {
        let mut state = self.group.state();
        let now = Instant::now();
        state.give_back(|in_hand| in_hand.until <= now);
        let in_hand = state.in_hand.values().filter(|it| it.consumer == self.number).count();
        let mut taken = Vec::new();
        while in_hand + taken.len() < self.buffer {
            let due = state.retries.pop_front().or_else(|| state.place.next(log));
            let Some(due) = due else { break };
            let Some(record) = log.at(due.position) else { continue };
            let until = now + state.settings.timeout;
            state.in_hand.insert(record.id, InHand { due, consumer: self.number, until });
            taken.push(due);
        }
        taken
    }

    /// Says what became of events that are in somebody's hand.
    pub(crate) fn settle(&self, ids: impl IntoIterator<Item = Uuid>, fate: Fate) {
        let mut state = self.group.state();
        for id in ids {
            let Some(InHand { due, .. }) = state.in_hand.remove(&id) else { continue };
            match fate {
                Fate::Done => {}
                Fate::Again => state.again(due),
                Fate::Parked => state.parked.push(due.position),
            }
        }
        drop(state);
        self.group.change();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let mut state = self.group.state();
        state.consumers -= 1;
        state.give_back(|in_hand| in_hand.consumer == self.number);
        drop(state);
        self.group.change();
    }
}

impl State {
    /// Sends again what is in hand, where that is so, in the order of the log.
    fn give_back(&mut self, which: impl Fn(&InHand) -> bool) {
        let mut back: Vec<_> =
            self.in_hand.extract_if(|_, it| which(it)).map(|(_, it)| it.due).collect();
        back.sort_by_key(|due| due.position);
        for due in back {
            self.again(due);
        }
    }

    /// Sends an event again, unless that was done often enough.
    fn again(&mut self, Due { position, retries }: Due) {
        if retries >= self.settings.max_retries {
            self.parked.push(position);
        } else {
            self.retries.push_back(Due { position, retries: retries + 1 });
        }
    }
}

impl Start {
    /// The next event.
    fn next(&mut self, log: &Log) -> Option<Due> {
        let record = match self {
            Self::All(cursor, filter) => {
                cursor.page(log, filter.as_ref(), 1, usize::MAX).records.pop()
            }
            Self::Stream(name, cursor) => {
                let stream = log.stream_named(name)?;
                if cursor.next? >= stream.next() {
                    return None;
                }
                cursor.forwards(log, stream, 1).pop()
            }
        };
        record.map(|record| Due { position: record.position, retries: 0 })
    }
}
