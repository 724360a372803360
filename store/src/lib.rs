//! Where the events are kept: the log, its backends, and the way in.
//!
//! **Invariant:** nothing here names an event. The log keeps types, schema numbers and bytes;
//! what they mean is the domain's.

pub mod away;
mod cache;
pub mod clock;
pub mod decorator;
pub mod entry;
#[cfg(feature = "eventstoredb")]
pub mod eventstoredb;
pub mod evidence;
pub mod execute;
pub mod log;
pub mod outage;
pub mod position;
mod private;
pub mod replica;
pub mod sqlite;
pub mod transfer;
