//! Projections that users write, in JavaScript: shut in, folded over the log, kept level with it.
//!
//! A script runs in a process of its own, which can do nothing but fold: it is given events over a
//! pipe and answers with the states that they changed, which are kept here with the place in the log
//! that they belong to. Whatever it does there (loops for ever, takes all memory, dies), it is stopped
//! at the event that did it, and nothing else is.

mod ahead;
mod batch;
mod child;
mod confine;
mod folder;
mod interpreter;
mod keeper;
mod limits;
mod place;
mod preview;
mod protocol;
mod rebuild;
mod tables;
mod turns;
mod worker;
mod workshop;

pub use self::{
    child::Program,
    folder::{Fault, Stop},
    keeper::{Standing, Status},
    limits::AT_ONCE as MOST_SCRIPTS,
    preview::{Preview, Slice, preview},
    tables::{Partition, States, Wanted},
    worker::work,
    workshop::Workshop,
};
