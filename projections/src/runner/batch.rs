//! Records, decoded, on their way to a fold.

use jiff::Timestamp;
use shiplog_domain::{
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    entry::Entry,
    log::Recorded,
    position::{GlobalPosition, StreamVersion},
};

use crate::{
    damage::{Damage, DamagedStream},
    projection::Written,
};

/// About how many records make a batch, and so a transaction.
///
/// A batch touches most of the lanes, however many events it has, and each page that is touched is
/// written once a transaction: the fewer batches, the less is written.
pub(crate) const ENOUGH: usize = 16_384;

/// Events that follow each other.
#[derive(Default)]
pub(crate) struct Batch {
    events: Vec<Recorded<DomainEvent>>,
    /// What the log has of each of them.
    written: Vec<EncodedEvent>,
    /// What was passed over.
    skipped: Vec<Recorded<EncodedEvent>>,
    /// What this Shiplog can neither read nor pass over.
    unreadable: Vec<DamagedStream>,
    /// Its last entry, and when that was recorded, if it tells.
    through: Option<(GlobalPosition, Option<Timestamp>)>,
}

/// What a read model at some place in the log has not folded of a batch.
pub(super) struct News<'b> {
    pub(super) part: Part<'b>,
    pub(super) unreadable: &'b [DamagedStream],
    pub(super) through: GlobalPosition,
    /// When that was recorded, if it is known.
    pub(super) recorded_at: Option<Timestamp>,
}

/// Events that follow each other, and those between them that were passed over.
#[derive(Clone, Copy)]
pub(super) struct Part<'b> {
    pub(super) events: &'b [Recorded<DomainEvent>],
    pub(super) written: &'b [EncodedEvent],
    pub(super) skipped: &'b [Recorded<EncodedEvent>],
}

/// Where an entry is, in the log and in its stream.
#[derive(Clone, Copy)]
pub(super) struct Place<'b> {
    pub(super) position: GlobalPosition,
    pub(super) stream: &'b StreamName,
    pub(super) version: StreamVersion,
    /// What is there, if it is understood.
    pub(super) event: Option<&'b DomainEvent>,
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

    /// What is left of it without the events of damaged streams: as few parts as possible.
    pub(super) fn without(self, damage: &Damage) -> Vec<Self> {
        if damage.is_empty() {
            return vec![self];
        }
        let (mut parts, mut rest) = (Vec::new(), self);
        while let Some(held) = rest.first_held(damage) {
            parts.push(rest.before(held));
            rest = rest.after(held);
        }
        parts.push(rest);
        parts
    }

    /// The first event that damage holds back.
    fn first_held(self, damage: &Damage) -> Option<GlobalPosition> {
        let events = self.events.iter().map(|event| (&event.stream, event.position));
        let skipped = self.skipped.iter().map(|event| (&event.stream, event.position));
        let held = |(stream, position)| damage.holds_back(stream, position).then_some(position);
        let (event, skipped) =
            (events.into_iter().find_map(held), skipped.into_iter().find_map(held));
        event.into_iter().chain(skipped).min()
    }

    /// What comes before a position.
    fn before(self, position: GlobalPosition) -> Self {
        self.split(|place| place < position).0
    }

    /// What comes after a position.
    fn after(self, position: GlobalPosition) -> Self {
        self.split(|place| place <= position).1
    }

    /// What comes up to a position, that included.
    pub(super) fn through(self, position: GlobalPosition) -> Self {
        self.split(|place| place <= position).0
    }

    /// What comes from a position on, that included.
    pub(super) fn from(self, position: GlobalPosition) -> Self {
        self.split(|place| place < position).1
    }

    /// Of the events of one stream: what comes from a version on, that included.
    pub(super) fn since(self, version: StreamVersion) -> Self {
        let events = self.events.partition_point(|one| one.version < version);
        let skipped = self.skipped.partition_point(|one| one.version < version);
        self.split_at(events, skipped).1
    }

    /// The entries for which this holds, which come first; and the rest.
    fn split(self, is_first: impl Fn(GlobalPosition) -> bool) -> (Self, Self) {
        let events = self.events.partition_point(|one| is_first(one.position));
        let skipped = self.skipped.partition_point(|one| is_first(one.position));
        self.split_at(events, skipped)
    }

    fn split_at(self, events: usize, skipped: usize) -> (Self, Self) {
        let (events, later) = self.events.split_at(events);
        let (written, written_later) = self.written.split_at(events.len());
        let (skipped, skipped_later) = self.skipped.split_at(skipped);
        let rest = Self { events: later, written: written_later, skipped: skipped_later };
        (Self { events, written, skipped }, rest)
    }

    /// What the log has of them.
    pub(super) fn written(self) -> Written<'b> {
        Written { events: self.events, encoded: self.written, skipped: self.skipped }
    }
}

impl Batch {
    pub(crate) fn decode(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut batch = Self::default();
        for entry in entries {
            match entry {
                Ok(recorded) => batch.take(recorded),
                Err(unreadable) => batch.set_aside(unreadable.into()),
            }
        }
        batch
    }

    fn take(&mut self, recorded: Recorded<EncodedEvent>) {
        let (position, recorded_at) = (recorded.position, recorded.recorded_at);
        match DomainEvent::decode(&recorded.stream, &recorded.event) {
            Ok(Decoded::Known(event)) => self.events.push(recorded.map(|written| {
                self.written.push(written);
                event
            })),
            Ok(Decoded::Skippable { .. }) => self.skipped.push(recorded),
            Err(error) => self.set_aside(recorded.damaged(error.to_string()).into()),
        }
        self.through = Some((position, Some(recorded_at)));
    }

    fn set_aside(&mut self, damaged: DamagedStream) {
        self.through = Some((damaged.position, None));
        self.unreadable.push(damaged);
    }

    /// What comes after a place, if anything does.
    pub(super) fn after(&self, done: Option<GlobalPosition>) -> Option<News<'_>> {
        let (through, recorded_at) = self.through.filter(|(through, _)| Some(*through) > done)?;
        let from = self.events.partition_point(|event| Some(event.position) <= done);
        let beyond = self.skipped.partition_point(|one| Some(one.position) <= done);
        let unread = self.unreadable.partition_point(|one| Some(one.position) <= done);
        let part = Part {
            events: self.events.get(from..).unwrap_or_default(),
            written: self.written.get(from..).unwrap_or_default(),
            skipped: self.skipped.get(beyond..).unwrap_or_default(),
        };
        let unreadable = self.unreadable.get(unread..).unwrap_or_default();
        Some(News { part, unreadable, through, recorded_at })
    }

    /// All of it.
    pub(super) fn whole(&self) -> Option<News<'_>> {
        self.after(None)
    }

    /// Whether each of its events can be read or passed over.
    pub(super) fn is_readable(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Its last entry.
    pub(super) fn through(&self) -> Option<GlobalPosition> {
        self.through.map(|(through, _)| through)
    }
}

impl<'b> News<'b> {
    /// How many entries of the log it has.
    pub(super) fn len(&self) -> usize {
        self.part.events.len() + self.part.skipped.len() + self.unreadable.len()
    }

    /// Where each of its entries is, in the order of the log, if they tell.
    pub(super) fn places(&self) -> Vec<Place<'b>> {
        let events = self.part.events.iter().map(|recorded| {
            let event = Some(&recorded.event);
            Place { event, ..Place::of(recorded) }
        });
        let skipped = self.part.skipped.iter().map(Place::of);
        let unreadable = self.unreadable.iter().filter_map(|damaged| {
            let (stream, version) = (damaged.stream.as_ref()?, damaged.version?);
            Some(Place { position: damaged.position, stream, version, event: None })
        });
        let mut places: Vec<_> = events.chain(skipped).chain(unreadable).collect();
        places.sort_by_key(|place| place.position);
        places
    }
}

impl<'b> Place<'b> {
    fn of<E>(recorded: &'b Recorded<E>) -> Self {
        let Recorded { position, stream, version, .. } = recorded;
        Self { position: *position, stream, version: *version, event: None }
    }
}
