//! Which log a command works on: a data directory's own, or a cluster's.

use std::{path::PathBuf, sync::Arc, time::Duration};

use shiplog_store::{
    away::AwayLog,
    clock::{Clock, SystemClock},
    eventstoredb::{ConnectError, EventStoreDbLog},
    log::{Log, LogFault},
    position::LogId,
    sqlite::{Lock, SqliteLog, WalDamage},
    transfer::Replica,
};

use crate::{
    data::{self, DataArgs},
    exit::{Exit, Failure},
    loss,
};

/// What every cluster's address has, and no directory's name: `esdb://`, `kurrentdb+discover://`.
const SCHEME_END: &str = "://";

/// How long to wait before a cluster that is away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

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
            Self::Cluster(address) => reach(address).await,
        }
    }

    /// Opens the log to write; makes it where there is none.
    pub(crate) async fn write(&self) -> Result<Opened, Failure> {
        match self {
            Self::Directory(directory) => {
                let settle = |survey: &_| loss::settle(directory, survey, None);
                data::open(directory, Arc::new(SystemClock), settle).map(Opened::File)
            }
            Self::Cluster(address) => reach(address).await,
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
    pub(crate) fn shared(self) -> Arc<dyn Log> {
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

    /// Opens the log to verify it; tells what is wrong with its WAL, if it has one.
    pub(crate) async fn verify(&self) -> Result<(Opened, Option<WalDamage>), Failure> {
        if self.log.is_some() {
            return Ok((self.read().await?, None));
        }
        let (log, damage) = data::open_to_verify(&self.data.data)?;
        Ok((Opened::File(log), damage))
    }

    /// Opens the log to serve it. A lock keeps other processes from the data directory: the log's own
    /// or, where that is on a cluster, the one that is given and is to be kept. A loss of the directory's
    /// own log is accepted after the position that is given; it records by this clock.
    pub(crate) async fn serve(
        &self,
        clock: Arc<dyn Clock>,
        accepted: Option<u64>,
    ) -> Result<(Served, Option<Lock>), Failure> {
        let Some(address) = &self.log else {
            let directory = &self.data.data;
            let settle = |survey: &_| loss::settle(directory, survey, accepted);
            let log = data::open(directory, clock, settle)?;
            return Ok((Served::Here(Opened::File(log).shared()), None));
        };
        let lock = data::claim(&self.data.data)?;
        let served = match connect(address, clock).await {
            Ok(log) => Served::Here(log.shared()),
            Err(why) if why.may_pass() => {
                Served::Away(Awaited { address: address.clone(), why: Arc::new(why) })
            }
            Err(error) => return Err(tell(&error)),
        };
        Ok((served, Some(lock)))
    }
}

/// A log that is to be served.
pub(crate) enum Served {
    /// It can be read and written.
    Here(Arc<dyn Log>),
    /// It is on a cluster that does not answer now.
    Away(Awaited),
}

/// A cluster that is to come.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    address: String,
    why: Arc<ConnectError>,
}

impl Awaited {
    /// Why there is nothing to read or write, for callers.
    pub(crate) const REASON: &str = "the cluster has not answered since this server started";

    /// Why the cluster is not there, for whoever runs the server.
    pub(crate) fn why(&self) -> &ConnectError {
        &self.why
    }

    /// What stands for the log meanwhile, if that is known to be this one.
    pub(crate) fn stand_in(&self, id: LogId) -> Arc<dyn Log> {
        let (reason, source) = (Self::REASON.into(), Some(Arc::clone(&self.why) as _));
        Arc::new(AwayLog::new(id, LogFault::Unavailable { reason, source }))
    }

    /// Looks for the cluster until it is there; says so whenever it fails in another way. It records by this
    /// clock.
    pub(crate) async fn arrival(self, clock: &Arc<dyn Clock>) -> Arc<dyn Log> {
        let Self { address, why } = self;
        let mut said = why.to_string();
        loop {
            match connect(&address, Arc::clone(clock)).await {
                Ok(log) => return log.shared(),
                Err(error) => {
                    let problem = error.to_string();
                    if problem != said {
                        tracing::warn!(%problem, "still without the cluster: {problem}");
                    }
                    said = problem;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Connects to those streams of a cluster that begin with a prefix, as a log of their own.
pub(crate) async fn connect_within(address: &str, prefix: &str) -> Result<Arc<dyn Log>, Failure> {
    let connected = EventStoreDbLog::connect_within(address, prefix, Arc::new(SystemClock)).await;
    connected.map(|log| Arc::new(log) as Arc<dyn Log>).map_err(|error| tell(&error))
}

/// Connects to a cluster, for one command.
async fn reach(address: &str) -> Result<Opened, Failure> {
    connect(address, Arc::new(SystemClock)).await.map_err(|error| tell(&error))
}

/// Connects to a cluster, to record by this clock.
async fn connect(address: &str, clock: Arc<dyn Clock>) -> Result<Opened, ConnectError> {
    let log = EventStoreDbLog::connect(address, clock).await?;
    Ok(Opened::Cluster(Box::new(log)))
}

fn tell(error: &ConnectError) -> Failure {
    let message = error.to_string();
    match error {
        ConnectError::Address(_) => Failure::new(Exit::Usage, message)
            .note("an address is `esdb://user:password@host:2113,host:2113?tls=true`"),
        ConnectError::Dial { .. } => Failure::new(Exit::Unavailable, message)
            .note("see that a node of the cluster answers there, and that `tls` is as it has it"),
        ConnectError::Read { .. } => Failure::new(Exit::Unavailable, message),
    }
}
