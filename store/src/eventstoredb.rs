//! The log on a cluster: EventStoreDB or KurrentDB, from 22.6 on, through the `eventstore` crate.
//!
//! # Life of an event
//!
//! An append is judged first (`append`): whether its ids are in the stream already (`known`),
//! and whether the stream is where it is expected to be. What passes is written as JSON
//! (`records`), stamped with the time (`batches`), and put into the queue of the one call that takes
//! appends (`session`). When the cluster acknowledges it, its last event comes back through the
//! log's own subscription (`tail`), and that is the answer. When the cluster refuses it, or is
//! not heard of, the stream is read, and what is found there is the answer; if it has not moved
//! on, the append is sent again, until time is up and the outcome is unknown.
//!
//! Readers of one stream get it page by page from the leader (`reads`). Who reads everything or
//! subscribes has a task that subscribes to the cluster for our streams alone (`follow`,
//! `scope`), and subscribes again after the last event when that breaks off.
//!
//! All of them go through a line that is made anew when it fails (`supervisor`). It has a client of the
//! crate (`dial`), for subscriptions and the end of the log, which `contained` calls, so that its panics and
//! loops stay its own; and a connection of our own to the leader (`connection`, `leader`, `tls`, `wire`), for
//! what has to be quick: appends, and pages of a stream.
//!
//! **Invariant:** an append expects one version, each time it is sent. So it is recorded once or
//! not at all, whoever sends it how often.
//!
//! **Invariant:** a position is the commit position, which for what is written this way is the
//! prepare position too, and no other event's.

mod address;
mod append;
mod batches;
mod connection;
mod contained;
mod continuity;
mod copies;
mod damaged;
mod dial;
mod failure;
mod follow;
mod identity;
mod known;
mod leader;
mod line;
mod pool;
mod pulse;
mod reads;
mod records;
mod scope;
mod session;
mod settings;
mod standing;
mod supervisor;
mod tail;
mod tls;
mod wire;

use std::{sync::Arc, time::Duration};

use eventstore::NodePreference;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use shiplog_domain::{stream::StreamName, wire::EncodedEvent};

pub use self::{
    address::{Address, AddressError},
    dial::DialError,
    standing::{Standing, SubscriptionState},
};
use self::{
    append::{Append, Appends},
    batches::Batches,
    continuity::Continuity,
    failure::Failure,
    follow::{Follow, Followed},
    pool::Pool,
    pulse::Pulse,
    reads::Reads,
    scope::Scope,
    standing::Standings,
    supervisor::{Availability, Supervisor},
    tail::Tail,
};
use crate::{
    cache::Cache,
    clock::Clock,
    log::{AppendError, Appended, Log, LogFault, NewEvent, RecordStream, Recorded},
    outage::Outage,
    position::{ExpectedVersion, GlobalPosition, LogId, StreamVersion},
};

/// The longest that one try of a call may take, unless the connection string says less.
const TRY: Duration = Duration::from_secs(5);

/// How long the log may take to say where it ends: whoever reads waits for that first.
const HEAD: Duration = Duration::from_secs(1);

/// How many events of streams are known without looking.
const BUDGET: usize = 300_000;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection string is none.
    #[error("the connection string cannot be used: {0}")]
    Address(#[from] AddressError),
    /// There is no connection.
    #[error("cannot connect to `{address}`: {source}")]
    Dial {
        /// The connection string, without the password.
        address: String,
        /// Why not.
        source: Arc<DialError>,
    },
    /// The cluster is there, but does not say which log it is.
    #[error("cannot read the log at `{address}`: {source}")]
    Read {
        /// The connection string, without the password.
        address: String,
        /// Why not.
        source: LogFault,
    },
}

impl ConnectError {
    /// Whether the cluster may be there later without anybody's doing.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Dial { source, .. } => !source.is_final(),
            Self::Read { source, .. } => failure::may_pass(source),
        }
    }
}

/// A log in a cluster, written by any number of nodes.
///
/// Dropping it lets go of the connections; what has been sent may still be recorded.
pub struct EventStoreDbLog {
    id: LogId,
    reads: Arc<Reads>,
    appends: Arc<Appends>,
    tail: Arc<Tail>,
    _pulse: Pulse,
    continuity: Continuity,
    followed: Pool,
    standings: Arc<Standings>,
    limit: Duration,
}

impl EventStoreDbLog {
    /// Connects to the cluster of a connection string: `esdb://user:password@a,b,c?tls=true`.
    ///
    /// Runs in a tokio runtime, before anything else in the process has chosen a provider for
    /// rustls: the crate installs its own, and cannot live with another one.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], which says what is wrong with the string, or with the cluster after as
    /// many attempts as `maxDiscoverAttempts` says.
    pub fn connect(
        address: &str,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'_, Result<Self, ConnectError>> {
        Self::connect_within(address, "", clock)
    }

    /// Connects to a log that has but those streams of the cluster that begin with `prefix`.
    ///
    /// The prefix is put before each stream's name, so several logs have room on one cluster.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_within<'a>(
        address: &'a str,
        prefix: &'a str,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'a, Result<Self, ConnectError>> {
        Self::open(address, prefix, clock).boxed()
    }

    async fn open(
        address: &str,
        prefix: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let address: Address = address.parse()?;
        let (attempts, limit) = (address.attempts, address.deadline.min(TRY));
        let outage = Outage::new("the cluster cannot be used", "the cluster can be used again");
        let availability = Availability { part: outage.part(), needs_answers: true };
        let leader = Supervisor::start(address.clone(), NodePreference::Leader, availability);
        let leader = Arc::new(leader);
        let dial = |source| ConnectError::Dial { address: address.to_string(), source };
        leader.first(attempts).await.map_err(dial)?;
        let reads = Arc::new(Reads::new(Arc::clone(&leader), Scope::new(prefix), limit));
        let read = |source| ConnectError::Read { address: address.to_string(), source };
        let id = identity::identify(&reads).await.map_err(read)?;
        let after = reads.head().await.map_err(read)?;
        let (known, standings) = (Arc::new(Cache::new(BUDGET)), Arc::<Standings>::default());
        let follow = Follow {
            supervisor: Arc::clone(&leader),
            reads: Arc::clone(&reads),
            standings: Arc::clone(&standings),
            after,
            until: None,
            from_leader: true,
            limit,
        };
        let tail = Tail::start(Followed::new(follow), standings, Arc::clone(&known));
        let tail = Arc::new(tail);
        let batches = Batches::new(leader, limit, clock);
        let appends =
            Appends::new(Arc::clone(&reads), batches, known, Arc::clone(&tail), address.deadline);
        let appends = Arc::new(appends);
        let (pulse, followed) = (Pulse::start(Arc::clone(&reads)), Pool::new(address, outage));
        let continuity = Continuity::start(Arc::clone(&reads));
        let standings = Arc::default();
        Ok(Self { id, reads, appends, tail, _pulse: pulse, continuity, followed, standings, limit })
    }

    /// How the subscriptions stand to the log, the oldest first.
    pub fn subscriptions(&self) -> Vec<SubscriptionState> {
        self.standings.all()
    }

    /// Sees an append to its end, whether anybody waits for that or not.
    async fn settle(&self, append: Append) -> Result<Appended, AppendError> {
        let appends = Arc::clone(&self.appends);
        let settled = tokio::spawn(async move { appends.append(append).await });
        settled
            .await
            .unwrap_or_else(|gone| Err(LogFault::OutcomeUnknown { source: Arc::new(gone) }.into()))
    }

    fn follow(
        &self,
        after: Option<GlobalPosition>,
        until: Option<GlobalPosition>,
    ) -> RecordStream<'_> {
        let (supervisor, reads) = (self.followed.take(), Arc::clone(&self.reads));
        let (standings, limit) = (Arc::clone(&self.standings), self.limit);
        let from_leader = self.followed.preference == NodePreference::Leader;
        let follow = Follow { supervisor, reads, standings, after, until, from_leader, limit };
        Followed::new(follow).boxed()
    }
}

impl Log for EventStoreDbLog {
    fn id(&self) -> LogId {
        self.id
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let stream = stream.clone();
        self.settle(Append { stream, expected, events, recorded_at: None }).boxed()
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamName,
        from: Option<StreamVersion>,
    ) -> RecordStream<'a> {
        let learn = |page: &reads::Page| self.appends.learn(stream, page);
        self.reads.stream(stream, from.map_or(0, |from| from.0), learn)
    }

    /// Ends at the last event that this node knew of when it was called: of its own, of what it
    /// has read, and of what [`head`](Log::head) told it.
    fn read_all(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        match self.reads.seen() {
            Some(until) => self.follow(after, Some(until)),
            None => stream::empty().boxed(),
        }
    }

    fn subscribe(&self, after: Option<GlobalPosition>) -> RecordStream<'_> {
        self.follow(after, None)
    }

    /// What has come back through the log's own subscription, which follows the leader; that takes
    /// no call. A leader that is cut off is found out by its silence (`pulse`). While it is away, the leader is asked, and not for longer than a second.
    fn head(&self) -> BoxFuture<'_, Result<Option<GlobalPosition>, LogFault>> {
        async {
            if self.tail.is_live() {
                return Ok(self.reads.seen());
            }
            let asked = tokio::time::timeout(HEAD, self.reads.head()).await;
            asked.unwrap_or_else(|_| Err(Failure::Late(HEAD).fault()))
        }
        .boxed()
    }

    fn event_at(
        &self,
        position: GlobalPosition,
    ) -> BoxFuture<'_, Result<Option<Recorded<EncodedEvent>>, LogFault>> {
        self.reads.at(position).boxed()
    }

    fn rewound(&self) -> BoxFuture<'_, GlobalPosition> {
        self.continuity.broken().boxed()
    }

    fn heard_damage<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        self.tail.damaged().check(&self.reads, stream).boxed()
    }

    fn examine<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<(), LogFault>> {
        self.reads.examine(stream).boxed()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
