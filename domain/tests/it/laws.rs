//! What holds for every event, every history and every command.

mod classify;
mod decide;
mod fold;
mod wire;
