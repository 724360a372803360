//! A server that speaks EventStoreDB's protocol (v20 and later) and keeps what it is told in
//! memory, for tests: true semantics, several nodes, and faults on cue.
//!
//! The README beside it says how to start one, what it does as a real server does, and what it
//! does not do.

#![expect(clippy::result_large_err, reason = "a service of tonic's answers with its `Status`")]

mod cluster;
mod control;
mod double;
mod faults;
mod groups;
mod memory;
mod open;
mod options;
mod server;
mod service;
mod tls;
mod wire;

pub use tonic::Status;

pub use self::{
    control::obey,
    double::Double,
    faults::{Ending, Faults},
    options::{Options, Tls},
};
