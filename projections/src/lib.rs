//! What can be asked: the engine that folds the log, and the read models that it keeps.
//!
//! A read model is a function of the log, in an SQLite file of its own; deleting
//! them all is always safe.

mod columns;
mod content;
pub mod current;
pub mod damage;
pub mod definitions;
pub mod digest;
mod files;
pub mod history;
#[cfg(test)]
mod ignorable;
pub mod known;
mod ledger;
pub mod models;
pub mod nearest;
pub mod page;
pub mod projection;
pub mod releases;
pub mod replay;
pub mod rollbacks;
pub mod runner;
pub mod script;
mod sort_key;
pub mod sql;
mod tables;
pub mod turn;
pub mod verify;
pub mod view;
pub mod what_if;
