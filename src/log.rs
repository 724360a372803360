//! Which log a command works on: a data directory's own, or a cluster's.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    sync::Arc,
};

use shiplog_store::{
    clock::SystemClock,
    eventstoredb::{ConnectError, EventStoreDbLog},
    log::Log,
    sqlite::{FILE_NAME, SqliteLog},
    transfer::Replica,
};

use crate::{
    data::{self, DataArgs},
    exit::{Exit, Failure},
};

/// What every cluster's address has, and no directory's name: `esdb://`, `kurrentdb+discover://`.
const SCHEME_END: &str = "://";

/// Which log, and where its read models are.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The cluster that holds the log, as `esdb://user:password@a,b,c?tls=true`; the data directory
    /// then holds the read models alone.
    #[arg(long, value_name = "ADDRESS", env = "SHIPLOG_CLUSTER", hide_env_values = true)]
    pub(crate) log: Option<String>,
}

/// An open log.
pub(crate) enum Opened {
    /// A data directory's own.
    File(SqliteLog),
    /// A cluster's.
    Cluster(Box<EventStoreDbLog>),
}

impl Opened {
    /// What both can.
    pub(crate) fn log(&self) -> &dyn Log {
        match self {
            Self::File(log) => log,
            Self::Cluster(log) => &**log,
        }
    }

    /// What another log can be copied into.
    pub(crate) fn replica(&self) -> &dyn Replica {
        match self {
            Self::File(log) => log,
            Self::Cluster(log) => &**log,
        }
    }
}

impl LogArgs {
    /// Opens the log to serve it; the claim is to be kept for as long as that goes on.
    pub(crate) async fn serve(&self) -> Result<(Arc<dyn Log>, Option<Claim>), Failure> {
        let directory = &self.data.data;
        match &self.log {
            None => Ok((Arc::new(data::open(directory)?), None)),
            Some(address) => {
                let claim = Claim::take(directory)?;
                Ok((Arc::new(connect(address).await?), Some(claim)))
            }
        }
    }

    /// Opens the log to read, whoever writes it.
    pub(crate) async fn read(&self) -> Result<Opened, Failure> {
        match &self.log {
            None => data::open_read_only(&self.data.data).map(Opened::File),
            Some(address) => Ok(Opened::Cluster(Box::new(connect(address).await?))),
        }
    }
}

/// Opens the log at a place, a directory or a cluster, to read it.
pub(crate) async fn open_source(place: &str) -> Result<Opened, Failure> {
    if place.contains(SCHEME_END) {
        return Ok(Opened::Cluster(Box::new(connect(place).await?)));
    }
    data::open_read_only(Path::new(place)).map(Opened::File)
}

/// Opens the log at a place, a directory or a cluster, to write it; makes it where there is none.
pub(crate) async fn open_target(place: &str) -> Result<Opened, Failure> {
    if place.contains(SCHEME_END) {
        return Ok(Opened::Cluster(Box::new(connect(place).await?)));
    }
    data::open(Path::new(place)).map(Opened::File)
}

/// Connects to a cluster.
async fn connect(address: &str) -> Result<EventStoreDbLog, Failure> {
    EventStoreDbLog::connect(address, Arc::new(SystemClock)).await.map_err(|error| {
        let message = error.to_string();
        match error {
            ConnectError::Address(_) => Failure::new(Exit::Usage, message)
                .note("an address is `esdb://user:password@host:2113,host:2113?tls=true`"),
            ConnectError::Dial { .. } => Failure::new(Exit::Unavailable, message).note(
                "see that a node of the cluster answers there, and that `tls` is as it has it",
            ),
            ConnectError::Read { .. } => Failure::new(Exit::Unavailable, message),
        }
    })
}

/// A data directory in which this process keeps the read models of a cluster's log.
///
/// The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: File,
}

impl Claim {
    fn take(directory: &Path) -> Result<Self, Failure> {
        let shown = directory.display();
        if directory.join(FILE_NAME).exists() {
            let message = format!("`{shown}` holds a log of its own");
            return Err(Failure::new(Exit::Refused, message).note(
                "name another directory with --data; `shiplog transfer` copies a log to a cluster",
            ));
        }
        let io = |error| Failure::new(Exit::Failure, format!("cannot use `{shown}`: {error}"));
        fs::create_dir_all(directory).map_err(io)?;
        let path = directory.join("node.lock");
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another shiplog process keeps its read models in `{shown}`");
                Err(Failure::new(Exit::Unavailable, message)
                    .note("give each node a directory of its own with --data"))
            }
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}
