//! The process that runs a script, from outside: it is asked, waited for and, if need be, killed.

use std::{
    ffi::OsString, io, os::unix::process::ExitStatusExt as _, path::PathBuf, process::Stdio,
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{self, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{
    limits,
    protocol::{self, Failed, Folded, Order, Reply, Shape},
};

/// What to start in order to run a script: a process that does nothing but [`work`](super::work).
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// What it is called with.
    pub arguments: Vec<OsString>,
}

/// Why a script's process gave no answer that is of use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The script failed.
    #[error("{}", .0.message)]
    Failed(Box<Failed>),
    /// It said nothing for too long, or died; it had folded so many events of the batch before.
    #[error("{why}")]
    Lost {
        /// What is known of it.
        why: String,
        /// How many events.
        done: usize,
    },
}

/// A process that runs one script.
pub(super) struct Child {
    process: process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a process.
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let mut process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("it has no pipes"))?;
        Ok(Self { process, input, output: BufReader::with_capacity(1 << 16, output) })
    }

    /// Has it run a script from now on.
    pub(super) async fn load(&mut self, name: &str, source: &str) -> Result<Shape, Trouble> {
        let reply = self.ask(&encode(&Order::Load { name, source })?).await?;
        if let Reply::Loaded(shape) = reply { Ok(shape) } else { Err(unexpected(&reply)) }
    }

    /// Has it go on from these states.
    pub(super) async fn restore(&mut self, states: &[(String, String)]) -> Result<(), Trouble> {
        let states = states.iter().map(|(key, state)| (key.as_str(), state.as_str())).collect();
        let reply = self.ask(&encode(&Order::Restore(states))?).await?;
        if let Reply::Restored = reply { Ok(()) } else { Err(unexpected(&reply)) }
    }

    /// Has it fold a batch, given as the bytes of that order.
    pub(super) async fn fold(&mut self, order: &[u8]) -> Result<Folded, Trouble> {
        let reply = self.ask(order).await?;
        if let Reply::Folded(folded) = reply { Ok(folded) } else { Err(unexpected(&reply)) }
    }

    /// Asks, and waits for as long as it says that it is going on.
    async fn ask(&mut self, order: &[u8]) -> Result<Reply, Trouble> {
        let mut done = 0;
        let written = timeout(limits::SILENCE, self.input.write_all(order)).await;
        if !matches!(written, Ok(Ok(()))) {
            return Err(self.lost(done).await);
        }
        loop {
            let Ok(Ok(reply)) = timeout(limits::SILENCE, self.hear()).await else {
                return Err(self.lost(done).await);
            };
            match reply {
                Reply::Going(so_far) => done = so_far,
                Reply::Failed(failed) => return Err(Trouble::Failed(Box::new(failed))),
                Reply::Loaded(_) | Reply::Restored | Reply::Folded(_) => return Ok(reply),
            }
        }
    }

    async fn hear(&mut self) -> io::Result<Reply> {
        let mut head = [0; 4];
        self.output.read_exact(&mut head).await?;
        let mut bytes = vec![0; protocol::length(head)?];
        self.output.read_exact(&mut bytes).await?;
        protocol::decode(&bytes)
    }

    /// Kills it, and tells what became of it.
    async fn lost(&mut self, done: usize) -> Trouble {
        let grace = Duration::from_millis(100);
        let ended = timeout(grace, self.process.wait()).await.ok().and_then(Result::ok);
        // Whatever it says to that: it is killed when it is dropped, too.
        let _ = self.process.kill().await;
        let why = match ended {
            Some(status) if status.signal() == Some(Signal::XCPU.as_raw()) => {
                "it ran for seconds within one of the language's own functions, and was killed"
                    .into()
            }
            Some(status) => format!("its process died ({status})"),
            None => format!("it did not come back within {:?} and was killed", limits::SILENCE),
        };
        Trouble::Lost { why, done }
    }
}

fn encode(order: &Order<'_>) -> Result<Vec<u8>, Trouble> {
    protocol::encode(order).map_err(|error| Trouble::Lost { why: error.to_string(), done: 0 })
}

fn unexpected(reply: &Reply) -> Trouble {
    Trouble::Lost { why: format!("its process answered something else: {reply:?}"), done: 0 }
}
