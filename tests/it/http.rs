//! The server as its callers see it: a real process, asked over a socket.

mod at_least;
mod audit;
mod behind;
mod compare;
mod conditions;
mod configuration;
mod cursors;
mod encoding;
mod idempotency;
mod lane;
mod life;
mod live;
mod malformed;
mod names;
mod outcomes;
mod pages;
mod rails;
mod reasons;
mod recovery;
mod rollback;
mod search;
pub(crate) mod server;
mod shapes;
mod sql;
mod typed;
mod what_if;
mod worst_hour;
