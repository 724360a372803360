//! How messages become bytes: as Protocol Buffers, or framed by hand.

use std::{fmt, marker::PhantomData};

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use super::frame::Frame;

/// How much is gathered before it is handed to the connection.
const GATHERED_BYTES: usize = 64 << 10;

/// A message that can be sent.
pub(crate) trait Outgoing: Send + 'static {
    fn put(&self, buffer: &mut EncodeBuf<'_>);
}

impl<M: Message + 'static> Outgoing for M {
    fn put(&self, buffer: &mut EncodeBuf<'_>) {
        // A buffer that grows has room for it.
        self.encode_raw(buffer);
    }
}

impl Outgoing for Frame {
    fn put(&self, buffer: &mut EncodeBuf<'_>) {
        Self::put(self, buffer);
    }
}

/// Answers `A` and questions `Q` of one method.
pub(crate) struct Wire<A, Q>(PhantomData<fn(Q) -> A>);

impl<A, Q> Wire<A, Q> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A, Q> fmt::Debug for Wire<A, Q> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Wire")
    }
}

impl<A: Outgoing, Q: Message + Default + 'static> Codec for Wire<A, Q> {
    type Encode = A;
    type Decode = Q;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::new()
    }

    fn decoder(&mut self) -> Self {
        Self::new()
    }
}

impl<A: Outgoing, Q> Encoder for Wire<A, Q> {
    type Item = A;
    type Error = Status;

    fn encode(&mut self, item: A, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.put(buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(GATHERED_BYTES, GATHERED_BYTES)
    }
}

impl<A, Q: Message + Default> Decoder for Wire<A, Q> {
    type Item = Q;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Q>, Status> {
        let decoded = Q::decode(buffer);
        decoded.map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(GATHERED_BYTES, GATHERED_BYTES)
    }
}
