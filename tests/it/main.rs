//! What Shiplog promises as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

mod architecture;
mod as_of;
mod cli;
mod cluster;
mod crash;
mod executor;
mod histories;
mod home;
mod http;
mod rebuild;
mod scripts;
mod support;
