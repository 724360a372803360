//! What the server promises without a network, as one binary.
#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod clock;
mod now;
