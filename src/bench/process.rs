//! A child process that does not outlive what measures it.

use std::{
    io,
    process::{Child, ChildStdout, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How often it is looked whether a process has ended.
const INTERVAL: Duration = Duration::from_millis(1);

/// A process that is killed when it is dropped.
pub(super) struct Process(Child);

impl Process {
    /// This very Shiplog, to be given its arguments.
    pub(super) fn shiplog() -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("cannot tell what program this is")?;
        let mut command = Command::new(program);
        command.env("SHIPLOG_LOG", "warn");
        Ok(command)
    }

    /// Starts it.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn();
        child.map(Self).with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    /// Its number, for what only the operating system can tell.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it writes; once.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Waits until it has ended well.
    pub(super) async fn wait(&mut self) -> anyhow::Result<()> {
        let status = self.ended().await.context("cannot wait for a process")?;
        ensure!(status.success(), "a process of Shiplog ended with {status}");
        Ok(())
    }

    async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).context("cannot stop a process")?;
        self.wait().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for one that has ended and was waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
