//! The command line as people and scripts see it: the real command, and a real server.

mod bench;
mod board;
mod call;
mod damaged;
mod difference;
mod exits;
mod keeping;
mod lists;
mod losing;
mod moving;
mod naming;
mod on_call;
mod pipelines;
mod recovery;
mod replaying;
mod settings;
mod sql;
mod stable;
