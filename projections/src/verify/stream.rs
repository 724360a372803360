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
}

impl Stream {
    pub(super) fn version(&mut self, StreamVersion(found): StreamVersion) -> Option<Broken> {
        let next = self.events;
        self.events = found.saturating_add(1);
        (found != next).then_some(Broken::Version { found, next })
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
        if EventId::derive(&recorded.stream, key, index) != recorded.id {
            return Some(Broken::Id);
        }
        (!is_same).then_some(Broken::Request)
    }

    pub(super) fn number(&mut self, event: &DomainEvent) -> Option<Broken> {
        let DomainEvent::Lane(event) = event else { return None };
        let found = event.number()?.0;
        if let Event::Requested(Requested { .. }) = event {
            let next = self.deployments.saturating_add(1);
            self.deployments = found;
            return (found != next).then_some(Broken::Number { found, next });
        }
        let last = self.deployments;
        (found == 0 || found > last).then_some(Broken::Deployment { found, last })
    }
}
