//! Walking the log from end to end, and checking what it promises.

use std::collections::HashMap;

use futures::StreamExt;
use jiff::Timestamp;
use shiplog_domain::{
    lane::{Event, Requested},
    metadata::{EventId, IdempotencyKey},
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    log::{Log, LogFault, Recorded},
    position::{GlobalPosition, StreamVersion},
};

/// What a walk came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// How many events there are.
    pub events: u64,
    /// In how many streams.
    pub streams: usize,
    /// How many of them are of a future Shiplog and were passed over.
    pub skipped: u64,
    /// The last event's position.
    pub head: Option<GlobalPosition>,
    /// Where a promise is broken, in the order of the log.
    pub findings: Vec<Finding>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// At which event.
    pub position: GlobalPosition,
    /// In which stream.
    pub stream: StreamName,
    /// What is wrong.
    pub what: Broken,
}

/// What the log promises, and does not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Positions only ever rise.
    #[error("its position is not above the one before, `{before}`")]
    Position {
        /// The one before.
        before: GlobalPosition,
    },
    /// A stream's versions have no gaps.
    #[error("its version is `{found}`, the stream's next is `{next}`")]
    Version {
        /// What is there.
        found: u64,
        /// What should be.
        next: u64,
    },
    /// Times of recording never go backwards: along the log, or along a stream where it is shared.
    #[error("it was recorded at `{found}`, before the event before it at `{before}`")]
    RecordedAt {
        /// When it says.
        found: Timestamp,
        /// When the one before was.
        before: Timestamp,
    },
    /// Ids derive from the stream, the idempotency key and the index.
    #[error("its id is not the one that its stream and idempotency key give")]
    Id,
    /// Every event can be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// A lane numbers its deployments without gaps.
    #[error("it requests deployment `#{found}`, the lane's next is `#{next}`")]
    Number {
        /// What is there.
        found: u32,
        /// What should be.
        next: u32,
    },
}

/// Walks the whole log.
///
/// # Errors
///
/// A fault, if the log cannot be read on; what is wrong with events is a finding.
pub async fn verify(log: &dyn Log) -> Result<Walk, LogFault> {
    let mut walker = Walker { is_shared: log.is_shared(), ..Walker::default() };
    let mut records = log.read_all(None);
    while let Some(recorded) = records.next().await {
        walker.meet(&recorded?);
    }
    walker.walk.streams = walker.streams.len();
    Ok(walker.walk)
}

#[derive(Default)]
struct Walker {
    walk: Walk,
    /// Whether several nodes write it, each with a clock of its own.
    is_shared: bool,
    recorded_at: Option<Timestamp>,
    streams: HashMap<StreamName, Stream>,
}

#[derive(Default)]
struct Stream {
    events: u64,
    recorded_at: Option<Timestamp>,
    deployments: u32,
    /// The request before, and how many events it has had.
    request: Option<(IdempotencyKey, usize)>,
}

impl Walker {
    fn meet(&mut self, recorded: &Recorded<EncodedEvent>) {
        let mut broken = Vec::new();
        if let Some(before) = self.walk.head.filter(|before| recorded.position <= *before) {
            broken.push(Broken::Position { before });
        }
        let stream = self.streams.entry(recorded.stream.clone()).or_default();
        let (of_log, of_stream) = (&mut self.recorded_at, &mut stream.recorded_at);
        let (found, last) = (recorded.recorded_at, if self.is_shared { of_stream } else { of_log });
        if let Some(before) = last.replace(found).filter(|before| found < *before) {
            broken.push(Broken::RecordedAt { found, before });
        }
        broken.extend(stream.version(recorded.version));
        broken.extend(stream.id(recorded));
        match DomainEvent::decode(&recorded.stream, &recorded.event) {
            Ok(Decoded::Known(event)) => broken.extend(stream.number(&event)),
            Ok(Decoded::Skippable { .. }) => self.walk.skipped += 1,
            Err(error) => broken.push(Broken::Unreadable(error.to_string())),
        }
        self.walk.events += 1;
        self.walk.head = Some(recorded.position);
        let finding =
            |what| Finding { position: recorded.position, stream: recorded.stream.clone(), what };
        self.walk.findings.extend(broken.into_iter().map(finding));
    }
}

impl Stream {
    fn version(&mut self, StreamVersion(found): StreamVersion) -> Option<Broken> {
        let next = self.events;
        self.events = found.saturating_add(1);
        (found != next).then_some(Broken::Version { found, next })
    }

    fn id(&mut self, recorded: &Recorded<EncodedEvent>) -> Option<Broken> {
        let key = &recorded.metadata.idempotency_key;
        let index = match &self.request {
            Some((last, events)) if last == key => *events,
            Some(_) | None => 0,
        };
        self.request = Some((key.clone(), index + 1));
        (EventId::derive(&recorded.stream, key, index) != recorded.id).then_some(Broken::Id)
    }

    fn number(&mut self, event: &DomainEvent) -> Option<Broken> {
        let DomainEvent::Lane(Event::Requested(Requested { number, .. })) = event else {
            return None;
        };
        let next = self.deployments.saturating_add(1);
        self.deployments = number.0;
        (number.0 != next).then_some(Broken::Number { found: number.0, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ignorable::ignorable;

    /// The first event of a stream, one that every reader may pass over.
    fn first(stream: &str, position: u64, second: i64) -> Recorded<EncodedEvent> {
        later(stream, 0, position, second)
    }

    fn later(stream: &str, version: u64, position: u64, second: i64) -> Recorded<EncodedEvent> {
        let stream = StreamName::recorded(stream);
        let (id, metadata, event) = ignorable(&stream, version);
        Recorded {
            position: GlobalPosition(position),
            version: StreamVersion(version),
            recorded_at: Timestamp::from_second(second).unwrap(),
            id,
            stream,
            metadata,
            event,
        }
    }

    /// What is found in a log of these events.
    fn findings(is_shared: bool, events: &[Recorded<EncodedEvent>]) -> Vec<Finding> {
        let mut walker = Walker { is_shared, ..Walker::default() };
        for event in events {
            walker.meet(event);
        }
        walker.walk.findings
    }

    #[test]
    fn one_writer_has_one_clock_and_several_have_one_for_each_stream() {
        let events = [first("lane-a@b", 10, 7), first("lane-c@b", 20, 5)];

        let of_one = findings(false, &events);

        assert_eq!(of_one.iter().map(|it| it.position.0).collect::<Vec<_>>(), [20]);
        assert!(matches!(of_one[0].what, Broken::RecordedAt { .. }), "{of_one:?}");
        assert_eq!(findings(true, &events), []);
    }

    #[test]
    fn along_a_stream_no_time_goes_back() {
        let events =
            [first("lane-a@b", 10, 7), first("lane-c@b", 20, 9), later("lane-a@b", 1, 30, 6)];
        for is_shared in [false, true] {
            let found = findings(is_shared, &events);
            assert_eq!(found.iter().map(|it| it.position.0).collect::<Vec<_>>(), [30]);
            assert!(matches!(found[0].what, Broken::RecordedAt { .. }), "{found:?}");
        }
    }
}
