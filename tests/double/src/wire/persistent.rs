//! Messages of the service `PersistentSubscriptions`.

use bytes::Bytes;
use prost::{Message, Oneof};

use super::{
    shared::{StreamIdentifier, WireUuid},
    streams::read::{FilterOptions, Place, StreamOptions, UuidOption},
};

/// Makes a group, or changes one; an update has no filter.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<CreateOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateOptions {
    /// How clients before 21.10 say which stream.
    #[prost(message, optional, tag = "1")]
    pub(crate) old_stream: Option<StreamIdentifier>,
    #[prost(string, tag = "2")]
    pub(crate) group: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) settings: Option<Settings>,
    #[prost(oneof = "CreateSource", tags = "4, 5")]
    pub(crate) source: Option<CreateSource>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum CreateSource {
    #[prost(message, tag = "4")]
    Stream(StreamOptions),
    #[prost(message, tag = "5")]
    All(FilteredAll),
}

/// Where to begin in `$all`, and what to take of it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FilteredAll {
    #[prost(oneof = "Place", tags = "1, 2, 3")]
    pub(crate) place: Option<Place>,
    #[prost(oneof = "FilteredBy", tags = "4, 5")]
    pub(crate) filtering: Option<FilteredBy>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum FilteredBy {
    #[prost(message, tag = "4")]
    Filter(FilterOptions),
    #[prost(message, tag = "5")]
    NoFilter(()),
}

/// What the double heeds of a group's settings.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Settings {
    #[prost(bool, tag = "1")]
    pub(crate) resolve_links: bool,
    #[prost(int32, tag = "5")]
    pub(crate) max_retries: i32,
    #[prost(int32, tag = "9")]
    pub(crate) max_subscribers: i32,
    #[prost(oneof = "MessageTimeout", tags = "4, 14")]
    pub(crate) message_timeout: Option<MessageTimeout>,
    #[prost(string, tag = "16")]
    pub(crate) strategy: String,
}

/// After how long an event that was not acknowledged is sent again.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum MessageTimeout {
    /// In ticks of 100 ns.
    #[prost(int64, tag = "4")]
    Ticks(i64),
    #[prost(int32, tag = "14")]
    Ms(i32),
}

/// Reads a group's events, and says what became of them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadReq {
    #[prost(oneof = "ReadContent", tags = "1, 2, 3")]
    pub(crate) content: Option<ReadContent>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ReadContent {
    #[prost(message, tag = "1")]
    Options(ReadOptions),
    #[prost(message, tag = "2")]
    Ack(Ack),
    #[prost(message, tag = "3")]
    Nack(Nack),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "ReadSource", tags = "1, 5")]
    pub(crate) source: Option<ReadSource>,
    #[prost(string, tag = "2")]
    pub(crate) group: String,
    #[prost(int32, tag = "3")]
    pub(crate) buffer: i32,
    #[prost(message, optional, tag = "4")]
    pub(crate) uuid: Option<UuidOption>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ReadSource {
    #[prost(message, tag = "1")]
    Stream(StreamIdentifier),
    #[prost(message, tag = "5")]
    All(()),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ack {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) subscription: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) ids: Vec<WireUuid>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Nack {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) subscription: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) ids: Vec<WireUuid>,
    #[prost(enumeration = "Action", tag = "3")]
    pub(crate) action: i32,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
}

/// What is to become of an event that could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Action {
    Unknown = 0,
    Park = 1,
    Retry = 2,
    Skip = 3,
    Stop = 4,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<DeleteOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteOptions {
    #[prost(oneof = "DeleteSource", tags = "1, 3")]
    pub(crate) source: Option<DeleteSource>,
    #[prost(string, tag = "2")]
    pub(crate) group: String,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum DeleteSource {
    #[prost(message, tag = "1")]
    Stream(StreamIdentifier),
    #[prost(message, tag = "3")]
    All(()),
}
