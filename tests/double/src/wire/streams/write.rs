//! Appending, one call at a time or many on one stream, and deleting.

use bytes::Bytes;
use prost::{Message, Oneof};

use crate::wire::shared::{Entry, RpcStatus, StreamIdentifier, WirePosition, WireUuid};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendReq {
    #[prost(oneof = "AppendContent", tags = "1, 2")]
    pub(crate) content: Option<AppendContent>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum AppendContent {
    #[prost(message, tag = "1")]
    Options(WriteOptions),
    #[prost(message, tag = "2")]
    Message(Proposed),
}

/// Where to write: the same for appending, deleting and burying.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WriteOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "Expectation", tags = "2, 3, 4, 5")]
    pub(crate) expected: Option<Expectation>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Expectation {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(()),
    #[prost(message, tag = "4")]
    Any(()),
    #[prost(message, tag = "5")]
    StreamExists(()),
}

/// An event that somebody wants to append.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<WireUuid>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) metadata: Vec<Entry>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendResp {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub(crate) result: Option<AppendResult>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(Success),
    #[prost(message, tag = "2")]
    WrongExpectedVersion(WrongVersion),
}

/// The place of the last event; the same for both ways to append.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Success {
    #[prost(oneof = "CurrentRevision", tags = "1, 2")]
    pub(crate) revision: Option<CurrentRevision>,
    #[prost(oneof = "SuccessPosition", tags = "3, 4")]
    pub(crate) position: Option<SuccessPosition>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum CurrentRevision {
    #[prost(uint64, tag = "1")]
    Revision(u64),
    #[prost(message, tag = "2")]
    NoStream(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum SuccessPosition {
    #[prost(message, tag = "3")]
    Position(WirePosition),
    #[prost(message, tag = "4")]
    NoPosition(()),
}

/// The stream is elsewhere: each fact twice, in the words of 20.6.0 and in those of later servers.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct WrongVersion {
    #[prost(oneof = "OldCurrent", tags = "1, 2")]
    pub(crate) old_current: Option<OldCurrent>,
    #[prost(oneof = "OldExpected", tags = "3, 4, 5")]
    pub(crate) old_expected: Option<OldExpected>,
    #[prost(oneof = "NewCurrent", tags = "6, 7")]
    pub(crate) current: Option<NewCurrent>,
    #[prost(oneof = "NewExpected", tags = "8, 9, 10, 11")]
    pub(crate) expected: Option<NewExpected>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum OldCurrent {
    #[prost(uint64, tag = "1")]
    Revision(u64),
    #[prost(message, tag = "2")]
    NoStream(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum OldExpected {
    #[prost(uint64, tag = "3")]
    Revision(u64),
    #[prost(message, tag = "4")]
    Any(()),
    #[prost(message, tag = "5")]
    StreamExists(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum NewCurrent {
    #[prost(uint64, tag = "6")]
    Revision(u64),
    #[prost(message, tag = "7")]
    NoStream(()),
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum NewExpected {
    #[prost(uint64, tag = "8")]
    Revision(u64),
    #[prost(message, tag = "9")]
    Any(()),
    #[prost(message, tag = "10")]
    StreamExists(()),
    #[prost(message, tag = "11")]
    NoStream(()),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation: Option<WireUuid>,
    #[prost(message, optional, tag = "2")]
    pub(crate) options: Option<BatchOptions>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) messages: Vec<Proposed>,
    #[prost(bool, tag = "4")]
    pub(crate) is_final: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchOptions {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
    #[prost(oneof = "Expectation", tags = "2, 3, 4, 5")]
    pub(crate) expected: Option<Expectation>,
    #[prost(oneof = "Deadline", tags = "6, 7")]
    pub(crate) deadline: Option<Deadline>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum Deadline {
    /// An instant, as clients of 21.10 say it.
    #[prost(message, tag = "6")]
    At(Seconds),
    /// A duration.
    #[prost(message, tag = "7")]
    Within(Seconds),
}

/// `google.protobuf.Timestamp` and `google.protobuf.Duration` look the same on the wire.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Seconds {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchResp {
    #[prost(message, optional, tag = "1")]
    pub(crate) correlation: Option<WireUuid>,
    #[prost(oneof = "BatchResult", tags = "2, 3")]
    pub(crate) result: Option<BatchResult>,
    #[prost(message, optional, tag = "4")]
    pub(crate) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum BatchResult {
    #[prost(message, tag = "2")]
    Error(RpcStatus),
    #[prost(message, tag = "3")]
    Success(Success),
}

/// Deletes a stream, or buries it for ever.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteReq {
    #[prost(message, optional, tag = "1")]
    pub(crate) options: Option<WriteOptions>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct DeleteResp {
    #[prost(oneof = "DeletePosition", tags = "1, 2")]
    pub(crate) position: Option<DeletePosition>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(crate) enum DeletePosition {
    #[prost(message, tag = "1")]
    Position(WirePosition),
    #[prost(message, tag = "2")]
    NoPosition(()),
}
