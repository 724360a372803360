//! Appending: what is expected of a stream, and whether an append is a repeated one.

use bytes::Bytes;
use uuid::Uuid;

use super::{
    log::{Log, Stream},
    record::Content,
};

/// What a writer says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing.
    Any,
    /// It has events.
    StreamExists,
    /// It has none.
    NoStream,
    /// Its last event has this revision.
    Revision(u64),
}

/// An event that is to be appended.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

/// Where the last event of an append is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// None if the stream has no event, and none was appended.
    pub(crate) revision: Option<u64>,
    pub(crate) position: Option<u64>,
    /// It was there before.
    pub(crate) repeated: bool,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The stream's last revision, or that it has none.
    WrongVersion(Option<u64>),
    /// It was deleted for ever, or an existing one was expected and it was deleted.
    Deleted,
}

/// What is to be done with an append.
enum Decision {
    Write,
    /// It was written before; the last revision of it.
    Repeated(u64),
}

impl Log {
    pub(super) fn append(
        &mut self,
        stream: &str,
        expected: Expected,
        events: Vec<Incoming>,
    ) -> Result<Appended, Refused> {
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        match self.decide(stream, expected, &ids)? {
            Decision::Write => Ok(self.write_all(stream, events)),
            Decision::Repeated(revision) => {
                let number = self.number_of(stream).unwrap_or_default();
                let position = self.resolve((number, revision)).map(|record| record.position);
                Ok(Appended { revision: Some(revision), position, repeated: true })
            }
        }
    }

    /// Deletes check the same, with an id that was never written.
    pub(super) fn check(&self, stream: &str, expected: Expected) -> Result<(), Refused> {
        self.decide(stream, expected, &[]).map(|_| ())
    }

    fn write_all(&mut self, stream: &str, events: Vec<Incoming>) -> Appended {
        let number = self.open(stream);
        self.revive(number);
        let mut position = None;
        for Incoming { id, kind, json, data, metadata } in events {
            if let Some(of) = stream.strip_prefix("$$") {
                self.set(of, &data);
            }
            let kind = self.kind(&kind);
            position = Some(self.write(number, Content { id, kind, json, data, metadata }));
        }
        let revision = self.stream(number).and_then(Stream::last);
        Appended { revision, position, repeated: false }
    }

    /// With an exact expectation the ids that follow it are compared, however old they are. With
    /// "any" only those are known that were written lately.
    fn decide(&self, name: &str, expected: Expected, ids: &[Uuid]) -> Result<Decision, Refused> {
        let number = self.number_of(name);
        let stream = number.and_then(|number| self.stream(number));
        if stream.is_some_and(|stream| stream.buried) {
            return Err(Refused::Deleted);
        }
        let last = stream.and_then(Stream::last);
        let deleted = stream.is_some_and(Stream::is_deleted);
        let next = match expected {
            Expected::StreamExists if deleted => return Err(Refused::Deleted),
            Expected::StreamExists if last.is_none() && !self.has_metadata(name) => {
                return Err(Refused::WrongVersion(None));
            }
            Expected::Any | Expected::StreamExists => return self.remembered(number, last, ids),
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision.saturating_add(1),
        };
        let there = stream.map_or(0, Stream::next);
        if next == there {
            return Ok(Decision::Write);
        }
        let known = |(offset, id): (u64, &Uuid)| {
            let place = number.map(|number| (number, next.saturating_add(offset)));
            place.and_then(|place| self.written(place)).is_some_and(|written| written == *id)
        };
        let known = (0..).zip(ids).take_while(|id| known(*id)).count();
        if next > there || known < ids.len() || ids.is_empty() {
            // A stream that was deleted can begin again, as if it had never been.
            let again = known == 0 && deleted && expected == Expected::NoStream;
            return if again { Ok(Decision::Write) } else { Err(Refused::WrongVersion(last)) };
        }
        Ok(Decision::Repeated(next + known as u64 - 1))
    }

    fn remembered(
        &self,
        number: Option<usize>,
        last: Option<u64>,
        ids: &[Uuid],
    ) -> Result<Decision, Refused> {
        let mut repeated = None;
        for id in ids {
            let place = self.recent.find(*id).filter(|(stream, _)| Some(*stream) == number);
            match place {
                Some((_, revision)) => repeated = Some(revision),
                None if repeated.is_none() => return Ok(Decision::Write),
                None => return Err(Refused::WrongVersion(last)),
            }
        }
        Ok(repeated.map_or(Decision::Write, Decision::Repeated))
    }

    /// The id at a place, be it deleted or not.
    fn written(&self, (stream, revision): (usize, u64)) -> Option<Uuid> {
        let number = self.stream(stream)?.records.get(usize::try_from(revision).ok()?)?;
        self.record(*number).map(|record| record.id)
    }

    fn has_metadata(&self, stream: &str) -> bool {
        self.stream_named(&format!("$${stream}")).is_some_and(|stream| stream.last().is_some())
    }
}
