//! What is streamed to a reader. Events are framed by hand around bytes that are kept ready.

use bytes::{BufMut, Bytes};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint},
};
use uuid::Uuid;

use super::routes::Visit;
use crate::{
    memory::{Log, Place, Record},
    wire::{
        shared::{StreamIdentifier, WirePosition, WireUuid},
        streams::read::{Answer, Confirmation, ReadResp, StreamNotFound},
    },
};

/// One message of a stream of `ReadResp`.
#[derive(Debug)]
pub(crate) enum Frame {
    Event(EventFrame),
    Other(ReadResp),
}

/// An event, or a link with what it points to.
#[derive(Debug)]
pub(crate) struct EventFrame {
    event: Option<Image>,
    link: Option<Image>,
    commit: u64,
    /// How often a persistent subscription has sent it before.
    retries: Option<u32>,
}

/// How a client wants to see events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) resolve_links: bool,
    /// Ids in two halves, not as text.
    pub(crate) halves: bool,
}

/// A `RecordedEvent`, whole or with its id before it.
#[derive(Debug)]
pub(crate) enum Image {
    Whole(Bytes),
    Halves(WireUuid, Bytes),
}

impl Image {
    fn of(record: &Record, look: Look) -> Self {
        if look.halves {
            Self::halves(record.id, record.tail())
        } else {
            Self::Whole(record.image.clone())
        }
    }

    fn halves(id: Uuid, tail: Bytes) -> Self {
        Self::Halves(WireUuid::structured(id), tail)
    }

    fn len(&self) -> usize {
        match self {
            Self::Whole(image) => image.len(),
            Self::Halves(id, tail) => prost::encoding::message::encoded_len(1, id) + tail.len(),
        }
    }

    fn put(&self, tag: u32, buffer: &mut impl BufMut) {
        encode_key(tag, WireType::LengthDelimited, buffer);
        encode_varint(self.len() as u64, buffer);
        match self {
            Self::Whole(image) => buffer.put_slice(image),
            Self::Halves(id, tail) => {
                prost::encoding::message::encode(1, id, buffer);
                buffer.put_slice(tail);
            }
        }
    }
}

impl EventFrame {
    pub(crate) fn of(log: &Log, record: &Record, look: Look) -> Self {
        let commit = record.position;
        let own = Some(Image::of(record, look));
        match record.target.filter(|_| look.resolve_links) {
            Some(target) => {
                let event = log.resolve(target).map(|event| Image::of(event, look));
                Self { event, link: own, commit, retries: None }
            }
            None => Self { event: own, link: None, commit, retries: None },
        }
    }

    /// Writes the fields of a `ReadEvent` in a `ReadResp`.
    pub(crate) fn put(&self, buffer: &mut impl BufMut) {
        let Self { event, link, commit, retries } = self;
        let images = [(1, event), (2, link)];
        let images = images.iter().filter_map(|(tag, image)| Some((*tag, image.as_ref()?)));
        let nested = |image: &Image| 1 + encoded_len_varint(image.len() as u64) + image.len();
        let length: usize = images.clone().map(|(_, image)| nested(image)).sum();
        encode_key(1, WireType::LengthDelimited, buffer);
        let numbers = [(3, Some(*commit)), (5, retries.map(u64::from))];
        let numbers = numbers.iter().filter_map(|(tag, number)| Some((*tag, (*number)?)));
        let number_length: usize =
            numbers.clone().map(|(_, number)| 1 + encoded_len_varint(number)).sum();
        encode_varint((length + number_length) as u64, buffer);
        for (tag, image) in images {
            image.put(tag, buffer);
        }
        for (tag, number) in numbers {
            encode_key(tag, WireType::Varint, buffer);
            encode_varint(number, buffer);
        }
    }
}

impl Frame {
    pub(crate) fn event(log: &Log, record: &Record, look: Look) -> Self {
        Self::Event(EventFrame::of(log, record, look))
    }

    /// An event of a persistent subscription.
    pub(crate) fn retried(log: &Log, record: &Record, look: Look, retries: u32) -> Self {
        Self::Event(EventFrame { retries: Some(retries), ..EventFrame::of(log, record, look) })
    }

    pub(crate) fn confirmation(subscription: String) -> Self {
        Self::answer(Answer::Confirmation(Confirmation { subscription }))
    }

    pub(crate) fn checkpoint(Place { commit, prepare }: Place) -> Self {
        Self::answer(Answer::Checkpoint(WirePosition { commit, prepare }))
    }

    pub(crate) fn not_found(stream: &str) -> Self {
        let stream = Some(StreamIdentifier::new(stream));
        Self::answer(Answer::StreamNotFound(StreamNotFound { stream }))
    }

    pub(crate) fn first_position(revision: u64) -> Self {
        Self::answer(Answer::FirstStreamPosition(revision))
    }

    pub(crate) fn last_position(revision: u64) -> Self {
        Self::answer(Answer::LastStreamPosition(revision))
    }

    /// That a subscription is live, if the server is one that says so.
    pub(crate) fn caught_up(visit: &Visit) -> Option<Self> {
        let says = visit.cluster().is_at_least(23, 10);
        says.then(|| Self::answer(Answer::CaughtUp(())))
    }

    /// That a subscription is live no longer, if the server is one that says so.
    pub(crate) fn fell_behind(visit: &Visit) -> Option<Self> {
        let says = visit.cluster().is_at_least(25, 1);
        says.then(|| Self::answer(Answer::FellBehind(())))
    }

    fn answer(answer: Answer) -> Self {
        Self::Other(ReadResp { answer: Some(answer) })
    }

    /// Writes the message.
    pub(crate) fn put(&self, buffer: &mut impl BufMut) {
        match self {
            Self::Event(event) => event.put(buffer),
            // A buffer that grows has room for it.
            Self::Other(answer) => answer.encode_raw(buffer),
        }
    }
}
