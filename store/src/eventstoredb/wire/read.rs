//! Reading a page of a stream.

use std::collections::HashMap;

use bytes::Bytes;
use eventstore::{Position, RecordedEvent};
use prost::{Message, Oneof};

use super::{Identifier, Uuid};

/// What is to be read.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    options: Option<Options>,
}

#[derive(Clone, PartialEq, Message)]
struct Options {
    #[prost(message, optional, tag = "1")]
    stream: Option<StreamOptions>,
    #[prost(uint64, tag = "5")]
    count: u64,
    #[prost(message, optional, tag = "8")]
    no_filter: Option<()>,
    #[prost(message, optional, tag = "9")]
    uuid: Option<UuidOption>,
    #[prost(message, optional, tag = "10")]
    control: Option<ControlOption>,
}

#[derive(Clone, PartialEq, Message)]
struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    stream: Option<Identifier>,
    /// One of several, so that it is sent although it is 0.
    #[prost(oneof = "From", tags = "2")]
    from: Option<From>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
enum From {
    #[prost(uint64, tag = "2")]
    Version(u64),
}

#[derive(Clone, PartialEq, Message)]
struct UuidOption {
    /// As two halves.
    #[prost(message, optional, tag = "1")]
    structured: Option<()>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ControlOption {
    #[prost(uint32, tag = "1")]
    compatibility: u32,
}

impl ReadReq {
    /// So many events of a stream at the most, from a version on.
    pub(in super::super) fn page(stream: &str, from: u64, most: usize) -> Self {
        let stream =
            StreamOptions { stream: Some(Identifier::of(stream)), from: Some(From::Version(from)) };
        let options = Options {
            stream: Some(stream),
            count: u64::try_from(most).unwrap_or(u64::MAX),
            no_filter: Some(()),
            uuid: Some(UuidOption { structured: Some(()) }),
            control: Some(ControlOption { compatibility: 1 }),
        };
        Self { options: Some(options) }
    }
}

/// One answer to a read; others than these say nothing about a page.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct ReadResp {
    #[prost(oneof = "Content", tags = "1, 4")]
    pub(in super::super) content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(in super::super) enum Content {
    #[prost(message, tag = "1")]
    Event(Resolved),
    #[prost(message, tag = "4")]
    NoStream(()),
}

#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Resolved {
    #[prost(message, optional, tag = "1")]
    event: Option<Record>,
}

#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(message, optional, tag = "1")]
    id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    stream: Option<Identifier>,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(uint64, tag = "4")]
    prepare: u64,
    #[prost(uint64, tag = "5")]
    commit: u64,
    #[prost(map = "string, string", tag = "6")]
    properties: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    data: Bytes,
}

impl Resolved {
    /// The event as the crate would give it; when it was created is left out.
    pub(in super::super) fn event(self) -> Option<RecordedEvent> {
        let Record { id, stream, version, prepare, commit, mut properties, metadata, data } =
            self.event?;
        let is_json = properties.get("content-type").is_some_and(|kind| kind == "application/json");
        Some(RecordedEvent {
            stream_id: String::from_utf8_lossy(&stream?.name).into_owned(),
            id: id?.id()?,
            revision: version,
            event_type: properties.remove("type").unwrap_or_default(),
            data,
            metadata: properties,
            custom_metadata: metadata,
            is_json,
            position: Position { commit, prepare },
            created: std::time::SystemTime::UNIX_EPOCH.into(),
        })
    }
}
