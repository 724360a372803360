//! How fast the double is with the crate `eventstore` as its client.
//!
//! `cargo run --release -p shiplog-double --example speed`

use std::{
    error::Error,
    fs,
    io::{self, Write},
    time::Instant,
};

use eventstore::{
    BatchAppendOptions, Client, EventData, ExpectedRevision, ReadAllOptions, StreamPosition,
    SubscribeToAllOptions, SubscriptionFilter,
};
use shiplog_double::{Double, Options};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many clients append at once.
const CLIENTS: u64 = 64;

/// How many events each of them appends, one at a time.
const EACH: u64 = 3_000;

/// The size of the events that the backends were measured with.
const BYTES: usize = 441;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    for projections in [false, true] {
        measure(projections).await?;
    }
    Ok(())
}

async fn measure(projections: bool) -> Result<()> {
    let double = Double::start(Options { projections, ..Options::default() })?;
    let client = Client::new(double.uri().parse()?)?;
    let total = CLIENTS * EACH;
    let links = if projections { "with links" } else { "no links" };

    let clock = Clock::start()?;
    append(&client).await?;
    clock.say(&format!("{links}: append, {CLIENTS} clients, one event each"), total)?;

    let clock = Clock::start()?;
    let mut read = client.read_all(&ReadAllOptions::default().max_count(usize::MAX)).await?;
    let mut events = 0;
    while read.next().await?.is_some() {
        events += 1;
    }
    clock.say(&format!("{links}: read $all, all of it"), events)?;

    let clock = Clock::start()?;
    let filter = SubscriptionFilter::on_stream_name().add_prefix("lane-");
    let options = SubscribeToAllOptions::default().position(StreamPosition::Start).filter(filter);
    let mut subscription = client.subscribe_to_all(&options).await;
    for _ in 0..total {
        subscription.next().await?;
    }
    clock.say(&format!("{links}: catch up, filtered by prefix"), total)
}

async fn append(client: &Client) -> Result<()> {
    let batch = std::sync::Arc::new(client.batch_append(&BatchAppendOptions::default()).await?);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let batch = std::sync::Arc::clone(&batch);
        clients.spawn(async move {
            let data = vec![b'x'; BYTES];
            for revision in 0..EACH {
                let event = EventData::binary("Measured", data.clone().into());
                let expected = match revision.checked_sub(1) {
                    None => ExpectedRevision::NoStream,
                    Some(last) => ExpectedRevision::Exact(last),
                };
                batch.append_to_stream(format!("lane-{number}"), expected, vec![event]).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    Ok(())
}

/// What the double's threads have used so far, in ticks of 10 ms.
fn ticks() -> Result<u64> {
    let mut ticks = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.starts_with("double") {
            let stat = fs::read_to_string(thread.join("stat"))?;
            let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            ticks += fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum::<u64>();
        }
    }
    Ok(ticks)
}

/// A stretch of time, of which the double's threads took a part.
struct Clock {
    began: Instant,
    ticks: u64,
}

impl Clock {
    fn start() -> Result<Self> {
        Ok(Self { began: Instant::now(), ticks: ticks()? })
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is rough")]
    fn say(self, what: &str, events: u64) -> Result<()> {
        let seconds = self.began.elapsed().as_secs_f64();
        let (rate, ticks) = (events as f64 / seconds, ticks()? - self.ticks);
        let each = ticks as f64 * 10_000.0 / events as f64;
        writeln!(
            io::stdout(),
            "{what}: {events} events in {seconds:.2} s, {rate:.0}/s; the double itself: {each:.2} µs an event"
        )?;
        Ok(())
    }
}
