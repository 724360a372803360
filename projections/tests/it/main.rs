//! What the read models promise, as one binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod definitions;
mod laws;
mod lists;
mod rebuilds;
mod replays;
mod stalls;
mod support;
