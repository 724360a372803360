//! What the domain promises: recorded events read for ever, laws hold, rules say no with a reason.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod arbitrary;
mod compat;
mod frozen;
mod golden;
mod laws;
mod readers;
mod rules;
mod samples;
mod upcast;
mod words;
