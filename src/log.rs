//! Which log a command works on: a data directory's own, or a cluster's.

use std::{path::PathBuf, sync::Arc};

use shiplog_store::{
    clock::SystemClock,
    eventstoredb::{ConnectError, EventStoreDbLog},
    log::Log,
    sqlite::{Lock, SqliteLog},
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

/// Where a log is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a data directory.
    Directory(PathBuf),
    /// On a cluster; its address.
    Cluster(String),
}

impl From<&str> for Place {
    fn from(text: &str) -> Self {
        if text.contains(SCHEME_END) {
            Self::Cluster(text.into())
        } else {
            Self::Directory(text.into())
        }
    }
}

impl Place {
    /// Opens the log to read, whoever writes it.
    pub(crate) async fn read(&self) -> Result<Opened, Failure> {
        match self {
            Self::Directory(directory) => data::open_read_only(directory).map(Opened::File),
            Self::Cluster(address) => connect(address).await,
        }
    }

    /// Opens the log to write; makes it where there is none.
    pub(crate) async fn write(&self) -> Result<Opened, Failure> {
        match self {
            Self::Directory(directory) => data::open(directory).map(Opened::File),
            Self::Cluster(address) => connect(address).await,
        }
    }
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
    pub(crate) fn log(&self) -> &dyn Replica {
        match self {
            Self::File(log) => log,
            Self::Cluster(log) => &**log,
        }
    }

    /// What both can, for whoever shares it.
    fn shared(self) -> Arc<dyn Log> {
        match self {
            Self::File(log) => Arc::new(log),
            Self::Cluster(log) => Arc::new(*log),
        }
    }
}

impl LogArgs {
    fn place(&self) -> Place {
        match &self.log {
            None => Place::Directory(self.data.data.clone()),
            Some(address) => Place::Cluster(address.clone()),
        }
    }

    /// Opens the log to read, whoever writes it.
    pub(crate) async fn read(&self) -> Result<Opened, Failure> {
        self.place().read().await
    }

    /// Opens the log to serve it. A lock keeps other processes from the data directory: the log's own
    /// or, where that is on a cluster, the one that is given and is to be kept.
    pub(crate) async fn serve(&self) -> Result<(Arc<dyn Log>, Option<Lock>), Failure> {
        let lock = self.log.as_ref().map(|_| data::claim(&self.data.data)).transpose()?;
        Ok((self.place().write().await?.shared(), lock))
    }
}

/// Connects to a cluster.
async fn connect(address: &str) -> Result<Opened, Failure> {
    let connected = EventStoreDbLog::connect(address, Arc::new(SystemClock)).await;
    connected.map(|log| Opened::Cluster(Box::new(log))).map_err(|error| {
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
