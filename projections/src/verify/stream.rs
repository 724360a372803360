//! What holds along one stream: its versions, its requests, the numbers of a lane.

use jiff::Timestamp;
use shiplog_domain::{
    lane::{Event, Requested},
    metadata::{EventId, Metadata},
    wire::{DomainEvent, EncodedEvent},
};
use shiplog_store::{log::Recorded, position::StreamVersion};

use super::broken::Broken;

/// A stream, as far as it was walked.
#[derive(Default)]
pub(super) struct Stream {
    events: u64,
    pub(super) recorded_at: Option<Timestamp>,
    deployments: u32,
    /// The metadata of the request before, and how many events it has had.
    request: Option<(Metadata, usize)>,
    /// How many events could not be read: each may have been of any request, or have requested a
    /// deployment.
    unread: u32,
}

impl Stream {
    pub(super) fn version(&mut self, StreamVersion(found): StreamVersion) -> Option<Broken> {
        let next = self.events;
        self.events = found.saturating_add(1);
        (found != next).then_some(Broken::Version { found, next })
    }

    /// Goes on after an event that cannot be read.
    pub(super) fn pass_over(&mut self, StreamVersion(found): StreamVersion) {
        self.events = found.saturating_add(1);
        self.unread += 1;
    }

    /// Ids derive from stream, key and index, and the events of one request share their metadata.
    pub(super) fn request(&mut self, recorded: &Recorded<EncodedEvent>) -> Option<Broken> {
        let metadata = &recorded.metadata;
        let key = &metadata.idempotency_key;
        let (index, is_same) = match &mut self.request {
            Some((request, events)) if request.idempotency_key == *key => {
                *events += 1;
                (*events - 1, request == metadata)
            }
            request => {
                *request = Some((metadata.clone(), 1));
                (0, true)
            }
        };
        let has_id = |index: &usize| EventId::derive(&recorded.stream, key, *index) == recorded.id;
        let Some(found) = (index..=index + self.unread as usize).find(has_id) else {
            return Some(Broken::Id);
        };
        if let Some((_, events)) = &mut self.request {
            *events = found + 1;
        }
        (!is_same).then_some(Broken::Request)
    }

    pub(super) fn number(&mut self, event: &DomainEvent) -> Option<Broken> {
        let DomainEvent::Lane(event) = event else { return None };
        let found = event.number()?.0;
        if let Event::Requested(Requested { .. }) = event {
            let next = self.deployments.saturating_add(1);
            self.deployments = found;
            let is_due = (next..=next.saturating_add(self.unread)).contains(&found);
            return (!is_due).then_some(Broken::Number { found, next });
        }
        let last = self.deployments.saturating_add(self.unread);
        (found == 0 || found > last).then_some(Broken::Deployment { found, last })
    }
}
