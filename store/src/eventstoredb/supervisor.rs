//! The connection that is there when it is needed, as long as any node is.
//!
//! The crate's client is made for one node. It is dead for good when it cannot connect the
//! first time, and when its node dies, it goes on asking that one. So a client is used for as
//! long as it works and then thrown away: whoever finds it broken says so, and the keeper dials
//! until there is another one. Each dialling goes through the seeds in another order and asks
//! the cluster which node is the leader.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use eventstore::NodePreference;
use tokio::{
    sync::{OnceCell, mpsc, watch},
    task::AbortHandle,
    time::timeout_at,
};

use super::{
    address::{Address, Node},
    connection::Connection,
    dial::{DialError, dial},
    failure::{Failure, Verdict},
    line::Line,
};
use crate::{log::LogFault, outage::Part};

/// How long a call waits for a connection that was lost a moment ago.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a connection to the leader is tried, each time on another line.
const ATTEMPTS: usize = 3;

/// How long to wait before the second attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A connection that did not last as long as this is followed by a pause, too.
const WORTH: Duration = Duration::from_secs(5);

/// How things stand.
#[derive(Clone, Debug)]
enum State {
    Up(Arc<Line>),
    Away { since: Instant, attempts: u32, why: Arc<DialError> },
}

/// A line was found broken; the leader, if that is known.
type Report = (u64, Option<Node>);

/// Keeps a connection to one of the cluster's nodes.
#[derive(Debug)]
pub(super) struct Supervisor {
    state: watch::Sender<State>,
    reports: mpsc::UnboundedSender<Report>,
    availability: Arc<Availability>,
    keeper: AbortHandle,
}

/// What is said of a connection that is lost.
#[derive(Debug)]
pub(super) struct Availability {
    pub(super) part: Part,
    /// Whether a node that is connected to is of use only if it answers calls: one does so without a leader,
    /// too, and cannot say more than that there is none.
    pub(super) needs_answers: bool,
}

impl Supervisor {
    /// Starts dialling, for a node of this kind.
    pub(super) fn start(
        address: Address,
        preference: NodePreference,
        availability: Availability,
    ) -> Self {
        let why = Arc::new(DialError::NotYet);
        let (state, _) = watch::channel(State::Away { since: Instant::now(), attempts: 0, why });
        let (reports, inbox) = mpsc::unbounded_channel();
        let availability = Arc::new(availability);
        let keeper = Keeper {
            address,
            preference,
            state: state.clone(),
            inbox,
            leader: None,
            availability: Arc::clone(&availability),
        };
        let keeper = tokio::spawn(keeper.run()).abort_handle();
        Self { state, reports, availability, keeper }
    }

    /// The connection, as soon as there is one.
    ///
    /// # Errors
    ///
    /// [`LogFault::Unavailable`] if there has been none for two seconds: then at once.
    pub(super) async fn line(&self) -> Result<Arc<Line>, LogFault> {
        let mut state = self.state.subscribe();
        loop {
            let (until, why) = match &*state.borrow_and_update() {
                State::Up(line) => return Ok(Arc::clone(line)),
                State::Away { since, why, .. } => (*since + PATIENCE, Arc::clone(why)),
            };
            if timeout_at(until.into(), state.changed()).await.is_err() {
                let reason = "the cluster cannot be reached".into();
                return Err(LogFault::Unavailable { reason, source: Some(why) });
            }
        }
    }

    /// The connection to the leader, as soon as there is one.
    ///
    /// # Errors
    ///
    /// As [`line`](Self::line).
    pub(super) async fn connection(&self) -> Result<(Arc<Line>, Arc<Connection>), LogFault> {
        let mut attempts = 1;
        loop {
            let line = self.line().await?;
            match line.connection().await {
                Ok(connection) => return Ok((line, connection)),
                Err(failure) => {
                    if !self.report(&line, &failure).await || attempts >= ATTEMPTS {
                        return Err(failure.fault());
                    }
                }
            }
            attempts += 1;
        }
    }

    /// Waits until there is a connection, or for so many attempts at one.
    ///
    /// # Errors
    ///
    /// Why the last attempt failed.
    pub(super) async fn first(&self, most: u32) -> Result<(), Arc<DialError>> {
        let mut state = self.state.subscribe();
        let decided = state.wait_for(|state| match state {
            State::Up(_) => true,
            State::Away { attempts, why, .. } => *attempts >= most || why.is_final(),
        });
        match decided.await.as_deref() {
            Ok(State::Up(_)) => Ok(()),
            Ok(State::Away { why, .. }) => Err(Arc::clone(why)),
            Err(_) => Err(Arc::new(DialError::NotYet)),
        }
    }

    /// Ends when the connection is not this one any more.
    pub(super) async fn lost(&self, line: &Line) {
        let mut state = self.state.subscribe();
        let another = |state: &State| !state.is(line.number);
        // The sender is ours, so it is there.
        let _ = state.wait_for(another).await;
    }

    /// Whether the connection is this one still.
    pub(super) fn is_current(&self, line: &Line) -> bool {
        self.state.borrow().is(line.number)
    }

    /// Tells that a call was answered as it should be.
    pub(super) fn works(&self) {
        self.availability.part.works();
    }

    /// Tells of a failure; whether the same call may go well on another connection.
    ///
    /// One call that gets no answer is no proof of a lost connection: the node is asked, before it is given up.
    pub(super) async fn report(&self, line: &Line, failure: &Failure) -> bool {
        let leader = match failure.verdict() {
            Verdict::Kept => return !self.is_current(line),
            Verdict::Silent if self.is_current(line) && line.answers().await => {
                return !self.is_current(line);
            }
            Verdict::Lost | Verdict::Silent => None,
            Verdict::Elsewhere(leader) => Some(leader),
        };
        self.state.send_if_modified(|state| {
            let current = state.is(line.number);
            if current {
                tracing::debug!(%failure, "the connection to the cluster is lost: {failure}");
                self.availability.part.fails(failure);
                let why = Arc::new(DialError::Lost(Arc::new(failure.clone())));
                *state = State::Away { since: Instant::now(), attempts: 0, why };
            }
            current
        });
        // It is gone only when everything is.
        let _ = self.reports.send((line.number, leader));
        true
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl State {
    fn is(&self, number: u64) -> bool {
        matches!(self, Self::Up(line) if line.number == number)
    }
}

/// Dials, and dials again.
struct Keeper {
    address: Address,
    preference: NodePreference,
    state: watch::Sender<State>,
    inbox: mpsc::UnboundedReceiver<Report>,
    /// Who a node said the leader is.
    leader: Option<Node>,
    availability: Arc<Availability>,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = Duration::ZERO;
        for number in 1.. {
            let began = self.connect(number, &mut pause).await;
            self.leader = loop {
                let Some((broken, leader)) = self.inbox.recv().await else { return };
                if broken == number {
                    break leader;
                }
            };
            let lasted = began.elapsed() >= WORTH || self.leader.is_some();
            pause = if lasted { Duration::ZERO } else { pause.max(FIRST_PAUSE) };
        }
    }

    /// Dials until somebody answers; since when.
    async fn connect(&mut self, number: u64, pause: &mut Duration) -> Instant {
        let began = Instant::now();
        loop {
            tokio::time::sleep(*pause).await;
            let leader = self.leader.take();
            match dial(&self.address, leader.as_ref(), self.preference).await {
                Ok(client) => {
                    let away_ms = began.elapsed().as_millis();
                    tracing::debug!(away_ms, "a node answers after {away_ms} ms");
                    if !self.availability.needs_answers {
                        self.availability.part.works();
                    }
                    let (address, connection) = (self.address.clone(), OnceCell::new());
                    let line = Line { client, number, address, leader, connection };
                    self.state.send_replace(State::Up(Arc::new(line)));
                    return Instant::now();
                }
                Err(error) => self.note(error, number),
            }
            let most = self.address.discovery_interval.max(FIRST_PAUSE);
            *pause = (*pause * 2).clamp(FIRST_PAUSE, most);
        }
    }

    fn note(&self, error: DialError, number: u64) {
        tracing::debug!(%error, "the cluster cannot be reached: {error}");
        // Of the first connection those tell who wait for it.
        if number > 1 {
            self.availability.part.fails(&error);
        }
        let error = Arc::new(error);
        self.state.send_modify(|state| match state {
            State::Away { attempts, why, .. } => {
                *attempts = attempts.saturating_add(1);
                *why = error;
            }
            State::Up(_) => {}
        });
    }
}
