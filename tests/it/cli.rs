//! The command line as people and scripts see it: the real command, and a real server.

mod bench;
mod call;
mod exits;
mod keeping;
mod lists;
mod moving;
mod on_call;
mod replaying;
mod settings;
mod sql;
mod stable;
