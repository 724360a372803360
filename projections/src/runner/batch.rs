//! Records, decoded, on their way to a fold.

use jiff::Timestamp;
use shiplog_domain::wire::{Decoded, DomainEvent, EncodedEvent};
use shiplog_store::{log::Recorded, position::GlobalPosition};

use super::RunnerError;
use crate::projection::Written;

/// About how many records make a batch, and so a transaction.
///
/// A batch touches most of the lanes, however many events it has, and each page that is touched is
/// written once a transaction: the fewer batches, the less is written.
pub(crate) const ENOUGH: usize = 16_384;

/// Events that follow each other, up to the first that cannot be read.
#[derive(Default)]
pub(crate) struct Batch {
    events: Vec<Recorded<DomainEvent>>,
    /// What the log has of each of them.
    written: Vec<EncodedEvent>,
    /// What was passed over.
    skipped: Vec<Recorded<EncodedEvent>>,
    /// The last record that was read or passed over, and when it was recorded.
    through: Option<(GlobalPosition, Timestamp)>,
    unreadable: Option<Unreadable>,
}

/// An event that this Shiplog can neither read nor pass over.
#[derive(Clone, Debug)]
struct Unreadable {
    position: GlobalPosition,
    stream: String,
    why: String,
}

/// What a read model at some place in the log has not folded of a batch.
pub(super) struct News<'b> {
    pub(super) part: Part<'b>,
    pub(super) through: GlobalPosition,
    /// When that was recorded.
    pub(super) recorded_at: Timestamp,
}

/// Events that follow each other, and those between them that were passed over.
#[derive(Clone, Copy)]
pub(super) struct Part<'b> {
    pub(super) events: &'b [Recorded<DomainEvent>],
    pub(super) written: &'b [EncodedEvent],
    pub(super) skipped: &'b [Recorded<EncodedEvent>],
}

impl<'b> Part<'b> {
    /// One event at a time, each with what was passed over before it; and at the end what was passed
    /// over after the last one.
    pub(super) fn steps(self) -> (Vec<Self>, Self) {
        let Self { events, written, mut skipped } = self;
        let mut steps = Vec::new();
        for (event, written) in events.chunks(1).zip(written.chunks(1)) {
            let until = event.first().map(|event| event.position);
            let (before, after) =
                skipped.split_at(skipped.partition_point(|one| Some(one.position) < until));
            steps.push(Self { events: event, written, skipped: before });
            skipped = after;
        }
        (steps, Self { events: &[], written: &[], skipped })
    }

    /// What the log has of them.
    pub(super) fn written(self) -> Written<'b> {
        Written { events: self.events, encoded: self.written, skipped: self.skipped }
    }
}

impl Batch {
    pub(crate) fn decode(records: impl IntoIterator<Item = Recorded<EncodedEvent>>) -> Self {
        let mut batch = Self::default();
        for recorded in records {
            let (position, recorded_at) = (recorded.position, recorded.recorded_at);
            match DomainEvent::decode(&recorded.stream, &recorded.event) {
                Ok(Decoded::Known(event)) => batch.events.push(recorded.map(|written| {
                    batch.written.push(written);
                    event
                })),
                Ok(Decoded::Skippable { .. }) => batch.skipped.push(recorded),
                Err(error) => {
                    let (stream, why) = (recorded.stream.to_string(), error.to_string());
                    batch.unreadable = Some(Unreadable { position, stream, why });
                    break;
                }
            }
            batch.through = Some((position, recorded_at));
        }
        batch
    }

    /// What comes after a place, if anything does.
    pub(super) fn after(&self, done: Option<GlobalPosition>) -> Option<News<'_>> {
        let (through, recorded_at) = self.through.filter(|(through, _)| Some(*through) > done)?;
        let from = self.events.partition_point(|event| Some(event.position) <= done);
        let beyond = self.skipped.partition_point(|one| Some(one.position) <= done);
        let part = Part {
            events: self.events.get(from..).unwrap_or_default(),
            written: self.written.get(from..).unwrap_or_default(),
            skipped: self.skipped.get(beyond..).unwrap_or_default(),
        };
        Some(News { part, through, recorded_at })
    }

    /// The last record that was read or passed over.
    pub(super) fn through(&self) -> Option<GlobalPosition> {
        self.through.map(|(through, _)| through)
    }

    /// The record at which it ends early.
    pub(super) fn unreadable(&self) -> Option<GlobalPosition> {
        self.unreadable.as_ref().map(|unreadable| unreadable.position)
    }

    /// Says why nobody who is at `done` gets any further; a newer Shiplog may have.
    pub(super) fn stall(&self, done: Option<GlobalPosition>) -> Result<(), RunnerError> {
        match &self.unreadable {
            Some(Unreadable { position, stream, why }) if Some(*position) > done => {
                let (position, stream, why) = (*position, stream.clone(), why.clone());
                Err(RunnerError::Stalled { position, stream, why })
            }
            Some(_) | None => Ok(()),
        }
    }
}
