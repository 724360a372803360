//! What a server does while it is asked.

use std::{num::NonZeroU32, time::Duration};

use anyhow::{Context as _, bail, ensure};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use super::{client::Connection, server::Server};

/// How often a rebuild is begun again, where the one before has ended.
const AGAIN: Duration = Duration::from_millis(100);

/// Scripts that harm as much as they can.
const HOSTILE: [&str; 4] = [
    "for (;;) {}",
    "const all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length)",
    "const all = []; all[2 ** 32 - 2] = 1; all.sort()",
    "/^(a+)+$/.test('a'.repeat(50) + 'b')",
];

/// What a server does while its answers are timed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Meanwhile {
    /// The history is rebuilt, and again when that is done.
    Rebuild,
    /// Scripts that loop, hoard memory or never come back are tried, one after the other.
    Hostile,
}

/// Work that goes on until it is stopped.
pub(super) struct Work(JoinSet<anyhow::Result<()>>);

impl Meanwhile {
    /// Has a server begin with it.
    pub(super) async fn begin(
        self,
        server: &Server,
        most: Option<NonZeroU32>,
    ) -> anyhow::Result<Work> {
        let connection = server.connect().await?;
        let mut work = JoinSet::new();
        match self {
            Self::Rebuild => work.spawn(rebuild(connection, most)),
            Self::Hostile => work.spawn(harm(connection)),
        };
        Ok(Work(work))
    }
}

impl Work {
    /// Stops it.
    ///
    /// # Errors
    ///
    /// If it had stopped by itself: then nothing was measured beside it.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        match self.0.try_join_next() {
            None => Ok(()),
            Some(Ok(Err(error))) => Err(error.context("what was to be done meanwhile failed")),
            Some(Ok(Ok(())) | Err(_)) => bail!("what was to be done meanwhile had ended"),
        }
    }
}

/// Keeps a server rebuilding. To ask for a rebuild that is under way changes nothing.
async fn rebuild(mut connection: Connection, most: Option<NonZeroU32>) -> anyhow::Result<()> {
    let asked = json!({ "max_events_per_second": most.map_or(0, NonZeroU32::get) }).to_string();
    for nth in 0_u64.. {
        let path = "/v1/projections/history/rebuild";
        let answer = connection.post(path, &format!("bench-{nth}"), asked.clone()).await?;
        told(answer, StatusCode::ACCEPTED)?;
        sleep(AGAIN).await;
    }
    Ok(())
}

/// Keeps a server stopping scripts.
async fn harm(mut connection: Connection) -> anyhow::Result<()> {
    for (nth, script) in HOSTILE.iter().cycle().enumerate() {
        let source = format!("fromAll().when({{ $any() {{ {script} }} }})");
        let asked = json!({ "language": "javascript", "source": source }).to_string();
        let path = "/v1/projections/preview";
        let answer = connection.post(path, &format!("bench-{nth}"), asked).await?;
        let tried = told(answer, StatusCode::OK)?;
        let is_stopped = tried.get("fault").is_some_and(|fault| !fault.is_null());
        ensure!(is_stopped, "nothing stopped the script `{script}`");
    }
    Ok(())
}

fn told(
    (status, answer): (StatusCode, impl AsRef<[u8]>),
    wanted: StatusCode,
) -> anyhow::Result<Value> {
    let text = String::from_utf8_lossy(answer.as_ref());
    ensure!(status == wanted, "the server answered with {status}: {text}");
    serde_json::from_str(&text).context("the server's answer is no JSON")
}
