//! Which method of the protocol is answered where.

mod append;
mod batch;
mod call;
mod codec;
mod delete;
mod features;
mod frame;
mod gossip;
mod pages;
mod persistent;
mod read;
mod routes;
mod status;
mod subscribe;

pub(crate) use self::routes::{Visit, answer};
