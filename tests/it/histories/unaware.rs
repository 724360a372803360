//! A reader that has never heard of why: it sees releases put somewhere and services taken out.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use futures::StreamExt as _;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use shiplog_store::{log::Log as _, sqlite::SqliteLog};
use tempfile::tempdir;

use super::{
    checks::{self, running},
    data::{History, LaneName, State},
    fold::{Effect, by_line},
    import::batch,
};
use crate::support::{Client, Server, encode, say};

/// All that it knows of events: of what is put there, no intent, no actor, no reason.
#[derive(Deserialize)]
struct Requested {
    number: u32,
    release: Release,
}

#[derive(Deserialize)]
struct Release {
    version: String,
}

#[derive(Deserialize)]
struct Succeeded {
    number: u32,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Removed {
    at: Timestamp,
}

/// What it makes of the log.
#[derive(Default)]
struct Unaware {
    /// The version of each deployment, by stream and number.
    versions: HashMap<(String, u32), String>,
    /// What has run in each lane since when, by time, then by place in the log.
    runs: BTreeMap<LaneName, BTreeMap<(Timestamp, u64), Option<String>>>,
}

impl Unaware {
    /// Reads a whole log, as it is on disk.
    fn read(data: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut reader = Self::default();
        runtime.block_on(async {
            let log = SqliteLog::open_read_only(data).unwrap();
            let mut records = log.read_all(None);
            while let Some(record) = records.next().await {
                let record = record.unwrap();
                let event = &record.event;
                let stream = record.stream.as_str();
                reader.take(stream, record.position.0, &event.event_type, &event.data);
            }
        });
        reader
    }

    fn take(&mut self, stream: &str, position: u64, event_type: &str, data: &[u8]) {
        let (at, version) = match event_type {
            "DeploymentRequested" => {
                let Requested { number, release } = serde_json::from_slice(data).unwrap();
                self.versions.insert((stream.to_owned(), number), release.version);
                return;
            }
            "DeploymentSucceeded" => {
                let Succeeded { number, at } = serde_json::from_slice(data).unwrap();
                (at, Some(self.versions[&(stream.to_owned(), number)].clone()))
            }
            "ServiceRemoved" => {
                let Removed { at } = serde_json::from_slice(data).unwrap();
                (at, None)
            }
            _ => return,
        };
        self.runs.entry(lane(stream)).or_default().insert((at, position), version);
    }

    /// What runs in every environment, at an instant.
    fn state(&self, instant: Timestamp) -> State {
        let mut state = State::new();
        for ((service, environment), runs) in &self.runs {
            let last = runs.range(..=(instant, u64::MAX)).next_back();
            if let Some((_, Some(version))) = last {
                let lanes = state.entry(environment.clone()).or_default();
                lanes.insert(service.clone(), version.clone());
            }
        }
        state
    }
}

fn lane(stream: &str) -> LaneName {
    let (service, environment) = stream.strip_prefix("lane-").unwrap().split_once('@').unwrap();
    let decoded = |part| percent_decode_str(part).decode_utf8().unwrap().into_owned();
    (decoded(service), decoded(environment))
}

/// A line as its reporter tells of it: every second rollback says that it is one, and not what it
/// puts there.
fn report(index: usize, effect: &Effect<'_>, declared: bool) -> Value {
    let line = effect.line;
    let mut report = json!({
        "idempotency_key": format!("line-{index}"), "actor": line.actor,
        "service": line.service, "environment": line.environment, "at": effect.at,
    });
    let more = match &line.version {
        None => json!({"removed": true}),
        Some(version) if declared => json!({
            "status": "succeeded", "reason": "it was worse",
            "intent": {"kind": "rollback", "to": version}
        }),
        Some(version) => json!({
            "status": "succeeded", "release": {"version": version, "commit": line.commit}
        }),
    };
    report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    report
}

/// Reports a whole history; tells how many rollbacks were declared.
fn tell(client: &Client, history: &History) -> usize {
    let mut lanes: BTreeMap<_, _> =
        by_line(history).into_iter().map(|(lane, effects)| (lane, effects.into_iter())).collect();
    let (mut rollbacks, mut declared, mut reports) = (0, 0, Vec::new());
    for (index, line) in history.lines.iter().enumerate() {
        let effect = lanes.get_mut(&line.lane()).unwrap().next().unwrap();
        rollbacks += usize::from(effect.kind == "rollback");
        let says_so = effect.kind == "rollback" && rollbacks % 2 == 0;
        declared += usize::from(says_so);
        reports.push(report(index, &effect, says_so));
    }
    for some in reports.chunks(5_000) {
        batch(client, some);
    }
    declared
}

fn agrees(name: &str) {
    let Some(history) = History::find(name) else { return };
    let data = tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    let declared = tell(&client, &history);
    assert!(declared > 100, "{declared} rollbacks were declared");
    let position = client.position();
    let told = client.pages("/v1/rollbacks?declared=true", &position);
    assert_eq!(told.len(), declared);

    let reader = Unaware::read(data.path());
    assert_eq!(reader.state(Timestamp::MAX), history.state);
    checks::state_is(&client, &position, &history.state);
    // And at the instants of rollbacks that said so, whether it came before or after them.
    let instants = told.iter().step_by(told.len() / 12).map(|one| {
        let at = one["finished_at"].as_str().unwrap();
        at.parse::<Timestamp>().unwrap()
    });
    let mut compared = 0;
    for instant in instants {
        let state = reader.state(instant);
        for environment in history.state.keys() {
            let path = format!("/v1/environments/{}?at={instant}", encode(environment));
            let board = client.get_at(&path, &position);
            let seen = state.get(environment).cloned().unwrap_or_default();
            assert_eq!(running(&board), seen, "{environment} at {instant}");
            compared += seen.len();
        }
    }
    say(&format!("{name}: {declared} declared rollbacks, and {compared} lanes agree meanwhile"));
}

#[test]
fn a_reader_that_has_never_heard_of_intents_agrees_on_what_ran_at_wikimedia() {
    agrees("wikimedia");
}

#[test]
fn a_reader_that_has_never_heard_of_intents_agrees_on_what_ran_at_alphagov() {
    agrees("alphagov");
}
