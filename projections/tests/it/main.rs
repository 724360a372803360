//! What the read models promise, as one binary.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

mod audit;
mod damage;
mod definitions;
mod laws;
mod lists;
mod rebuilds;
mod replays;
mod sql;
mod stalls;
mod support;
