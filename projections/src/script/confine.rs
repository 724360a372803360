//! What a process gives up before it runs what a stranger wrote.

use std::io;

use rustix::process::{self, Resource, Rlimit, Signal};

use super::limits;

/// Gives up files, further processes, most of the memory and its turn before others; and dies with
/// whoever started it.
pub(super) fn shut_in() -> io::Result<()> {
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // What is open stays open: the pipes.
    for given_up in [Resource::Nofile, Resource::Fsize, Resource::Nproc, Resource::Core] {
        process::setrlimit(given_up, none)?;
    }
    let most = Some(limits::ADDRESS_SPACE);
    process::setrlimit(Resource::As, Rlimit { current: most, maximum: most })?;
    // Whoever asks the server goes first.
    process::nice(10)?;
    Ok(())
}
