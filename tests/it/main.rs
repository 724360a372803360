//! What Shiplog promises as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

mod answers;
mod architecture;
mod as_of;
mod cli;
mod cluster;
mod compat;
mod crash;
mod damage;
mod damaged;
mod executor;
mod future;
mod histories;
mod home;
mod http;
mod past;
mod previous;
mod rebuild;
mod scripts;
mod story;
mod support;
