//! The messages of the protocol, as far as the double speaks it.
//!
//! Field numbers are those of the published protocol. A map is read as what it is on the wire, a
//! list of entries; nested messages have flat names.

pub(crate) mod gossip;
pub(crate) mod persistent;
pub(crate) mod shared;
pub(crate) mod streams;
