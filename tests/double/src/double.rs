//! A double that a test holds.

use std::{
    fmt, io,
    net::{TcpListener, ToSocketAddrs},
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
};

use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::{
    cluster::Cluster,
    faults::Faults,
    memory::{Expected, Log, Stream},
    options::Options,
    server::{Listening, Server},
    tls,
};

/// Ports that the system gives to nobody by itself, so that a node that was stopped finds its own
/// free again.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A server, or a cluster of them, that speaks EventStoreDB's protocol.
///
/// It runs on threads of its own, so that nothing that a test does stops it, and ends when it is
/// dropped. What it was told is kept in memory for as long as it lives, whichever nodes are
/// stopped and started.
pub struct Double {
    cluster: Arc<Cluster>,
    nodes: Mutex<Vec<Option<Listening>>>,
    tls: Option<TlsAcceptor>,
    runtime: Option<Runtime>,
}

/// A copy of all that a cluster had been told.
pub struct Backup(Log);

impl fmt::Debug for Backup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Backup").field("records", &self.0.len()).finish()
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Double").field("uri", &self.uri()).finish_non_exhaustive()
    }
}

impl Double {
    /// Starts all nodes; they listen when it returns.
    ///
    /// # Errors
    ///
    /// If a port is taken, a certificate is none, or there are no nodes.
    pub fn start(options: Options) -> io::Result<Self> {
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let listeners = listeners(&options)?;
        let ports = listeners.iter().map(|it| Ok(it.local_addr()?.port()));
        let ports = ports.collect::<io::Result<Vec<_>>>()?;
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("double").enable_all().build()?;
        let nodes = Mutex::new(ports.iter().map(|_| None).collect());
        let cluster = Arc::new(Cluster::new(options, ports));
        let double = Self { cluster, nodes, tls, runtime: Some(runtime) };
        for (node, listener) in listeners.into_iter().enumerate() {
            double.listen(node, listener)?;
        }
        Ok(double)
    }

    /// The connection string, with all nodes.
    pub fn uri(&self) -> String {
        self.uri_with("")
    }

    /// The connection string, with more options: `uri_with("nodePreference=leader")`.
    pub fn uri_with(&self, options: &str) -> String {
        let nodes: Vec<_> =
            (0..self.cluster.ports().len()).filter_map(|node| self.address(node)).collect();
        self.uri_of(&nodes.join(","), options)
    }

    /// The connection string of one node.
    pub fn node_uri(&self, node: usize) -> String {
        self.uri_of(&self.address(node).unwrap_or_default(), "")
    }

    /// Where a node listens, or did: `127.0.0.1:20113`.
    pub fn address(&self, node: usize) -> Option<String> {
        let port = self.cluster.ports().get(node)?;
        Some(format!("{}:{port}", self.cluster.host()))
    }

    /// Switches to misbehave.
    pub fn faults(&self) -> &Faults {
        self.cluster.faults()
    }

    /// Stops a node: its connections are dropped and new ones refused when it returns. If it was
    /// the leader, another one leads, as long as more than half of the nodes are alive.
    pub fn stop(&self, node: usize) {
        let listening = self.nodes().get_mut(node).and_then(Option::take);
        self.cluster.set_alive(node, false);
        if let Some(listening) = listening {
            listening.stop();
        }
    }

    /// Starts a node again, on its port, with all that the cluster was told.
    ///
    /// # Errors
    ///
    /// If somebody else has taken the port.
    pub fn restart(&self, node: usize) -> io::Result<()> {
        if self.nodes().get(node).is_some_and(Option::is_some) {
            return Ok(());
        }
        let Some(port) = self.cluster.ports().get(node) else { return Ok(()) };
        self.listen(node, TcpListener::bind((self.cluster.host(), *port))?)
    }

    /// The node that leads, if one does.
    pub fn leader(&self) -> Option<usize> {
        self.cluster.leader()
    }

    /// Makes a node the leader. Gives whether it leads: it has to be alive, as more than half of
    /// the nodes have to be.
    pub fn lead(&self, node: usize) -> bool {
        self.cluster.lead(node)
    }

    /// Appends events of somebody else's: not ours, no JSON.
    pub fn write_foreign(&self, count: usize) {
        (0..count).for_each(|_| self.cluster.write_foreign());
    }

    /// A copy of all that the cluster has been told, as it is now.
    pub fn backup(&self) -> Backup {
        Backup(self.cluster.memory().copy())
    }

    /// Puts an older copy in the place of what the cluster has. A real one has to be stopped for that: its
    /// nodes are stopped first, and started again with the copy.
    ///
    /// # Errors
    ///
    /// If somebody else has taken a port.
    pub fn restore(&self, backup: &Backup) -> io::Result<()> {
        let nodes = 0..self.cluster.ports().len();
        nodes.clone().for_each(|node| self.stop(node));
        self.cluster.memory().restore(backup.0.clone());
        nodes.into_iter().try_for_each(|node| self.restart(node))
    }

    /// Writes an event into any stream, past whoever owns it.
    pub fn write_into(&self, stream: &str, kind: &str, json: bool, data: &[u8]) {
        self.cluster.write_into(stream, kind, json, data);
    }

    /// Sets the settings of a stream ("metadata"): `{"$maxCount":3}`.
    pub fn set(&self, stream: &str, settings: &str) {
        self.write_into(&format!("$${stream}"), "$metadata", true, settings.as_bytes());
    }

    /// Deletes a stream: softly, so that it can come back, or for ever. Gives whether it was there.
    pub fn delete(&self, stream: &str, for_ever: bool) -> bool {
        self.cluster.memory().delete(stream, Expected::Any, for_ever).is_ok()
    }

    /// Takes away all that cannot be read any more.
    pub fn scavenge(&self) {
        self.cluster.memory().scavenge();
    }

    /// Takes one event away, as a damaged disk does.
    pub fn lose(&self, stream: &str, revision: u64) {
        self.cluster.memory().lose(stream, revision);
    }

    /// How many records there are, those of the system and links included.
    pub fn records(&self) -> usize {
        self.cluster.memory().read().len()
    }

    /// How many events a stream has had.
    pub fn events(&self, stream: &str) -> u64 {
        self.cluster.memory().read().stream_named(stream).map_or(0, Stream::next)
    }

    /// How many connections are open, to all nodes.
    pub fn connections(&self) -> usize {
        self.cluster.connections().count()
    }

    /// How many calls have not come to their end, over all connections.
    pub fn calls(&self) -> usize {
        self.cluster.calls().count()
    }

    /// How many appends were refused because their stream was elsewhere than expected.
    pub fn conflicts(&self) -> u64 {
        self.cluster.conflicts().load(Relaxed)
    }

    fn uri_of(&self, nodes: &str, options: &str) -> String {
        let login = self.cluster.login();
        let login = login.map(|(name, password)| format!("{name}:{password}@")).unwrap_or_default();
        let tls = self.tls.is_some();
        let more = if options.is_empty() { String::new() } else { format!("&{options}") };
        format!("esdb://{login}{nodes}?tls={tls}{more}")
    }

    fn listen(&self, node: usize, listener: TcpListener) -> io::Result<()> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let _within = runtime.enter();
        let cluster = Arc::clone(&self.cluster);
        let server = Server { cluster, node, tls: self.tls.clone() };
        // Before anybody can ask it, so that its first answer is the right one.
        self.cluster.set_alive(node, true);
        let listening = server.listen(listener)?;
        if let Some(place) = self.nodes().get_mut(node) {
            *place = Some(listening);
        }
        Ok(())
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Option<Listening>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A listener for each node.
fn listeners(options: &Options) -> io::Result<Vec<TcpListener>> {
    if options.nodes == 0 {
        return Err(io::Error::other("a cluster has at least one node"));
    }
    if options.port > 0 {
        let ports = (options.port..).take(options.nodes);
        return ports.map(|port| TcpListener::bind((options.host.as_str(), port))).collect();
    }
    (0..options.nodes).map(|_| free(&options.host)).collect()
}

/// A listener where nobody else listens. Each process looks elsewhere first.
fn free(host: &str) -> io::Result<TcpListener> {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let addresses: Vec<_> = (host, 0).to_socket_addrs()?.collect();
    let ports = u32::from(PORTS.end - PORTS.start);
    for _ in PORTS {
        let tried = u32::from(TRIED.fetch_add(1, Relaxed));
        let offset = (process::id().wrapping_mul(97) + tried) % ports;
        let port = PORTS.start + u16::try_from(offset).unwrap_or_default();
        for address in &addresses {
            if let Ok(listener) = TcpListener::bind((address.ip(), port)) {
                return Ok(listener);
            }
        }
    }
    Err(io::Error::other("no port is free"))
}
