//! What is known of a stream: how far it goes, and which events are in it.
//!
//! The cluster compares ids only where a stream has moved on from the expected version. Where
//! it has not, it would write an event a second time; so that is looked up here.

use std::collections::HashMap;

use jiff::Timestamp;
use shiplog_domain::{
    metadata::{EventId, RequestDigest},
    wire::EncodedEvent,
};

use crate::{
    log::{AppendError, NewEvent, Recorded},
    position::StreamVersion,
};

/// A stream from its first event up to some version; the default is that of no events.
#[derive(Default)]
pub(super) struct Known {
    /// The last event that is known.
    pub(super) version: Option<StreamVersion>,
    /// When that was recorded.
    pub(super) recorded_at: Option<Timestamp>,
    places: HashMap<EventId, Place>,
}

/// Where an event is, and of which request.
#[derive(Clone, Copy)]
struct Place {
    version: StreamVersion,
    digest: RequestDigest,
}

impl Known {
    /// The version that comes next.
    pub(super) fn next(&self) -> u64 {
        self.version.map_or(0, |last| last.0 + 1)
    }

    /// How much memory it stands for, in events.
    pub(super) fn weight(&self) -> usize {
        self.places.len() + 1
    }

    /// Takes in what was read, as far as it comes next.
    pub(super) fn read(&mut self, event: &Recorded<EncodedEvent>) {
        if event.version.0 == self.next() {
            self.add(event.id, event.metadata.request_digest, event.recorded_at);
        }
    }

    /// Takes in what was appended after the last version.
    pub(super) fn appended(&mut self, events: &[NewEvent], recorded_at: Timestamp) {
        for event in events {
            self.add(event.id, event.metadata.request_digest, recorded_at);
        }
    }

    fn add(&mut self, id: EventId, digest: RequestDigest, recorded_at: Timestamp) {
        let version = StreamVersion(self.next());
        self.places.insert(id, Place { version, digest });
        self.version = Some(version);
        self.recorded_at = Some(recorded_at);
    }

    /// Where the last of these events is, if the stream has them; `None` if it has none of them.
    ///
    /// # Errors
    ///
    /// [`AppendError::IdReused`] if it has only some of them, or for another request.
    pub(super) fn find(&self, events: &[NewEvent]) -> Result<Option<StreamVersion>, AppendError> {
        let (mut known, mut last, mut unknown) = (None, None, false);
        for NewEvent { id, metadata, .. } in events {
            match self.places.get(id) {
                Some(place) if place.digest == metadata.request_digest => {
                    known = known.or(Some(*id));
                    last = Some(place.version);
                }
                Some(_) => return Err(AppendError::IdReused { id: *id }),
                None => unknown = true,
            }
        }
        match known {
            // A request is recorded whole; what is known in part is another one.
            Some(id) if unknown => Err(AppendError::IdReused { id }),
            Some(_) | None => Ok(last),
        }
    }
}
