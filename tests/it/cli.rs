//! The command line as people and scripts see it: the real command, and a real server.

mod bench;
mod call;
mod exits;
mod keeping;
mod lists;
mod moving;
mod naming;
mod on_call;
mod pipelines;
mod replaying;
mod settings;
mod sql;
mod stable;
