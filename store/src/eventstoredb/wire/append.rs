//! Appending: many appends over one call, each with an answer of its own.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use prost::{Message, Oneof};

use super::{Identifier, Uuid};

/// One append, whole.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct BatchReq {
    #[prost(message, optional, tag = "1")]
    pub(in super::super) correlation: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(in super::super) options: Option<Options>,
    #[prost(message, repeated, tag = "3")]
    pub(in super::super) events: Vec<Proposed>,
    /// Whether the append is complete with this message.
    #[prost(bool, tag = "4")]
    pub(in super::super) is_final: bool,
}

/// Where an append goes.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Options {
    #[prost(message, optional, tag = "1")]
    pub(in super::super) stream: Option<Identifier>,
    #[prost(oneof = "Expectation", tags = "2, 3")]
    pub(in super::super) expected: Option<Expectation>,
    /// How long the server may take.
    #[prost(message, optional, tag = "7")]
    pub(in super::super) deadline: Option<Deadline>,
}

/// The last version that the stream is to have, of those that we expect.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub(in super::super) enum Expectation {
    #[prost(uint64, tag = "2")]
    Version(u64),
    #[prost(message, tag = "3")]
    NoStream(()),
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(in super::super) struct Deadline {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl From<Duration> for Deadline {
    fn from(within: Duration) -> Self {
        let seconds = i64::try_from(within.as_secs()).unwrap_or(i64::MAX);
        Self { seconds, nanos: within.subsec_nanos().cast_signed() }
    }
}

/// An event that is to be appended.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub(in super::super) id: Option<Uuid>,
    /// Its type, and of what kind its content is.
    #[prost(map = "string, string", tag = "2")]
    pub(in super::super) properties: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(in super::super) metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(in super::super) data: Bytes,
}

/// What became of one append.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct BatchResp {
    #[prost(message, optional, tag = "1")]
    pub(in super::super) correlation: Option<Uuid>,
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub(in super::super) outcome: Option<Outcome>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(in super::super) enum Outcome {
    #[prost(message, tag = "2")]
    Refused(Refusal),
    /// Where the events are is learned from the events.
    #[prost(message, tag = "3")]
    Recorded(()),
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(in super::super) struct Refusal {
    #[prost(int32, tag = "1")]
    pub(in super::super) code: i32,
    #[prost(string, tag = "2")]
    pub(in super::super) message: String,
}
