//! What a process gives up before it runs what a stranger wrote.

use std::{io, time::Duration};

use rustix::{
    process::{self, Resource, Rlimit, Signal},
    thread,
    time::{ClockId, clock_gettime},
};

use super::limits;

/// Gives up files, further processes, most of the memory and its turn before others; and dies with
/// whoever started it.
pub(super) fn shut_in() -> io::Result<()> {
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // No program that it might start could have more rights than this process.
    thread::set_no_new_privs(true)?;
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

/// How much of a processor this process has taken so far.
pub(super) fn taken() -> Duration {
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(taken.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(taken.tv_nsec).unwrap_or_default())
}

/// Has the operating system end this process once it has taken so much more, whatever it does then.
pub(super) fn end_after(more: Duration) -> io::Result<()> {
    // Whole seconds, so a second more than asked for at most.
    let most = (taken() + more).as_secs() + 1;
    let hard = process::getrlimit(Resource::Cpu).maximum;
    process::setrlimit(Resource::Cpu, Rlimit { current: Some(most), maximum: hard })?;
    Ok(())
}
