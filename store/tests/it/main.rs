//! What a log is, what the disk can do to it, and what is made of that.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

#[cfg(feature = "eventstoredb")]
mod cluster;
mod concurrency;
mod contract;
mod damage;
mod execute;
mod faults;
mod laws;
mod sqlite;
mod support;
mod tally;
