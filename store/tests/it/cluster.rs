//! A cluster for tests: the protocol double, or the server that `SHIPLOG_TEST_ESDB` names.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use shiplog_double::{Double, Options};
use shiplog_store::{clock::Clock, eventstoredb::EventStoreDbLog};

use crate::support::unsteady;

/// A cluster that is there for as long as this is.
pub(crate) enum Cluster {
    Double(Double),
    Real(String),
}

impl Cluster {
    /// The server that is named, or else a double.
    pub(crate) fn start() -> Self {
        match env::var("SHIPLOG_TEST_ESDB") {
            Ok(uri) => Self::Real(uri),
            Err(_) => Self::Double(Double::start(Options::default()).unwrap()),
        }
    }

    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Double(double) => double.uri(),
            Self::Real(uri) => uri.clone(),
        }
    }
}

/// An empty log of its own, and the cluster that it is on.
pub(crate) async fn log() -> (EventStoreDbLog, Cluster) {
    let cluster = Cluster::start();
    let log = connect(&cluster.uri(), unsteady()).await;
    (log, cluster)
}

/// A log that no other test has.
pub(crate) async fn connect(uri: &str, clock: Arc<dyn Clock>) -> EventStoreDbLog {
    EventStoreDbLog::connect_within(uri, &prefix(), clock).await.unwrap()
}

/// A part of the cluster that no other test has, nor had.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("test-{since}-{}.", NEXT.fetch_add(1, Relaxed))
}
