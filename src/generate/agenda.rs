//! What is going to happen, in the order of time.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
};

use jiff::Timestamp;
use shiplog_domain::{environment, lane::Happened, metadata::Actor, release, stream::StreamName};

use super::releases::{Cause, Release};

/// Something that is going to happen. Services, places and lanes are known by their index.
pub(super) enum Next {
    /// A service's next release is ready.
    Cut { service: usize, cause: Cause },
    /// The next build of a branch is ready; so many are left.
    Branch { lane: usize, left: u32 },
    /// Somebody wants something of a lane.
    Ask { lane: usize, wish: Wish },
    /// Something is told of a deployment.
    Say { lane: usize, number: u32, by: Actor, happened: Happened },
    /// A deployment comes to its end.
    End { lane: usize, number: u32, release: Arc<Release>, ending: Ending, course: Course },
    /// The service is taken out of the environment, and may come back.
    Leave { lane: usize, reason: &'static str, back: Option<Timestamp> },
    /// Nobody wants anything of the lane from here on.
    Close { lane: usize },
    /// Something is decided about an environment.
    Govern { place: usize, by: Actor, command: environment::Command },
    /// Something is decided about a release.
    Judge { release: StreamName, by: Actor, command: release::Command },
}

/// What somebody wants of a lane.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// The next release, unless a newer one is there.
    Release(Arc<Release>),
    /// A release that mends a deployment.
    Mend { release: Arc<Release>, mends: u32 },
    /// A failed deployment, once more.
    Again { of: u32, release: Arc<Release> },
    /// The release before this bad one.
    Back { from: u32 },
    /// The release before, without a word about why.
    BackSilently,
    /// A record that should never have been made.
    Mistake,
    /// A service that was taken out, back again.
    Return,
    /// The last thing that happens there.
    Last(Course),
}

/// How a deployment is going to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It may be approved, called off, fail.
    Usual,
    /// As usual, only that it fails more often: it did so before.
    Again,
    /// It works, and nobody is asked.
    Straight,
    /// It is recorded when it is over.
    Told,
    /// It is recorded and was never there.
    Mistaken,
    /// Nobody has agreed to it yet.
    Waiting,
    /// It has not ended yet.
    Running,
    /// It fails, and nobody does anything about it.
    Failing,
}

/// How a deployment ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Succeeded,
    Failed { step: &'static str, error: &'static str },
    Cancelled { by: Actor, reason: String },
    Rejected { by: Actor, reason: String },
    Voided { by: Actor },
}

struct Due {
    at: Timestamp,
    /// Of what happens at the same time, what was put in first happens first.
    order: u64,
    next: Next,
}

impl Due {
    fn key(&self) -> (Timestamp, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What is going to happen up to an instant; what would come later is left out.
pub(super) struct Agenda {
    until: Timestamp,
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
}

impl Agenda {
    pub(super) fn new(until: Timestamp) -> Self {
        Self { until, due: BinaryHeap::new(), order: 0 }
    }

    pub(super) fn put(&mut self, at: Timestamp, next: Next) {
        if at <= self.until {
            self.order += 1;
            self.due.push(Reverse(Due { at, order: self.order, next }));
        }
    }

    pub(super) fn take(&mut self) -> Option<(Timestamp, Next)> {
        self.due.pop().map(|Reverse(Due { at, next, .. })| (at, next))
    }
}
