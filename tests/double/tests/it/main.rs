//! The double, as the crate `eventstore` sees it, whose backend is tested against it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic in a helper is how a test fails"
)]

mod appending;
mod cluster;
mod faults;
mod groups;
mod reading;
mod subscribing;
mod support;
mod tls;
