//! Two servers on one cluster under load, while something goes wrong with it every second.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use shiplog_double::{Double, Ending, Status};

use crate::{
    crash::{
        walk::Walk,
        writer::{Passage, Writer},
    },
    home::Home,
    support::{Chance, Client, Server, say},
};

/// For how many seconds, unless `SHIPLOG_FAULT_SECONDS` says otherwise.
const SECONDS: usize = 5;

const WRITERS: usize = 32;

const NODES: usize = 3;

/// How long a second is.
const SECOND: Duration = Duration::from_secs(1);

/// Something that goes wrong, and what it is called.
type Fault = (&'static str, fn(&Double, &mut Chance));

/// All that the double can do wrong; each is over when its second is.
const FAULTS: [Fault; 9] = [
    ("written and not answered", |cluster, chance| {
        cluster.faults().drop_answers(1 + chance.below(5));
    }),
    ("the leader restarts", |cluster, _| {
        let leader = cluster.leader().unwrap();
        cluster.stop(leader);
        cluster.restart(leader).unwrap();
    }),
    ("another leader", |cluster, chance| {
        let other = cluster.leader().unwrap() + 1 + one_of(chance, NODES - 1);
        assert!(cluster.lead(other % NODES));
    }),
    ("refused", |cluster, chance| cluster.faults().refuse(1 + chance.below(50))),
    ("late", |cluster, chance| {
        cluster.faults().delay(Duration::from_millis(50 + chance.below(300)));
    }),
    ("a node is gone", |cluster, chance| cluster.stop(one_of(chance, NODES))),
    ("written and timed out", |cluster, chance| cluster.faults().time_out(1 + chance.below(20))),
    ("subscriptions end", |cluster, chance| {
        let broken = Ending::Error(Status::unavailable("on cue"));
        let ending = if chance.below(2) == 0 { Ending::Ok } else { broken };
        cluster.faults().close_subscriptions(ending);
    }),
    ("subscriptions are silent", |cluster, _| cluster.faults().stall(true)),
];

#[test]
fn two_servers_in_a_storm_lose_nothing_double_nothing_and_derive_the_same() {
    let seconds = std::env::var("SHIPLOG_FAULT_SECONDS");
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let home = Home::on_a_cluster(NODES);
    let servers = ["one", "other"].map(|name| home.server(name));
    let mut writers: Vec<_> = (0..WRITERS).map(Writer::new).collect();
    write_in_a_storm(home.cluster(), &servers, &mut writers, seconds);

    let [one, other] = &servers;
    let walk = Walk::of(&one.client());
    walk.has_exactly(writers.iter().flat_map(|writer| &writer.acknowledged));
    walk.has_no_gaps();
    let position = one.client().position();
    for server in [one, other] {
        is_level(&server.client(), &position);
    }
    home.is_sound("one");
    assert_eq!(home.replay("one"), home.replay("other"), "both servers derived the same");
    let count = |what: fn(&Writer) -> usize| writers.iter().map(what).sum::<usize>();
    say(&format!(
        "{seconds} s of faults: {} writes acknowledged, {} of them only when they were sent again, \
         though they were there; {} times `503`",
        count(|writer| writer.acknowledged.len()),
        count(|writer| writer.replayed),
        count(|writer| writer.put_off),
    ));
}

/// Has all writers write to both servers for so many seconds, each with a fault, and then to the end
/// of what they have begun.
fn write_in_a_storm(cluster: &Double, servers: &[Server], writers: &mut [Writer], seconds: usize) {
    let (clock, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (heard, hear) = mpsc::channel();
    let mut chance = Chance(6);
    thread::scope(|scope| {
        for writer in writers {
            let servers = servers.iter().map(Server::client).collect();
            let passage = Passage { servers, clock: &clock, over: &over, heard: heard.clone() };
            scope.spawn(move || writer.weather(&passage));
        }
        drop(heard);
        for nth in 0..seconds {
            // Each in turn, so that a short storm has all of them too.
            let (what, fault) = FAULTS[nth % FAULTS.len()];
            fault(cluster, &mut chance);
            let acknowledged = a_second(&hear);
            mend(cluster);
            say(&format!("{what}: {acknowledged} acknowledged"));
        }
        over.store(true, Ordering::SeqCst);
    });
}

/// Lets a second pass; tells how much was acknowledged in it.
fn a_second(hear: &Receiver<()>) -> usize {
    let until = Instant::now() + SECOND;
    let left = || until.saturating_duration_since(Instant::now());
    std::iter::from_fn(|| hear.recv_timeout(left()).ok()).count()
}

/// Puts everything right again.
fn mend(cluster: &Double) {
    cluster.faults().clear();
    for node in 0..NODES {
        cluster.restart(node).unwrap();
    }
}

/// Waits until every read model of a server has come to a position.
fn is_level(client: &Client, position: &str) {
    for path in ["environments", "deployments", "rollbacks", "releases"] {
        client.get_at(&format!("/v1/{path}"), position);
    }
}

fn one_of(chance: &mut Chance, limit: usize) -> usize {
    usize::try_from(chance.below(limit as u64)).unwrap()
}
