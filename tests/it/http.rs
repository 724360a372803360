//! The server as its callers see it: a real process, asked over a socket.

mod at_least;
mod audit;
mod compare;
mod conditions;
mod configuration;
mod idempotency;
mod lane;
mod life;
mod live;
mod malformed;
mod names;
mod outcomes;
mod pages;
mod paths;
mod rails;
mod reasons;
mod recovery;
mod rollback;
mod search;
pub(crate) mod server;
mod shapes;
mod sql;
mod what_if;
