//! What ran at an instant, and what was known of it, against a fold of the lines alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    cluster::transfer::there_and_back,
    histories::{
        checks::{is_whole, running},
        data::{History, Line},
        fold::{Effects, by_line},
        import::{import_into, is_summary_of, send},
    },
    home::Home,
    support::{Chance, Client, Server, encode},
};

/// How many instants of each history are asked for.
const INSTANTS: u64 = 1_000;

/// What ran somewhere, by service: its version and since when.
type Running = BTreeMap<String, (String, Timestamp)>;

/// A change: when it counts, its service, and the version that has run since.
type Change<'h> = (Timestamp, &'h str, Option<&'h str>);

#[test]
fn wikimedia_was_at_any_instant_what_its_lines_say_and_goes_to_a_cluster_and_back() {
    let home = Home::embedded();
    if any_instant("wikimedia", INSTANTS, 1, &home) {
        there_and_back(&home);
    }
}

#[test]
fn alphagov_is_whole_and_was_at_any_instant_what_its_lines_say_up_to_then() {
    let home = Home::embedded();
    let is_there = any_instant("alphagov", INSTANTS, 2, &home);
    // Copying one event after the other takes minutes in a debug build: tests/transfer does it.
    if is_there && env::var_os("SHIPLOG_TRANSFER_ALPHAGOV").is_some() {
        there_and_back(&home);
    }
}

#[test]
fn what_was_known_between_two_batches_is_what_had_been_sent() {
    let Some(history) = History::find("wikimedia") else { return };
    let data = tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    let mut chance = Chance(3);
    let mut lines: Vec<_> = history.lines.iter().collect();
    chance.shuffle(&mut lines);
    let mut batches = Vec::new();
    for block in lines.chunks(1_000) {
        send(&client, block);
        batches.push(last_recorded_at(&client));
    }
    assert!(batches.is_sorted_by(|one, next| one < next), "{batches:?}");
    let instants = Instants::of(&history);
    for _ in 0..300 {
        let (environment, at) = instants.pick(&mut chance);
        let batch = usize::try_from(chance.below(batches.len() as u64)).unwrap();
        let known_at = batches[batch];
        let sent = lines.iter().take((batch + 1) * 1_000);
        let path = format!("/v1/environments/{}?at={at}&known_at={known_at}", encode(environment));
        let answer = client.get_at(&path, &client.position());
        assert_eq!(told(&answer), fold(changes(sent, environment), at), "{path}");
    }
}

/// When the log learned of its last event.
fn last_recorded_at(client: &Client) -> Timestamp {
    let ready = client.get("/readyz").json();
    let last = ready["head"].as_u64().unwrap();
    let events = client.get(&format!("/v1/events?after={}", last - 1)).expect(200).json();
    events["items"][0]["recorded_at"].as_str().unwrap().parse().unwrap()
}

/// Imports a history, if it is there, without a server, and asks for what ran at so many instants.
pub(crate) fn any_instant(name: &str, instants: u64, seed: u64, home: &Home) -> bool {
    let Some(history) = History::find(name) else { return false };
    is_summary_of(&import_into(&history, home), &history);
    let server = home.server("one");
    let client = server.client();
    let effects = by_line(&history);
    is_whole(&client, &history, &effects);

    let places = Instants::of(&history);
    let changes: BTreeMap<_, _> =
        places.environments.iter().map(|name| (*name, counted(&effects, name))).collect();
    let mut chance = Chance(seed);
    for _ in 0..instants {
        let (environment, at) = places.pick(&mut chance);
        let path = format!("/v1/environments/{}?at={at}", encode(environment));
        let answer = client.get(&path).expect(200).json();
        let expected = fold(changes[environment].iter().copied(), at);
        assert_eq!(told(&answer), expected, "{path}");
    }
    true
}

/// The changes of an environment by when they count, which within a lane is the order of the lines.
fn counted<'h>(effects: &Effects<'h>, environment: &str) -> Vec<Change<'h>> {
    let effects = effects.values().flatten().filter(|one| one.line.environment == environment);
    effects.map(|one| (one.at, one.line.service.as_str(), one.line.version.as_deref())).collect()
}

/// The changes of an environment by their own time, then in the order in which they were sent.
fn changes<'h>(
    lines: impl Iterator<Item = &'h &'h Line>,
    environment: &str,
) -> impl Iterator<Item = Change<'h>> {
    let lines = lines.filter(|line| line.environment == environment);
    let mut changes: Vec<_> =
        lines.map(|line| (line.time, line.service.as_str(), line.version.as_deref())).collect();
    changes.sort_by_key(|(at, ..)| *at);
    changes.into_iter()
}

/// What runs at an instant: of each service, the last change up to then.
fn fold<'h>(changes: impl Iterator<Item = Change<'h>>, until: Timestamp) -> Running {
    let mut running = BTreeMap::new();
    for (at, service, version) in changes.filter(|(at, ..)| *at <= until) {
        match version {
            Some(version) => running.insert(service, (version, at)),
            None => running.remove(service),
        };
    }
    let owned =
        |(service, (version, at)): (&str, (&str, _))| (service.into(), (version.into(), at));
    running.into_iter().map(owned).collect()
}

/// What a board says.
fn told(board: &Value) -> Running {
    let lanes = board["lanes"].as_array().unwrap();
    let since = |service: &str| {
        let lane = lanes.iter().find(|lane| lane["service"] == service).unwrap();
        lane["current"]["since"].as_str().unwrap().parse().unwrap()
    };
    running(board)
        .into_iter()
        .map(|(service, version)| {
            let since = since(&service);
            (service, (version, since))
        })
        .collect()
}

/// Instants worth asking for.
struct Instants<'h> {
    environments: Vec<&'h str>,
    times: Vec<Timestamp>,
}

impl<'h> Instants<'h> {
    fn of(history: &'h History) -> Self {
        let environments: BTreeSet<_> =
            history.lines.iter().map(|line| line.environment.as_str()).collect();
        let times: BTreeSet<_> = history.lines.iter().map(|line| line.time).collect();
        Self {
            environments: environments.into_iter().collect(),
            times: times.into_iter().collect(),
        }
    }

    /// An environment, and an instant: at the very time of a line, next to one, or anywhere from a
    /// day before the first to a day after the last.
    fn pick(&self, chance: &mut Chance) -> (&'h str, Timestamp) {
        let mut one_of = |length: usize| usize::try_from(chance.below(length as u64)).unwrap();
        let environment = self.environments[one_of(self.environments.len())];
        let time = self.times[one_of(self.times.len())];
        let day = SignedDuration::from_hours(24);
        let (first, last) = (self.times[0] - day, self.times[self.times.len() - 1] + day);
        let micro = SignedDuration::from_micros(1);
        let at = match one_of(6) {
            0 => time,
            1 => time - micro,
            2 => time + micro,
            _ => {
                let span = last.as_microsecond() - first.as_microsecond();
                let after = chance.below(u64::try_from(span).unwrap());
                first + SignedDuration::from_micros(i64::try_from(after).unwrap())
            }
        };
        (environment, at)
    }
}
