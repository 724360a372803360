//! Whether the events of a stream follow each other: without a hole, and about deployments that exist.

use std::collections::HashMap;

use shiplog_domain::{
    lane::{DeploymentNumber, Event},
    stream::StreamName,
    wire::DomainEvent,
};
use shiplog_store::position::{GlobalPosition, StreamVersion};

use super::batch::{News, Place};
use crate::damage::{Damage, DamagedStream};

/// How many streams are followed, with about 100 bytes each. In others, `verify` alone finds holes.
const MAX_STREAMS: usize = 100_000;

/// The end of each stream, as far as a read model has met it.
pub(super) struct Versions {
    streams: HashMap<StreamName, Option<End>>,
    /// Whether every stream was met from its first event on.
    is_whole: bool,
    through: Option<GlobalPosition>,
}

/// The end of a stream.
#[derive(Clone, Copy)]
struct End {
    /// The version that comes next.
    next: u64,
    /// The number of the next deployment; `None` if it was not met from its first event on.
    number: Option<DeploymentNumber>,
}

impl Versions {
    /// Of a read model that goes on after a place.
    pub(super) fn after(done: Option<GlobalPosition>) -> Self {
        Self { streams: HashMap::new(), is_whole: done.is_none(), through: done }
    }

    /// The streams in which an event does not follow the one before.
    ///
    /// What was met before is passed over.
    pub(super) fn meet(&mut self, news: &News<'_>, damage: &Damage) -> Vec<DamagedStream> {
        let met = self.through;
        self.through = met.max(Some(news.through));
        let mut found = Vec::new();
        for place in news.places() {
            if Some(place.position) > met && !damage.holds_back(place.stream, place.position) {
                found.extend(self.check(place));
            }
        }
        found
    }

    /// Goes on with a stream that was mended wherever it goes on.
    pub(super) fn forget(&mut self, stream: &StreamName) {
        if let Some(end) = self.streams.get_mut(stream) {
            *end = None;
        }
    }

    fn check(&mut self, place: Place<'_>) -> Option<DamagedStream> {
        let Place { position, stream, version, event } = place;
        if !self.streams.contains_key(stream) {
            if self.streams.len() >= MAX_STREAMS {
                self.is_whole = false;
                return None;
            }
            let first = self.is_whole.then_some(End::FIRST);
            self.streams.insert(stream.clone(), first);
        }
        let end = self.streams.get_mut(stream)?;
        let end = end.get_or_insert(End { next: version.0, number: None });
        let due = end.next;
        let problem = end.problem(version, event);
        problem.map(|problem| DamagedStream {
            stream: Some(stream.clone()),
            position,
            version: Some(StreamVersion(due)),
            problem,
        })
    }
}

/// Whether a whole stream, from its first event on, has nothing missing and nothing that cannot be there.
pub(super) fn is_sound(stream: &News<'_>) -> bool {
    let mut end = End::FIRST;
    stream.places().into_iter().all(|place| end.problem(place.version, place.event).is_none())
}

impl End {
    /// Before the first event of a stream.
    const FIRST: Self = Self { next: 0, number: Some(DeploymentNumber(1)) };

    /// Goes on with an event; says what is wrong with it, if something is.
    fn problem(&mut self, version: StreamVersion, event: Option<&DomainEvent>) -> Option<String> {
        let due = self.next;
        self.next = version.0.saturating_add(1);
        if let Some(problem) = version.misplaced(due) {
            return Some(problem);
        }
        let Some(DomainEvent::Lane(event)) = event else { return None };
        let misfit = self.number.and_then(|next| event.misfit(next));
        if let Event::Requested(requested) = event {
            self.number = Some(DeploymentNumber(requested.number.0.saturating_add(1)));
        }
        misfit
    }
}
