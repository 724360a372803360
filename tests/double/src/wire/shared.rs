//! Messages that several services use.

use bytes::Bytes;
use prost::{Message, Oneof};

/// An id, as text or as two halves.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireUuid {
    #[prost(oneof = "UuidValue", tags = "1, 2")]
    pub(crate) value: Option<UuidValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum UuidValue {
    #[prost(message, tag = "1")]
    Structured(Structured),
    #[prost(string, tag = "2")]
    Text(String),
}

/// The two halves of an id, the first the more significant one.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Structured {
    #[prost(int64, tag = "1")]
    pub(crate) most: i64,
    #[prost(int64, tag = "2")]
    pub(crate) least: i64,
}

impl WireUuid {
    /// As text, which most clients ask for.
    pub(crate) fn text(id: uuid::Uuid) -> Self {
        Self { value: Some(UuidValue::Text(id.to_string())) }
    }

    /// As two halves.
    pub(crate) fn structured(id: uuid::Uuid) -> Self {
        let (most, least) = id.as_u64_pair();
        let halves = Structured { most: most.cast_signed(), least: least.cast_signed() };
        Self { value: Some(UuidValue::Structured(halves)) }
    }

    /// The id that was sent, if it is one.
    pub(crate) fn parse(sent: Option<&Self>) -> Option<uuid::Uuid> {
        match sent?.value.as_ref()? {
            UuidValue::Structured(Structured { most, least }) => {
                Some(uuid::Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned()))
            }
            UuidValue::Text(text) => text.parse().ok(),
        }
    }
}

/// The name of a stream, in UTF-8.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamIdentifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) name: Bytes,
}

impl StreamIdentifier {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: Bytes::copy_from_slice(name.as_bytes()) }
    }
}

/// A place in `$all`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct WirePosition {
    #[prost(uint64, tag = "1")]
    pub(crate) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) prepare: u64,
}

/// One entry of a `map<string, string>`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// What is wrong with one request among many: `google.rpc.Status`, with one detail.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) details: Option<Any>,
}

/// A message with the name of its type.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// A stream is elsewhere than expected, as a detail.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WrongExpectedVersion {
    #[prost(oneof = "Current", tags = "1, 2")]
    pub(crate) current: Option<Current>,
    #[prost(oneof = "Expected", tags = "3, 4, 5, 6")]
    pub(crate) expected: Option<Expected>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Current {
    #[prost(uint64, tag = "1")]
    Revision(u64),
    #[prost(message, tag = "2")]
    NoStream(()),
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Expected {
    #[prost(uint64, tag = "3")]
    Revision(u64),
    #[prost(message, tag = "4")]
    Any(()),
    #[prost(message, tag = "5")]
    StreamExists(()),
    #[prost(message, tag = "6")]
    NoStream(()),
}

/// An append is larger than the server takes, as a detail.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct MaximumAppendSizeExceeded {
    #[prost(uint32, tag = "1")]
    pub(crate) bytes: u32,
}

/// A stream was deleted, as a detail.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamDeleted {
    #[prost(message, optional, tag = "1")]
    pub(crate) stream: Option<StreamIdentifier>,
}

/// A request makes no sense, as a detail.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BadRequest {
    #[prost(string, tag = "1")]
    pub(crate) message: String,
}
