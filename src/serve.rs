//! `shiplog serve`: the log, its read models and HTTP, in one process.

mod away;
mod descriptors;
mod huge_pages;
mod log_lines;
mod memory;
mod renewal;
mod stop;

use std::{
    io, net::SocketAddr, num::NonZero, panic, path::Path, pin::pin, sync::Arc, time::Duration,
};

use anyhow::Context as _;
use shiplog_api::{App, Hosts, PublicUrl, Stage};
use shiplog_projections::{models::ReadModels, script::Workshop};
use shiplog_store::{
    clock::{Clock, SystemClock, WatchedClock},
    log::Log,
};
use tokio::{net::TcpListener, time::timeout};
use tracing_subscriber::EnvFilter;

use self::{log_lines::LogLines, renewal::attend, stop::Stop};

use crate::{
    context::Context,
    data,
    exit::{Exit, Failure},
    generate,
    log::{LogArgs, Served},
    loss, script,
};

/// How long the threads that still compute may take when all else has ended.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Record deployments and answer questions, over HTTP.
///
/// The log and the read models are in the data directory, which is made if it does not exist and
/// which one process at a time can use. With --log the log is on a cluster, any number of servers
/// can use it, and the data directory holds the read models of this one alone. While the cluster is
/// away, reads are answered from them, and it resumes by itself. SIGINT and SIGTERM end it: it stops
/// accepting, finishes what runs, commits and exits.
///
/// There is no access control yet: whoever reaches the address can read and write everything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  shiplog serve
  shiplog serve --demo
  shiplog serve --data /var/lib/shiplog --listen 127.0.0.1:7420
  shiplog serve --log 'esdb://admin:changeit@node1,node2,node3?tls=true'")]
pub(crate) struct Serve {
    #[command(flatten)]
    log: LogArgs,
    /// The address to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", env = "SHIPLOG_LISTEN", default_value = "127.0.0.1:7420")]
    listen: SocketAddr,
    /// Fill an empty log with a generated history to look around in.
    #[arg(long)]
    demo: bool,
    /// An address under which people reach the server, through a proxy for instance.
    ///
    /// A request that names any other host than these, `localhost` and the address that is listened
    /// at is answered with 421, and a page at any other address cannot change anything.
    #[arg(long, value_name = "URL", env = "SHIPLOG_PUBLIC_URL", value_delimiter = ',')]
    public_url: Vec<PublicUrl>,
    /// How many connections there are at once; one more is answered with 503.
    ///
    /// Unless it is said, it is as many as there are file descriptors for, without 256 that the log and
    /// the read models keep, and at most 4,096.
    #[arg(long, value_name = "N", env = "SHIPLOG_MAX_CONNECTIONS")]
    max_connections: Option<NonZero<u32>>,
    /// How many MiB of the histories that commands are decided on are kept in memory, about.
    ///
    /// What is not kept is read again when it is used. Unless it is said, it is a sixteenth of the memory
    /// that the server may take, between 16 and 256.
    #[arg(long, value_name = "MIB", env = "SHIPLOG_CACHE_MIB")]
    cache_mib: Option<u32>,
    /// Go on though the log has lost what came after this position, where it ends now; what knows of
    /// that is kept in `lost-…` in the data directory.
    #[arg(long, value_name = "POSITION", conflicts_with = "log")]
    accept_loss_after: Option<u64>,
}

impl Serve {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        tracing_subscriber::fmt()
            .with_env_filter(filter(context))
            .with_writer(|| LogLines(io::stderr()))
            .with_ansi(false)
            .init();
        // What a panic says goes the same way: it may quote what came from outside.
        panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked")));
        huge_pages::disable();
        let runtime = data::runtime()?;
        let ended = runtime.block_on(self.serve(context));
        // What still computes for nobody does not keep the process.
        runtime.shutdown_timeout(LAST_MOMENT);
        ended
    }

    async fn serve(self, context: &mut Context<'_>) -> anyhow::Result<Exit> {
        let Self {
            log: place,
            listen,
            demo,
            public_url,
            max_connections,
            cache_mib,
            accept_loss_after,
        } = self;
        let data = &place.data.data;
        // First, so that a taken port is found out before anything is made.
        let listener = bind(listen).await?;
        let address = listener.local_addr().context("cannot tell where it listens")?;
        let hosts = Hosts::new(address, public_url);
        let clock: Arc<dyn Clock> = Arc::new(WatchedClock::start(Arc::new(SystemClock)));
        let cache_bytes = cache_mib.map_or_else(memory::cache_bytes, |mib| (mib as usize) << 20);
        let machine = Machine { clock: Arc::clone(&clock), cache_bytes };
        let connections = descriptors::connections();
        let connections = max_connections.map_or(connections, |most| most.get() as usize);
        let (served, _lock) = place.serve(clock, accept_loss_after).await?;
        // Before anybody is told that it listens: whoever knows may ask it to stop.
        let stop = Stop::listen().context("cannot listen for signals")?;
        let renew = async || {
            let log = place.again(&machine.clock).await;
            let derived = begin((&log, &machine), data).await?;
            Ok((log, derived))
        };
        match served {
            Served::Here(log) => {
                let derived = start(context, (&log, &machine), data, demo).await?;
                announce(context, &listener, data)?;
                let stage = Stage::of(derived.app(Arc::clone(&log)), hosts, connections);
                let serving = pin!(shiplog_api::serve(listener, &stage, stop.asked()));
                let derived = attend(serving, &stage, (log, derived), renew).await?;
                derived.stop().await;
            }
            Served::Away(awaited) => {
                announce(context, &listener, data)?;
                let directory = data::read_models(data);
                let start = async |log: &_| start(context, (log, &machine), data, demo).await;
                away::serve(
                    (listener, hosts, connections),
                    stop,
                    (&directory, &machine),
                    awaited,
                    (start, renew),
                )
                .await?;
            }
        }
        tracing::info!("stopped");
        Ok(Exit::Success)
    }
}

/// How long committing what was folded may take at the end: it is folded again otherwise.
const COMMITTING: Duration = Duration::from_secs(1);

/// What a server takes of its machine.
#[derive(Clone)]
struct Machine {
    clock: Arc<dyn Clock>,
    /// The memory for streams that are kept folded.
    cache_bytes: usize,
}

/// What is derived from a log: read models, and what users wrote.
struct Derived {
    models: Arc<ReadModels>,
    scripts: Arc<Workshop>,
    machine: Machine,
}

impl Derived {
    /// Opens what is in a directory and keeps it level with a log.
    async fn follow(
        log: &Arc<dyn Log>,
        machine: &Machine,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let models = ReadModels::start(log, directory).await;
        let models = models.map_err(|error| Failure::new(Exit::Failure, data::causes(&error)))?;
        let models = Arc::new(models);
        let scripts = Workshop::start(log, &models, directory, script::program()?);
        Ok(Self { models, scripts: Arc::new(scripts), machine: machine.clone() })
    }

    /// A server of this and of the log.
    fn app(&self, log: Arc<dyn Log>) -> App {
        let (models, scripts) = (Arc::clone(&self.models), Arc::clone(&self.scripts));
        let Machine { clock, cache_bytes } = self.machine.clone();
        App::new(log, models, scripts, clock, cache_bytes)
    }

    async fn stop(&self) {
        let stopped = async {
            self.scripts.stop().await;
            self.models.stop().await;
        };
        if timeout(COMMITTING, stopped).await.is_err() {
            tracing::warn!(
                "the read models were not committed within {COMMITTING:?}; they go on next time"
            );
        }
    }
}

/// Has the read models follow the log, but for those that know another one.
async fn begin((log, machine): (&Arc<dyn Log>, &Machine), data: &Path) -> anyhow::Result<Derived> {
    if log.is_shared() {
        loss::keep_aside_of_cluster(data, &**log).await?;
    }
    Derived::follow(log, machine, &data::read_models(data)).await
}

/// Has the read models follow the log, and fills that first if it is empty and should not be.
async fn start(
    context: &mut Context<'_>,
    (log, machine): (&Arc<dyn Log>, &Machine),
    data: &Path,
    demo: bool,
) -> anyhow::Result<Derived> {
    let filled = demo && fill(context, log).await?;
    let derived = begin((log, machine), data).await?;
    if filled {
        // Whoever asked for a history to look at should not find half of it.
        level(log, &derived.models).await?;
    }
    Ok(derived)
}

/// What is worth telling: `SHIPLOG_LOG=debug`, or by module as `tracing` filters are written.
fn filter(context: &Context<'_>) -> EnvFilter {
    let wanted = (context.variables)("SHIPLOG_LOG");
    EnvFilter::new(wanted.unwrap_or_else(|| "info,tower_http=warn,eventstore=off".into()))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let failure =
            Failure::new(Exit::Unavailable, format!("cannot listen at {address}: {error}"));
        if error.kind() == io::ErrorKind::AddrInUse {
            return failure
                .note("something listens there already; choose another one with --listen ADDRESS");
        }
        failure.note("choose another address with --listen ADDRESS")
    })
}

/// Fills an empty log with the demonstration history; says whether it did.
async fn fill(context: &mut Context<'_>, log: &Arc<dyn Log>) -> anyhow::Result<bool> {
    if log.head().await.context("cannot read the log")?.is_some() {
        context.say("the log is not empty: the demonstration history is not added to it")?;
        return Ok(false);
    }
    let plan = generate::Plan::demo(context.now);
    let summary = generate::load(Arc::clone(log), generate::history(&plan), &mut |_| {}).await?;
    context.say(format!("generated a demonstration history of {} steps", summary.recorded))?;
    Ok(true)
}

/// Waits until every read model has come to where the log is now.
async fn level(log: &Arc<dyn Log>, models: &ReadModels) -> anyhow::Result<()> {
    let head = log.head().await.context("cannot read the log")?;
    for model in models.all() {
        if let Some(head) = head {
            model.at_least(head, Duration::MAX).await?;
        }
    }
    Ok(())
}

fn announce(context: &mut Context<'_>, listener: &TcpListener, data: &Path) -> anyhow::Result<()> {
    let address = listener.local_addr().context("cannot tell where it listens")?;
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "anybody who can reach {address} can read and write everything: there is no access \
             control yet"
        );
    }
    writeln!(
        context.out,
        "shiplog listens at http://{address} and keeps its data in {}",
        data.display()
    )?;
    context.out.flush()?;
    Ok(())
}
