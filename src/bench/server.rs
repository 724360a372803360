//! A server in a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{ChildStdout, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hyper::StatusCode;

use super::{client::Connection, process::Process};

/// How often it is asked whether it is ready.
const INTERVAL: Duration = Duration::from_millis(1);

/// A server on a data directory, at a free port of this machine.
pub(super) struct Server {
    process: Process,
    started: Instant,
    address: SocketAddr,
    /// Kept, so that the server has somewhere to write to.
    _stdout: BufReader<ChildStdout>,
}

/// How much memory a process takes, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Now.
    pub(super) resident: u64,
    /// At most so far.
    pub(super) peak: u64,
}

impl Server {
    /// Starts one; it listens when this returns.
    pub(super) fn start(data: &Path) -> anyhow::Result<Self> {
        let mut command = Process::shiplog()?;
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        let started = Instant::now();
        let mut process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = process.stdout().context("the server has no standard output")?;
        let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
        stdout.read_line(&mut line).context("cannot read what the server says")?;
        let Some(address) = address(&line) else {
            bail!("the server said `{}` instead of where it listens", line.trim_end());
        };
        Ok(Self { process, started, address, _stdout: stdout })
    }

    /// Waits until it says that it is ready; tells how long that took from its start.
    pub(super) async fn ready(&self) -> anyhow::Result<Duration> {
        let mut connection = self.connect().await?;
        while connection.get("/readyz").await?.0 != StatusCode::OK {
            tokio::time::sleep(INTERVAL).await;
        }
        Ok(self.started.elapsed())
    }

    /// A new connection to it.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address).await
    }

    /// How much memory it takes.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .context("cannot tell how much memory the server takes")?;
        memory(&status).context("the system does not say how much memory the server takes")
    }

    /// Has it end as an operator would.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// Where a server listens, from the line in which it says so.
fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix("shiplog listens at http://")?;
    rest.split_once(' ')?.0.parse().ok()
}

/// What a process takes, from its file `status` in `/proc`.
fn memory(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_in_the_servers_first_line() {
        let line = "shiplog listens at http://127.0.0.1:40123 and keeps its data in /var/lib/x\n";
        assert_eq!(address(line), Some(SocketAddr::from(([127, 0, 0, 1], 40123))));
        assert_eq!(address("shiplog: no way\n"), None);
    }

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let status =
            "Name:\tshiplog\nVmPeak:\t  999 kB\nVmHWM:\t    5678 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(memory(status), Some(Memory { resident: 1234, peak: 5678 }));
        assert_eq!(memory("Name:\tshiplog\n"), None);
    }
}
