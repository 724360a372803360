//! A server that is killed again and again while many write to it.

pub(crate) mod walk;
pub(crate) mod writer;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use self::{
    walk::Walk,
    writer::{Round, Writer},
};
use crate::{
    home::Home,
    support::{Chance, Server, say},
};

/// How often the server is killed, unless `SHIPLOG_CRASHES` says otherwise.
const CRASHES: u64 = 50;

const WRITERS: usize = 32;

/// The server is killed after fewer acknowledgements than this, counted from its start.
const MOST_ACKNOWLEDGED: u64 = 300;

/// How soon the server should be ready again.
const AIM: Duration = Duration::from_secs(2);

/// How late it may be where the machine has other things to do.
const LATEST: Duration = Duration::from_secs(10);

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there_once_and_in_order() {
    survives(crashes(), &Home::embedded());
}

/// How often a server is to be killed.
pub(crate) fn crashes() -> u64 {
    std::env::var("SHIPLOG_CRASHES").map_or(CRASHES, |text| text.parse().unwrap())
}

/// Kills a server under load so many times, and checks what is there then.
pub(crate) fn survives(crashes: u64, home: &Home) {
    let mut writers: Vec<_> = (0..WRITERS).map(Writer::new).collect();
    let clock = AtomicU64::new(0);
    let mut chance = Chance(5);
    let mut ready: Vec<_> = (0..crashes)
        .map(|_| crash(home, &mut writers, &clock, chance.below(MOST_ACKNOWLEDGED)))
        .collect();

    let (server, last) = start(home);
    ready.push(last);
    let unheard = writers.iter().filter(|writer| writer.is_waiting()).count();
    for writer in &mut writers {
        writer.settle(&server.client(), &clock);
    }
    let walk = Walk::of(&server.client());
    walk.has_exactly(writers.iter().flat_map(|writer| &writer.acknowledged));
    walk.has_no_gaps();
    assert!(server.stop().success());
    home.is_sound("one");
    tell(&writers, ready, unheard);
}

/// Starts a server, has all writers write to it, and kills it after so many acknowledgements;
/// tells how soon it was ready.
fn crash(home: &Home, writers: &mut [Writer], clock: &AtomicU64, acknowledged: u64) -> Duration {
    let (server, ready) = start(home);
    let client = server.client();
    let killed = AtomicBool::new(false);
    let (heard, hear) = mpsc::channel();
    thread::scope(|scope| {
        for writer in writers {
            // A connection of its own for each.
            let (client, heard) = (client.anew(), heard.clone());
            let round = Round { client, clock, killed: &killed, heard };
            scope.spawn(move || writer.write(&round));
        }
        drop(heard);
        for _ in 0..acknowledged {
            hear.recv().unwrap();
        }
        killed.store(true, Ordering::SeqCst);
        server.kill();
    });
    ready
}

/// Starts a server, and tells how long it took from there until it was ready.
fn start(home: &Home) -> (Server, Duration) {
    let began = Instant::now();
    let server = home.server("one");
    let client = server.client();
    while client.get("/readyz").status != 200 {
        assert!(began.elapsed() < LATEST, "it is not ready: {}", client.get("/readyz").text());
    }
    (server, began.elapsed())
}

fn tell(writers: &[Writer], mut ready: Vec<Duration>, unheard: usize) {
    ready.sort();
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    let replayed: usize = writers.iter().map(|writer| writer.replayed).sum();
    say(&format!(
        "{} kills: {acknowledged} writes acknowledged, {replayed} of them only when they were sent \
         again, though they were there ({unheard} were open after the last kill); ready after {:?} at \
         the median and {:?} at most, {} times later than {AIM:?}",
        ready.len() - 1,
        ready[ready.len() / 2],
        ready[ready.len() - 1],
        ready.iter().filter(|took| **took > AIM).count(),
    ));
}
