//! Events of the log on their way to a script.

use std::{borrow::Cow, collections::HashSet, io, ops::Range};

use jiff::Timestamp;
use shiplog_domain::{
    lane::LaneId,
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    entry,
    log::{LogFault, Recorded},
    position::GlobalPosition,
};

use super::protocol::{self, LaneNames, Order, ScriptEvent, Shape, SourceKind};
use crate::damage::{Damage, DamagedStream};

/// About how many bytes an event has beside its data.
const BESIDE_DATA: usize = 512;

/// Which events a script asks for.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    streams: Streams,
    types: Option<HashSet<String>>,
}

#[derive(Clone, Debug)]
enum Streams {
    All,
    Category(String),
    Named(HashSet<String>),
}

impl Filter {
    pub(super) fn new(shape: &Shape) -> Self {
        let names = || shape.source.names.iter().cloned();
        let streams = match shape.source.kind {
            SourceKind::All => Streams::All,
            SourceKind::Category => Streams::Category(names().collect()),
            SourceKind::Streams => Streams::Named(names().collect()),
        };
        Self { streams, types: shape.types.as_ref().map(|types| types.iter().cloned().collect()) }
    }

    fn takes(&self, stream: &StreamName, event_type: &str) -> bool {
        let is_of = match &self.streams {
            Streams::All => true,
            Streams::Category(name) => stream.family().is_some_and(|(family, _)| family == name),
            Streams::Named(names) => names.contains(stream.as_str()),
        };
        is_of && self.types.as_ref().is_none_or(|types| types.contains(event_type))
    }
}

/// An event that a script asks for.
struct Wanted {
    recorded: Recorded<EncodedEvent>,
    /// Its payload in the newest schema, where it was written in an older one.
    lifted: Option<Vec<u8>>,
    /// How far the batch is with it.
    place: Place,
}

/// How far a batch, or a part of it, goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its last record.
    pub(super) position: GlobalPosition,
    /// When that was recorded, if it tells.
    pub(super) recorded_at: Option<Timestamp>,
    /// How many records it goes over.
    pub(super) looked_at: u64,
    /// How many of them are of a future Shiplog and were passed over.
    pub(super) skipped: u64,
}

/// Events that follow each other, as far as they can be read and the script asks for them.
#[derive(Default)]
pub(super) struct Batch {
    wanted: Vec<Wanted>,
    /// How far it goes; none if it is empty.
    pub(super) through: Option<Place>,
    /// What is set aside once it is folded.
    pub(super) damage: Damage,
    /// Why nobody gets any further.
    pub(super) broken: Option<String>,
    /// The order to fold all of it: made ahead, while the batch before is folded.
    whole: Vec<u8>,
}

impl Batch {
    pub(super) fn of(
        records: impl IntoIterator<Item = Result<Recorded<EncodedEvent>, LogFault>>,
        filter: &Filter,
        damage: Damage,
    ) -> Self {
        let mut batch = Self { damage, ..Self::default() };
        for read in records {
            match entry::of(read) {
                Ok(Ok(recorded)) => batch.take(recorded, filter),
                Ok(Err(unreadable)) => batch.set_aside(unreadable.into()),
                Err(fault) => {
                    batch.broken = Some(fault.to_string());
                    break;
                }
            }
        }
        match batch.order(0..batch.len()) {
            Ok(whole) => Self { whole, ..batch },
            Err(error) => Self { broken: Some(error.to_string()), ..Self::default() },
        }
    }

    /// Takes a record, or passes it over, or sets its stream aside if it can be neither.
    fn take(&mut self, recorded: Recorded<EncodedEvent>, filter: &Filter) {
        let (looked_at, skipped) =
            self.through.map_or((0, 0), |place| (place.looked_at, place.skipped));
        let (position, recorded_at) = (recorded.position, recorded.recorded_at);
        let recorded_at = Some(recorded_at);
        let place = Place { position, recorded_at, looked_at: looked_at + 1, skipped };
        if self.damage.holds_back(&recorded.stream, position) {
            self.through = Some(place);
            return;
        }
        match DomainEvent::newest(&recorded.stream, &recorded.event) {
            Ok(Decoded::Known(data)) => {
                self.through = Some(place);
                if filter.takes(&recorded.stream, &recorded.event.event_type) {
                    let lifted = match data {
                        Cow::Borrowed(_) => None,
                        Cow::Owned(lifted) => Some(lifted),
                    };
                    self.wanted.push(Wanted { recorded, lifted, place });
                }
            }
            Ok(Decoded::Skippable { .. }) => {
                self.through = Some(Place { skipped: skipped + 1, ..place });
            }
            Err(error) => self.set_aside(recorded.damaged(error.to_string()).into()),
        }
    }

    fn set_aside(&mut self, damaged: DamagedStream) {
        let (looked_at, skipped) =
            self.through.map_or((0, 0), |place| (place.looked_at, place.skipped));
        let (position, recorded_at) = (damaged.position, None);
        self.through = Some(Place { position, recorded_at, looked_at: looked_at + 1, skipped });
        let told = damaged.to_string();
        if self.damage.add(damaged) {
            tracing::error!("a projection goes on without a stream: {told}");
        }
    }

    /// How many events the script is given.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// How far the batch is with an event that the script is given.
    pub(super) fn place(&self, index: usize) -> Option<Place> {
        self.wanted.get(index).map(|wanted| wanted.place)
    }

    /// The order to fold some of them.
    pub(super) fn ordered(&self, range: Range<usize>) -> io::Result<Cow<'_, [u8]>> {
        if range == (0..self.len()) {
            return Ok(Cow::Borrowed(&self.whole));
        }
        self.order(range).map(Cow::Owned)
    }

    fn order(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        let wanted = self.wanted.get(range).unwrap_or_default();
        let events = wanted.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let size = events.iter().map(|event| event.data.len() + BESIDE_DATA).sum();
        protocol::encode_about(&Order::Fold(events), size)
    }
}

fn event(wanted: &Wanted) -> io::Result<ScriptEvent<'_>> {
    let Wanted { recorded, lifted, place: _ } = wanted;
    let data = lifted.as_ref().unwrap_or(&recorded.event.data);
    let lane = LaneId::from_stream(&recorded.stream);
    Ok(ScriptEvent {
        event_type: &recorded.event.event_type,
        stream: recorded.stream.as_str(),
        version: recorded.version.0,
        position: recorded.position.0,
        created: recorded.recorded_at.to_string().into(),
        id: recorded.id.to_string().into(),
        data: std::str::from_utf8(data).map_err(io::Error::other)?,
        metadata: serde_json::to_string(&recorded.metadata)?.into(),
        lane: lane.map(|LaneId { service, environment }| LaneNames {
            service: service.as_str().to_owned().into(),
            environment: environment.as_str().to_owned().into(),
        }),
    })
}
