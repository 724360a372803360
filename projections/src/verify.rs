//! Walking the log from end to end, and checking what it promises.

mod broken;
mod content;
mod stream;

use std::{
    collections::{BTreeMap, HashMap},
    mem,
};

use futures::StreamExt;
use jiff::Timestamp;
use shiplog_domain::{
    stream::StreamName,
    wire::{Decoded, DomainEvent, EncodedEvent},
};
use shiplog_store::{
    entry,
    log::{Clocks, Log, LogFault, Recorded, Unreadable},
    position::GlobalPosition,
};

pub use self::broken::Broken;
use self::stream::Stream;

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
    /// In which stream, if that can be read.
    pub stream: Option<StreamName>,
    /// What is wrong.
    pub what: Broken,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, stream, what } = self;
        match stream {
            Some(stream) => write!(f, "event {position} of `{stream}`: {what}"),
            None => write!(f, "event {position}: {what}"),
        }
    }
}

/// Walks the whole log.
///
/// # Errors
///
/// A fault, if the log cannot be read on; what is wrong with events is a finding.
pub async fn verify(log: &dyn Log) -> Result<Walk, LogFault> {
    let mut walker = Walker::new(log.is_shared(), log.clocks().await?);
    let mut records = log.read_all(None);
    while let Some(recorded) = records.next().await {
        match entry::of(recorded)? {
            Ok(recorded) => walker.meet(&recorded),
            Err(unreadable) => walker.meet_unreadable(unreadable),
        }
    }
    drop(records);
    walker.take_back(log).await?;
    walker.walk.streams = walker.streams.len();
    Ok(walker.walk)
}

struct Walker {
    walk: Walk,
    /// Whether several nodes write it, so that nobody gives it positions without gaps.
    is_shared: bool,
    clocks: Clocks,
    recorded_at: Option<Timestamp>,
    streams: HashMap<StreamName, Stream>,
    /// Streams to which something was done that is no event of theirs, and where in the log that is.
    touched: BTreeMap<StreamName, Vec<GlobalPosition>>,
}

impl Walker {
    fn new(is_shared: bool, clocks: Clocks) -> Self {
        let (walk, streams) = (Walk::default(), HashMap::new());
        let touched = BTreeMap::new();
        Self { walk, is_shared, clocks, recorded_at: None, streams, touched }
    }

    fn meet(&mut self, recorded: &Recorded<EncodedEvent>) {
        let mut broken = Vec::new();
        broken.extend(self.position(recorded.position));
        let stream = self.streams.entry(recorded.stream.clone()).or_default();
        let found = recorded.recorded_at;
        let in_log = self.recorded_at.replace(found);
        let in_stream = stream.recorded_at.replace(found);
        let in_log = in_log.filter(|_| !self.clocks.may_go_back_at(recorded.position));
        if let Some(before) = in_log.max(in_stream).filter(|before| found < *before) {
            broken.push(Broken::RecordedAt { found, before });
        }
        broken.extend(stream.version(recorded.version));
        broken.extend(stream.request(recorded));
        match DomainEvent::decode(&recorded.stream, &recorded.event) {
            Ok(Decoded::Known(event)) => {
                broken.extend(stream.number(&event));
                broken.extend(content::rewritten(&recorded.event, &event));
            }
            Ok(Decoded::Skippable { .. }) => self.walk.skipped += 1,
            Err(error) => broken.push(Broken::Unreadable(error.to_string())),
        }
        self.walk.events += 1;
        self.walk.head = Some(recorded.position);
        let stream = Some(recorded.stream.clone());
        let finding = |what| Finding { position: recorded.position, stream: stream.clone(), what };
        self.walk.findings.extend(broken.into_iter().map(finding));
    }

    /// What cannot be read takes its place all the same: what comes after it is not told of, too.
    fn meet_unreadable(&mut self, Unreadable { position, stream, version, problem }: Unreadable) {
        let broken = self.position(position);
        if let (Some(stream), Some(version)) = (&stream, version) {
            self.streams.entry(stream.clone()).or_default().pass_over(version);
        }
        if let (Some(stream), None) = (&stream, version) {
            self.touched.entry(stream.clone()).or_default().push(position);
        }
        self.walk.events += 1;
        self.walk.head = Some(position);
        let broken = broken.into_iter().chain([Broken::Unreadable(problem)]);
        let finding = |what| Finding { position, stream: stream.clone(), what };
        self.walk.findings.extend(broken.map(finding));
    }

    /// Drops what was done to streams that are whole again by now.
    async fn take_back(&mut self, log: &dyn Log) -> Result<(), LogFault> {
        for (stream, positions) in mem::take(&mut self.touched) {
            match log.examine(&stream).await {
                Ok(()) => {
                    self.walk.findings.retain(|found| !positions.contains(&found.position));
                }
                Err(LogFault::Unreadable(_) | LogFault::StreamDamaged { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Where one writer gives the positions, they are 1, 2, 3 and so on; elsewhere they only rise.
    fn position(&self, found: GlobalPosition) -> Option<Broken> {
        let before = self.walk.head;
        if let Some(before) = before.filter(|before| found <= *before) {
            return Some(Broken::Position { before });
        }
        let missing = found.0 - before.map_or(0, |before| before.0) - 1;
        (!self.is_shared && missing > 0).then_some(Broken::Gap { missing })
    }
}

#[cfg(test)]
mod tests {
    use shiplog_domain::metadata::EventId;
    use shiplog_store::position::StreamVersion;

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
        let clocks = if is_shared { Clocks::Several } else { Clocks::One };
        found_by(Walker::new(is_shared, clocks), events)
    }

    fn found_by(mut walker: Walker, events: &[Recorded<EncodedEvent>]) -> Vec<Finding> {
        for event in events {
            walker.meet(event);
        }
        walker.walk.findings
    }

    #[test]
    fn one_writer_has_one_clock_and_several_have_one_for_each_stream() {
        let events = [first("lane-a@b", 1, 7), first("lane-c@b", 2, 5)];

        let of_one = findings(false, &events);

        assert_eq!(of_one.iter().map(|it| it.position.0).collect::<Vec<_>>(), [2]);
        assert!(matches!(of_one[0].what, Broken::RecordedAt { .. }), "{of_one:?}");
        assert_eq!(findings(true, &events), []);
    }

    #[test]
    fn along_a_stream_no_time_goes_back() {
        let events = [first("lane-a@b", 1, 7), first("lane-c@b", 2, 9), later("lane-a@b", 1, 3, 6)];
        for is_shared in [false, true] {
            let found = findings(is_shared, &events);
            assert_eq!(found.iter().map(|it| it.position.0).collect::<Vec<_>>(), [3]);
            assert!(matches!(found[0].what, Broken::RecordedAt { .. }), "{found:?}");
        }
    }

    #[test]
    fn a_copy_is_held_to_what_its_original_promises_and_then_to_its_own() {
        let events = [
            first("lane-a@b", 1, 7),
            first("lane-c@b", 2, 5),
            first("lane-d@b", 3, 6),
            first("lane-e@b", 4, 5),
        ];
        let copy = || Walker::new(false, Clocks::SeveralUntil(GlobalPosition(2)));

        let found = found_by(copy(), &events);

        assert_eq!(found.iter().map(|it| it.position.0).collect::<Vec<_>>(), [4]);
        let along_a_stream = [first("lane-a@b", 1, 7), later("lane-a@b", 1, 2, 6)];
        assert_eq!(found_by(copy(), &along_a_stream).len(), 1);
        let missing = [first("lane-a@b", 2, 7)];
        assert_eq!(found_by(copy(), &missing)[0].what, Broken::Gap { missing: 1 });
    }

    #[test]
    fn one_writer_leaves_no_gap_and_a_cluster_does() {
        let events = [first("lane-a@b", 2, 7), first("lane-c@b", 5, 7)];

        let of_one: Vec<_> = findings(false, &events).into_iter().map(|it| it.what).collect();

        assert_eq!(of_one, [Broken::Gap { missing: 1 }, Broken::Gap { missing: 2 }]);
        assert_eq!(findings(true, &events), []);
    }

    #[test]
    fn the_events_of_one_request_have_the_same_metadata() {
        let (one, mut other) = (first("lane-a@b", 1, 7), later("lane-a@b", 1, 2, 7));
        other.metadata = one.metadata.clone();
        other.id = EventId::derive(&one.stream, &one.metadata.idempotency_key, 1);
        assert_eq!(findings(false, &[one.clone(), other.clone()]), []);

        other.metadata.actor.id.push('!');

        let found = findings(false, &[one, other]);
        assert_eq!(found.into_iter().map(|it| it.what).collect::<Vec<_>>(), [Broken::Request]);
    }
}
