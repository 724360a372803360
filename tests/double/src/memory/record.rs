//! One record of the log, and the bytes it is read as.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use crate::wire::shared::{Entry, StreamIdentifier, WireUuid};

/// The event type of a link.
pub(crate) const LINK: &str = "$>";

/// How many bytes an id takes at the beginning of an image: 36 characters and two lengths.
const ID_BYTES: usize = 40;

/// What a record takes in the log beside its names and its bytes.
const FRAME_BYTES: usize = 104;

/// One event, or one link, where it is in the log.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    /// The stream's number.
    pub(crate) stream: usize,
    pub(crate) revision: u64,
    /// Where the record begins; commit and prepare are the same for all that is written at once.
    pub(crate) position: u64,
    pub(crate) kind: Arc<str>,
    /// Where a link points to: the stream's number, and the revision.
    pub(crate) target: Option<(usize, u64)>,
    /// A scavenge, or a damaged disk, has taken it.
    pub(crate) gone: bool,
    /// The record as the protocol's `RecordedEvent`, its id as text.
    pub(crate) image: Bytes,
}

impl Record {
    /// The image without its id, which is written anew where a client wants it in halves.
    pub(crate) fn tail(&self) -> Bytes {
        self.image.slice(ID_BYTES.min(self.image.len())..)
    }
}

/// The content of a record that is still to be placed.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) id: Uuid,
    pub(crate) kind: Arc<str>,
    pub(crate) json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl Content {
    /// How far the log grows.
    pub(crate) fn bytes(&self, stream: &str) -> u64 {
        let names = stream.len() + self.kind.len();
        let bytes = FRAME_BYTES + names + self.data.len() + self.metadata.len();
        bytes as u64
    }

    /// The record's image, at its place.
    pub(crate) fn image(self, stream: &str, revision: u64, position: u64) -> Bytes {
        let Self { id, kind, json, data, metadata } = self;
        let content_type = if json { "application/json" } else { "application/octet-stream" };
        let entry = |key: &str, value: String| Entry { key: key.to_owned(), value };
        let event = RecordedEvent {
            id: Some(WireUuid::text(id)),
            stream: Some(StreamIdentifier::new(stream)),
            revision,
            prepare: position,
            commit: position,
            metadata: vec![
                entry("type", kind.as_ref().to_owned()),
                entry("created", ticks_now().to_string()),
                entry("content-type", content_type.to_owned()),
            ],
            custom_metadata: metadata,
            data,
        };
        event.encode_to_vec().into()
    }
}

/// An event as it is read.
#[derive(Clone, PartialEq, Message)]
struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    id: Option<WireUuid>,
    #[prost(message, optional, tag = "2")]
    stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    revision: u64,
    #[prost(uint64, tag = "4")]
    prepare: u64,
    #[prost(uint64, tag = "5")]
    commit: u64,
    #[prost(message, repeated, tag = "6")]
    metadata: Vec<Entry>,
    #[prost(bytes = "bytes", tag = "7")]
    custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    data: Bytes,
}

/// Now, in ticks of 100 ns since 1970, as the server counts time.
pub(crate) fn ticks_now() -> i64 {
    i64::try_from(since_1970().as_nanos() / 100).unwrap_or(i64::MAX)
}

/// How long ago 1970 began.
#[expect(clippy::disallowed_methods, reason = "the double is a server with a clock of its own")]
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
