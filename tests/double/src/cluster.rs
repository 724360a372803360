//! The nodes of a cluster: one memory, one leader, and who is alive.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    faults::Faults,
    groups::Groups,
    memory::{Expected, Incoming, Memory},
    open::Open,
    options::Options,
};

/// All that the nodes share.
pub(crate) struct Cluster {
    memory: Memory,
    faults: Faults,
    options: Options,
    ports: Vec<u16>,
    state: Mutex<State>,
    ids: AtomicU64,
    groups: Groups,
    leaders: watch::Sender<Option<usize>>,
    connections: Open,
    calls: Open,
    conflicts: AtomicU64,
}

/// Who is there.
#[derive(Debug)]
struct State {
    alive: Vec<bool>,
    leader: Option<usize>,
    election: Option<Election>,
    /// When each node that was started is ready.
    ready: Vec<Option<Instant>>,
}

/// The choice of another leader, while it lasts.
#[derive(Debug)]
struct Election {
    until: Instant,
    /// Who led before, and is still named by some.
    before: usize,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Leader,
    /// It knows where the leader is.
    Follower {
        host: String,
        port: u16,
    },
    /// Fewer than half of the nodes are alive, or they have not chosen yet, or it has been started a moment ago.
    Leaderless,
}

/// A node as gossip tells of it.
#[derive(Debug)]
pub(crate) struct NodeState {
    pub(crate) instance: Uuid,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) alive: bool,
    pub(crate) state: VNodeState,
}

/// The states that the double's nodes know, by the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VNodeState {
    Unknown = 2,
    Follower = 6,
    Leader = 8,
    Shutdown = 11,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cluster").field("ports", &self.ports).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster whose nodes are all still to be started.
    pub(crate) fn new(options: Options, ports: Vec<u16>) -> Self {
        Self {
            memory: Memory::new(options.projections),
            faults: Faults::default(),
            state: Mutex::new(State {
                alive: vec![false; ports.len()],
                leader: None,
                election: None,
                ready: vec![None; ports.len()],
            }),
            options,
            ports,
            ids: AtomicU64::new(1),
            groups: Groups::default(),
            leaders: watch::Sender::default(),
            connections: Open::default(),
            calls: Open::default(),
            conflicts: AtomicU64::new(0),
        }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn version(&self) -> &str {
        &self.options.version
    }

    pub(crate) fn login(&self) -> Option<&(String, String)> {
        self.options.login.as_ref()
    }

    pub(crate) fn forwards_writes(&self) -> bool {
        self.options.forwards_writes
    }

    pub(crate) fn host(&self) -> &str {
        &self.options.host
    }

    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Whether the server says that it is of a version, or a later one.
    pub(crate) fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let mut numbers = self.options.version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }

    /// An id that nothing else has.
    pub(crate) fn new_id(&self) -> Uuid {
        Uuid::from_u64_pair(0xd0b1_e000_0000_4000, 1 << 63 | self.ids.fetch_add(1, Relaxed))
    }

    /// A node listens, or it does so no longer. If that takes the leader away, another one leads.
    pub(crate) fn set_alive(&self, node: usize, alive: bool) {
        let mut state = self.state();
        if let Some(known) = state.alive.get_mut(node) {
            *known = alive;
        }
        if let Some(ready) = state.ready.get_mut(node) {
            *ready = Some(Instant::now() + self.faults.start());
        }
        state.elect(self.faults.election());
        self.tell(&state);
    }

    /// Makes a node the leader, if it is alive. Gives whether it leads.
    pub(crate) fn lead(&self, node: usize) -> bool {
        let mut state = self.state();
        if state.alive.get(node) == Some(&true) && state.has_quorum() {
            (state.leader, state.election) = (Some(node), None);
        }
        self.tell(&state);
        state.leader == Some(node)
    }

    /// The connections that are open, over all nodes.
    pub(crate) fn connections(&self) -> &Open {
        &self.connections
    }

    /// The calls that have not come to their end, over all connections.
    pub(crate) fn calls(&self) -> &Open {
        &self.calls
    }

    /// How many appends were refused because their stream was elsewhere than expected.
    pub(crate) fn conflicts(&self) -> &AtomicU64 {
        &self.conflicts
    }

    /// The persistent subscriptions.
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Who leads, now and whenever another one does.
    pub(crate) fn leaders(&self) -> watch::Receiver<Option<usize>> {
        self.leaders.subscribe()
    }

    pub(crate) fn leader(&self) -> Option<usize> {
        self.state().leader
    }

    /// What a node is at the moment.
    pub(crate) fn role(&self, node: usize) -> Role {
        let state = self.state();
        if state.ready.get(node).copied().flatten().is_some_and(|ready| Instant::now() < ready) {
            return Role::Leaderless;
        }
        // While they choose, every other node still believes in the one before.
        let believed = state.election.as_ref().map(|election| election.before);
        let believed = believed.filter(|before| *before != node && node % 2 == 1);
        match state.leader.or(believed).and_then(|leader| Some((leader, self.ports.get(leader)?))) {
            None => Role::Leaderless,
            Some((leader, _)) if leader == node => Role::Leader,
            Some((_, port)) => Role::Follower { host: self.options.host.clone(), port: *port },
        }
    }

    /// All nodes.
    pub(crate) fn members(&self) -> Vec<NodeState> {
        let state = self.state();
        let nodes = state.alive.iter().zip(&self.ports).enumerate();
        let nodes = nodes.map(|(node, (alive, port))| NodeState {
            instance: Uuid::from_u64_pair(0x0de0_0000_0000_4000, 1 << 63 | node as u64),
            host: self.options.host.clone(),
            port: *port,
            alive: *alive,
            state: match state.leader {
                _ if !alive => VNodeState::Shutdown,
                None => VNodeState::Unknown,
                Some(leader) if leader == node => VNodeState::Leader,
                Some(_) => VNodeState::Follower,
            },
        });
        nodes.collect()
    }

    /// Appends an event that is nobody's here, of a kind that no JSON parser reads.
    pub(crate) fn write_foreign(&self) {
        let id = self.new_id();
        let stream = format!("parcel-{}", id.as_u128() % 7);
        let event = Incoming {
            id,
            kind: "ParcelWeighed".to_owned(),
            json: false,
            data: Bytes::from_static(b"\x00\xff 12 kg"),
            metadata: Bytes::from_static(b"\xfe"),
        };
        // A stream that somebody deleted for ever gets none.
        _ = self.memory.append(&stream, Expected::Any, vec![event]);
    }

    pub(crate) fn write_into(&self, stream: &str, kind: &str, json: bool, data: &[u8]) {
        let (kind, data) = (kind.to_owned(), Bytes::copy_from_slice(data));
        let event = Incoming { id: self.new_id(), kind, json, data, metadata: Bytes::new() };
        // A stream that somebody deleted for ever gets none.
        _ = self.memory.append(stream, Expected::Any, vec![event]);
    }

    fn tell(&self, state: &State) {
        let leader = state.leader;
        self.leaders.send_if_modified(|known| std::mem::replace(known, leader) != leader);
    }

    /// As it is now: an election is over when its time is.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.election.as_ref().is_some_and(|election| election.until <= Instant::now()) {
            state.elect(Duration::ZERO);
            self.tell(&state);
        }
        state
    }
}

impl State {
    fn has_quorum(&self) -> bool {
        2 * self.alive.iter().filter(|alive| **alive).count() > self.alive.len()
    }

    /// Keeps the leader if it can be kept; else the first node that is alive leads, after so long.
    fn elect(&mut self, duration: Duration) {
        let alive = |node: &usize| self.alive.get(*node) == Some(&true);
        let kept = self.leader.filter(alive);
        let first = self.alive.iter().position(|alive| *alive);
        let next = kept.or(first).filter(|_| self.has_quorum());
        let before = self.leader.filter(|_| kept.is_none() && !duration.is_zero());
        if let (Some(before), Some(_)) = (before, next) {
            self.election = Some(Election { until: Instant::now() + duration, before });
        } else if duration.is_zero() {
            self.election = None;
        }
        self.leader = next.filter(|_| self.election.is_none());
    }
}
