//! Records, decoded, on their way to a fold.

use shiplog_domain::wire::{Decoded, DomainEvent, EncodedEvent};
use shiplog_store::{log::Recorded, position::GlobalPosition};

use super::RunnerError;

/// The most records in one batch, and so in one transaction.
pub(crate) const MOST: usize = 4_096;

/// Events that follow each other, up to the first that cannot be read.
pub(crate) struct Batch {
    pub(super) events: Vec<Recorded<DomainEvent>>,
    /// The last record that was read or passed over.
    pub(super) through: Option<GlobalPosition>,
    /// How many were passed over.
    pub(super) skipped: u64,
    pub(super) unreadable: Option<RunnerError>,
}

impl Batch {
    pub(crate) fn decode(records: impl Iterator<Item = Recorded<EncodedEvent>>) -> Self {
        let mut batch = Self { events: Vec::new(), through: None, skipped: 0, unreadable: None };
        for recorded in records {
            let position = recorded.position;
            match DomainEvent::decode(&recorded.stream, &recorded.event) {
                Ok(Decoded::Known(event)) => batch.events.push(recorded.with_event(event)),
                Ok(Decoded::Skippable { .. }) => batch.skipped += 1,
                Err(error) => {
                    batch.unreadable = Some(RunnerError::Stalled {
                        position,
                        stream: recorded.stream.to_string(),
                        why: error.to_string(),
                    });
                    break;
                }
            }
            batch.through = Some(position);
        }
        batch
    }
}
