//! The process that signals are passed on to.

use std::{
    io,
    process::{Child, Command},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process};

/// The process that is run at the moment, if one is; its clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charge(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    child: Option<Pid>,
    /// A signal that came while nothing ran.
    asked: Option<Signal>,
}

/// Why a command was not run.
#[derive(Debug)]
pub(crate) enum NotRun {
    /// A signal came first.
    Asked(Signal),
    /// It was not to be run without a trace on disk, and the disk keeps none.
    Unkept(io::Error),
    /// The system could not.
    Failed(io::Error),
}

impl From<io::Error> for NotRun {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Charge {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a command, unless a signal has come before it.
    pub(super) fn start(&self, command: &mut Command) -> Result<Child, NotRun> {
        let mut state = self.state();
        if let Some(signal) = state.asked {
            return Err(NotRun::Asked(signal));
        }
        let child = command.spawn()?;
        state.child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(child)
    }

    /// Its number, while it is there.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.state().child
    }

    /// Its number may be another's from here on.
    pub(super) fn release(&self) {
        self.state().child = None;
    }

    /// Passes a signal on; while nothing runs, keeps it for what would be started next.
    pub(crate) fn pass_on(&self, signal: Signal) {
        let mut state = self.state();
        match state.child {
            // Fails for what has ended already.
            Some(child) => drop(kill_process(child, signal)),
            None => {
                state.asked.get_or_insert(signal);
            }
        }
    }
}
