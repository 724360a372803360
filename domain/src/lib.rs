//! What is true of deployments: lanes, releases and environments, as pure rules.
//!
//! No I/O, no clock, no randomness: everything a rule needs is an argument.

mod commit;
pub mod decider;
pub mod digests;
pub mod environment;
pub mod instant;
pub mod lane;
pub mod metadata;
pub mod names;
pub mod permission;
pub mod projection;
pub mod release;
pub mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod wire;
