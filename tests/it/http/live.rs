//! The log as it grows, told to whoever listens, and how a server that is asked to stop ends.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, step, succeeded},
    server::Server,
};

const LIVE: &str = "/v1/events/live";

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    id: u64,
    kind: String,
    data: Value,
}

/// The events of a stream, without its head and its comments.
fn told(lines: impl Iterator<Item = String>) -> impl Iterator<Item = Told> {
    let (mut id, mut kind) = (0, String::new());
    lines.filter_map(move |line| {
        match line.split_once(": ")? {
            ("id", text) => id = text.parse().unwrap(),
            ("event", text) => text.clone_into(&mut kind),
            ("data", text) => {
                let data = serde_json::from_str(text).unwrap();
                return Some(Told { id, kind: std::mem::take(&mut kind), data });
            }
            _ => {}
        }
        None
    })
}

#[test]
fn a_stream_tells_what_was_recorded_after_a_position_and_then_what_is() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let mut stream = told(server.ask("GET", &format!("{LIVE}?after=0")).follow());
    assert_eq!(stream.next().unwrap().kind, "DeploymentRequested");
    assert_eq!(stream.next().unwrap().kind, "DeploymentSucceeded");

    server.post(DEPLOYMENTS, &asked("1.1"));
    server.post(&step(2, "start"), &json!({"executor": "argo"}));
    let (requested, started) = (stream.next().unwrap(), stream.next().unwrap());
    assert_eq!((requested.id, requested.kind.as_str()), (3, "DeploymentRequested"));
    assert_eq!((started.id, started.kind.as_str()), (4, "DeploymentStarted"));
    assert_eq!(started.data["data"]["executor"], "argo");
    let listed = server.get("/v1/events?after=3")["items"][0].clone();
    assert_eq!(started.data, listed, "it is told as it is listed");
}

#[test]
fn who_comes_back_is_told_what_it_missed_and_nothing_twice() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    // The browser's own header counts before what its address says.
    let again = server.ask("GET", &format!("{LIVE}?after=1")).header("Last-Event-ID", "4");
    let missed: Vec<_> = told(again.follow()).take(2).map(|told| told.id).collect();
    assert_eq!(missed, [5, 6]);
    let head = server.ask("GET", LIVE).follow();
    // It says that it listens before anything is recorded.
    let mut head = head.skip_while(|line| *line != ": live");
    assert!(head.next().is_some());
    server.post(DEPLOYMENTS, &asked("1.3"));
    assert_eq!(told(head).next().unwrap().id, 7, "from now on, unless something else is said");
}

#[test]
fn a_server_that_is_asked_to_stop_ends_its_streams_and_keeps_what_it_took() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let mut stream = server.ask("GET", &format!("{LIVE}?after=0")).follow();
    assert!(stream.any(|line| line == "event: DeploymentSucceeded"));
    server.signal();
    // It says no more, and the connection is closed.
    assert!(told(stream.by_ref().skip(1)).next().is_none());
    let server = server.restart();
    assert_eq!(server.get(LANE)["current"]["release"]["version"], "1.0");
}
