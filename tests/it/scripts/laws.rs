//! A projection comes to the same, however often its server is stopped or killed on the way.

use serde_json::{Value, json};

use super::{define, partitions, shown};
use crate::support::{Chance, Client, Server, say, shiplog};

/// What is counted of each lane; each new definition is another text, so that it begins anew.
fn source(round: u64) -> String {
    format!(
        "// {round}
         fromCategory('lane').foreachStream().when({{
             $init: () => ({{ types: {{}}, last: null }}),
             $any(s, e) {{
                 s.types[e.eventType] = (s.types[e.eventType] ?? 0) + 1;
                 if (s.last !== null && s.last >= e.position) throw new Error('out of order');
                 s.last = e.position;
             }},
         }})"
    )
}

/// The same counts, from the events themselves.
fn expected(client: &Client) -> Value {
    let mut lanes = serde_json::Map::new();
    let mut path = "/v1/events?limit=1000&after=0".to_owned();
    loop {
        let page = client.get(&path).expect(200).json();
        for event in page["items"].as_array().unwrap() {
            let stream = event["stream"].as_str().unwrap();
            if !stream.starts_with("lane-") {
                continue;
            }
            let lane = lanes.entry(stream).or_insert_with(|| json!({ "types": {}, "last": null }));
            let count = &mut lane["types"][event["type"].as_str().unwrap()];
            *count = json!(count.as_u64().unwrap_or_default() + 1);
            lane["last"] = event["position"].clone();
        }
        let Some(next) = page["next"].as_str() else { return Value::Object(lanes) };
        path = format!("/v1/events?limit=1000&after={next}");
    }
}

fn found(client: &Client, name: &str) -> Value {
    let lanes = partitions(client, name).into_iter();
    let told =
        lanes.map(|mut one| (one["partition"].as_str().unwrap().to_owned(), one["state"].take()));
    Value::Object(told.collect())
}

#[test]
fn a_projection_comes_to_the_same_however_often_its_server_is_killed_while_it_catches_up() {
    const KILLS: u64 = 8;
    let data = tempfile::tempdir().unwrap();
    let mut serve = shiplog();
    serve.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let mut server = Server::run(&mut serve);
    let expected = expected(&server.client());
    let mut chance = Chance(11);
    let mut half_way = 0;
    for round in 0..KILLS {
        let client = server.client();
        define(&client, "counts", &source(round));
        let total = shown(&client, "counts")["events_total"].as_u64().unwrap();
        let enough = chance.below(total);
        let done = loop {
            let shown = shown(&client, "counts");
            let done = shown["events_done"].as_u64().unwrap();
            if done >= enough || shown["status"] == "live" {
                break done;
            }
        };
        half_way += u64::from(done < total);
        server.kill();
        server = Server::start(data.path());
        assert_eq!(found(&server.client(), "counts"), expected, "killed after {done} of {total}");
    }
    say(&format!("{half_way} of {KILLS} kills came while the projection caught up"));
    assert!(server.stop().success());
}

#[test]
fn a_projection_comes_to_the_same_however_often_its_server_is_stopped() {
    let data = tempfile::tempdir().unwrap();
    let mut chance = Chance(12);
    let mut server = Server::start(data.path());
    define(&server.client(), "live", &source(0)).expect(201);
    for round in 0..6_u64 {
        let client = server.client();
        for _ in 0..chance.below(12) {
            let body = json!({
                "service": format!("service-{}", chance.below(3)), "environment": "production",
                "status": (["succeeded", "failed", "started"])[usize::try_from(chance.below(3)).unwrap()],
                "release": { "version": chance.below(5).to_string() },
            });
            let kind = [("Content-Type", "application/json")];
            client.send("POST", "/v1/deployments", &kind, body.to_string().as_bytes()).expect(201);
        }
        // Sometimes it is level when it is stopped, sometimes not.
        if round % 2 == 0 {
            partitions(&client, "live");
        }
        assert!(server.stop().success());
        server = Server::start(data.path());
    }
    let client = server.client();
    define(&client, "rebuilt", &source(1)).expect(201);
    let live = found(&client, "live");
    assert_eq!(live, expected(&client));
    assert_eq!(live, found(&client, "rebuilt"));
}
