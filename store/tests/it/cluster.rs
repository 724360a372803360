//! A cluster for tests: the protocol double, or the server that `SHIPLOG_TEST_ESDB` names.

mod appends;
mod conflicts;
mod connection;
mod copies;
mod hands;
mod provider;
mod subscriptions;
mod together;

use std::{
    env,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use shiplog_double::{Double, Options};
use shiplog_store::{
    clock::{Clock, SystemClock},
    eventstoredb::EventStoreDbLog,
    log::Log,
};

use crate::support::unsteady;

/// The server that the contract is kept on.
pub(crate) enum Cluster {
    /// One of the test's own.
    Double(Double),
    /// The one that is named.
    Real(String),
}

impl Cluster {
    fn start() -> Self {
        static SAID: Once = Once::new();
        let real = env::var("SHIPLOG_TEST_ESDB").ok();
        let what = real.as_ref().map_or("the double", |_| "the server of SHIPLOG_TEST_ESDB");
        SAID.call_once(|| say(&format!("the contract is tested on {what}")));
        real.map_or_else(|| Self::Double(double(Options::default())), Self::Real)
    }

    fn uri(&self) -> String {
        match self {
            Self::Double(double) => double.uri(),
            Self::Real(uri) => uri.clone(),
        }
    }
}

/// An empty log of its own, and the cluster that it is on.
pub(crate) async fn log() -> (EventStoreDbLog, Cluster) {
    let cluster = Cluster::start();
    let log = connect(&cluster.uri(), &prefix(), unsteady()).await;
    (log, cluster)
}

/// A double like this.
fn double(options: Options) -> Double {
    Double::start(options).unwrap()
}

/// The log that has the streams which begin with `prefix`.
async fn connect(uri: &str, prefix: &str, clock: Arc<dyn Clock>) -> EventStoreDbLog {
    EventStoreDbLog::connect_within(uri, prefix, clock).await.unwrap()
}

/// Waits until the log knows that it reaches the cluster, or that it does not.
async fn reaches(log: &impl Log, there: bool) {
    while log.head().await.is_ok() != there {
        tokio::task::yield_now().await;
    }
}

/// A part of the cluster that no other test has, nor had.
fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemClock.now().as_microsecond();
    format!("test-{since}-{}-{}.", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests wants to know")]
fn say(what: &str) {
    println!("{what}");
}
