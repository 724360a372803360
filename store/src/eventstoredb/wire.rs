//! The messages of the protocol that Shiplog sends and reads itself: batches of appends, and pages of a stream.
//!
//! Field numbers are those of the published protocol.

mod append;
mod read;

use bytes::Bytes;
use prost::{Message, Oneof};

pub(super) use self::{
    append::{BatchReq, BatchResp, Expectation, Options, Outcome, Proposed},
    read::{Content, ReadReq, ReadResp},
};

/// The name of a stream, in UTF-8.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Identifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) name: Bytes,
}

impl Identifier {
    pub(super) fn of(name: &str) -> Self {
        Self { name: Bytes::copy_from_slice(name.as_bytes()) }
    }
}

/// An id. We send two halves, and take either.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Uuid {
    #[prost(oneof = "Form", tags = "1, 2")]
    form: Option<Form>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Form {
    #[prost(message, tag = "1")]
    Halves(Halves),
    #[prost(string, tag = "2")]
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Halves {
    #[prost(int64, tag = "1")]
    most: i64,
    #[prost(int64, tag = "2")]
    least: i64,
}

impl From<uuid::Uuid> for Uuid {
    fn from(id: uuid::Uuid) -> Self {
        let (most, least) = id.as_u64_pair();
        let halves = Halves { most: most.cast_signed(), least: least.cast_signed() };
        Self { form: Some(Form::Halves(halves)) }
    }
}

impl Uuid {
    /// The id, if it is one.
    pub(super) fn id(&self) -> Option<uuid::Uuid> {
        match self.form.as_ref()? {
            Form::Halves(Halves { most, least }) => {
                Some(uuid::Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned()))
            }
            Form::Text(text) => text.parse().ok(),
        }
    }
}
