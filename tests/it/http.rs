//! The server as its callers see it: a real process, asked over a socket.

mod malformed;
pub(crate) mod server;
