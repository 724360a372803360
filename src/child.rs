//! A command of somebody else's, run to its end.

mod charge;
mod growing;
mod signals;
mod tail;

use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustix::{
    io::Errno,
    process::{Pid, WaitId, WaitIdOptions, waitid},
};
use shiplog_store::clock::{Clock as _, SystemClock};

use self::tail::{Lines, Stream, Tail};
use crate::private_file;

pub(crate) use self::{
    charge::{Charge, NotRun},
    growing::Growing,
    signals::{listen, name as signal_name},
};

/// How often it is looked what the command has written.
const TICK: Duration = Duration::from_millis(200);

/// How long what it wrote last may take to come through once it has ended.
///
/// Only what it left running in the background can keep its pipes open longer.
const LATE: Duration = Duration::from_secs(1);

/// Where the command's output goes.
#[derive(Debug)]
pub(crate) enum Output {
    /// To where one's own goes, unchanged; input comes from where one's own does.
    Passed,
    /// Into a file, and from there to one's own, so that the command outlives who started it.
    Kept(PathBuf),
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// With which code, or by which signal.
    pub(crate) status: ExitStatus,
    /// When.
    pub(crate) at: Timestamp,
    /// The last lines of its output.
    pub(crate) last_lines: String,
}

impl Ended {
    /// The code that a shell would give it.
    pub(crate) fn code(&self) -> u8 {
        let signalled = || self.status.signal().map(|signal| 128 + signal);
        let code = self.status.code().or_else(signalled);
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

/// Runs a command to its end, and calls `tick` while it runs.
pub(crate) fn run(
    command: &mut Command,
    charge: &Charge,
    output: &Output,
    tick: &mut dyn FnMut(),
) -> Result<Ended, NotRun> {
    let tail = Arc::new(Mutex::new(Tail::default()));
    let mut kept = match output {
        Output::Passed => {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            None
        }
        Output::Kept(path) => {
            let file = private_file::open(path, OpenOptions::new().append(true).create(true))?;
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
            Some((Growing::open(path)?, Lines::of(Stream::Output)))
        }
    };
    let mut child = charge.start(command)?;
    let (copied, all_copied) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        copy(stdout, io::stdout(), Shared::of(Stream::Output, &tail, &copied));
    }
    if let Some(stderr) = child.stderr.take() {
        copy(stderr, io::stderr(), Shared::of(Stream::Error, &tail, &copied));
    }
    drop(copied);
    let mut look = || {
        if let Some((growing, lines)) = &mut kept {
            pass(growing, lines, &tail);
        }
        tick();
    };
    let at = wait(charge, &mut look);
    charge.release();
    let status = child.wait()?;
    drain(&all_copied);
    look();
    if let Some((_, lines)) = kept {
        lines.end(&mut tail.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let last_lines = tail.lock().unwrap_or_else(PoisonError::into_inner).text();
    Ok(Ended { status, at, last_lines })
}

/// Waits until the process has ended, without forgetting its number; answers when that was.
fn wait(charge: &Charge, look: &mut dyn FnMut()) -> Timestamp {
    let (ended, end) = mpsc::channel();
    let pid = charge.pid();
    thread::spawn(move || {
        if let Some(pid) = pid {
            await_end(pid);
        }
        // Nobody is gone: the other end waits for this.
        let _ = ended.send(SystemClock.now());
    });
    loop {
        match end.recv_timeout(TICK) {
            Ok(at) => return at,
            Err(RecvTimeoutError::Timeout) => look(),
            Err(RecvTimeoutError::Disconnected) => return SystemClock.now(),
        }
    }
}

fn await_end(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
}

/// What one stream's copier shares with who waits for it.
struct Shared {
    lines: Lines,
    tail: Arc<Mutex<Tail>>,
    copied: Sender<()>,
}

impl Shared {
    fn of(stream: Stream, tail: &Arc<Mutex<Tail>>, copied: &Sender<()>) -> Self {
        Self { lines: Lines::of(stream), tail: Arc::clone(tail), copied: copied.clone() }
    }
}

/// Copies one stream as it comes, and remembers its last lines.
fn copy(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    Shared { mut lines, tail, copied }: Shared,
) {
    thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let read = bytes.get(..count).unwrap_or_default();
            // Where nobody reads any more the command goes on all the same.
            let _ = to.write_all(read).and_then(|()| to.flush());
            lines.feed(read, &mut tail.lock().unwrap_or_else(PoisonError::into_inner));
        }
        lines.end(&mut tail.lock().unwrap_or_else(PoisonError::into_inner));
        // The end may have been waited for in vain.
        let _ = copied.send(());
    });
}

/// Waits for both streams to end, but not for what goes on in the background.
fn drain(copied: &Receiver<()>) {
    let until = Instant::now() + LATE;
    while copied.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
}

/// Passes on what a file has got more of.
fn pass(growing: &mut Growing, lines: &mut Lines, tail: &Mutex<Tail>) {
    let Ok(read) = growing.read() else { return };
    // Where nobody reads any more the command goes on all the same.
    let _ = io::stdout().write_all(&read).and_then(|()| io::stdout().flush());
    lines.feed(&read, &mut tail.lock().unwrap_or_else(PoisonError::into_inner));
}
