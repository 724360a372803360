//! The server as its callers see it: a real process, asked over a socket.

mod batch;
mod life;
mod lists;
mod log;
mod malformed;
mod operations;
mod past;
mod places;
mod reads;
mod retries;
pub(crate) mod server;
mod shapes;
