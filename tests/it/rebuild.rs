//! A server that is killed again and again while it rebuilds a read model.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    home::Home,
    support::{Chance, Client, Server, say, shiplog, succeed},
};

/// How often the server is killed, unless `SHIPLOG_REBUILD_KILLS` says otherwise.
const KILLS: u64 = 10;

/// The server is killed after fewer questions than this.
const MOST_QUESTIONS: u64 = 150;

/// How many events there are at least.
const EVENTS: &str = "3000";

/// Whatever is asked meanwhile.
const QUESTION: &str = "/v1/deployments?limit=3";

#[test]
fn a_server_that_is_killed_while_it_rebuilds_answers_as_before_and_goes_on() {
    let kills = std::env::var("SHIPLOG_REBUILD_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let home = Home::embedded();
    succeed(&mut home.with_log(&["bench", "generate", "--events", EVENTS], "one"));
    let (mut chance, mut seen) = (Chance(7), BTreeMap::<String, u64>::new());
    let expected = asked(&home.server("one").client());
    for _ in 0..kills {
        let server = home.server("one");
        let client = server.client();
        begin(&client);
        for _ in 0..chance.below(MOST_QUESTIONS) {
            assert_eq!(asked(&client), expected);
        }
        *seen.entry(rebuild(&client)["status"].as_str().unwrap().to_owned()).or_default() += 1;
        server.kill();
        let replayed = succeed(home.with_log(&["replay", "history"], "one").args(["-o", "json"]));
        let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
        assert_eq!(replayed[0]["verdict"], "same", "{replayed}");
    }
    let server = home.server("one");
    ends_well(&server, &home);
    assert_eq!(asked(&server.client()), expected);
    assert!(server.stop().success());
    home.is_sound("one");
    say(&format!("killed {kills} times while a rebuild was {seen:?}"));
}

#[test]
fn a_rebuild_is_begun_slowed_down_paused_and_cancelled_by_whoever_asks() {
    let home = Home::embedded();
    succeed(&mut home.with_log(&["bench", "generate", "--events", "500"], "one"));
    let server = home.server("one");
    let client = server.client();
    assert_eq!(rebuild(&client), Value::Null);
    let slowly = json!({"max_events_per_second": 10}).to_string();
    let headers = [("Content-Type", "application/json")];
    let path = "/v1/projections/history/rebuild";
    let begun = client.send("POST", path, &headers, slowly.as_bytes()).expect(202).json();
    assert_eq!(begun["rebuild"]["max_events_per_second"], 10, "{begun}");
    let paused = client.send("POST", &format!("{path}/pause"), &[], b"").expect(200).json();
    assert_eq!(paused["name"], "history", "{paused}");
    while rebuild(&client)["status"] != "paused" {}
    let metrics = client.get("/metrics").expect(200).text();
    let running = "shiplog_projection_rebuild_running{projection=\"history\"} 1";
    assert!(metrics.contains(running), "{metrics}");
    client.send("POST", &format!("{path}/resume"), &[], b"").expect(200);
    while rebuild(&client)["status"] == "paused" {}
    let cancelled = client.send("DELETE", path, &[], b"").expect(200).json();
    assert_eq!(cancelled["rebuild"]["status"], "cancelled", "{cancelled}");
    for (method, path) in [("DELETE", path.to_owned()), ("POST", format!("{path}/pause"))] {
        let refused = client.send(method, &path, &[], b"").expect(404).json();
        assert_eq!(refused["code"], "not-rebuilding", "{refused}");
    }
    let unknown = client.send("POST", "/v1/projections/none/rebuild", &[], b"").expect(404).json();
    assert_eq!(unknown["code"], "unknown-projection", "{unknown}");
    begin(&client);
    ends_well(&server, &home);
    let mut follow = shiplog();
    follow.args(["projections", "rebuild", "current", "--follow", "--server", server.url()]);
    let said = String::from_utf8(succeed(&mut follow).stderr).unwrap();
    assert!(said.contains("current: done, the same as before at position"), "{said}");
}

fn asked(client: &Client) -> Value {
    client.get(QUESTION).expect(200).json()
}

fn begin(client: &Client) {
    client.send("POST", "/v1/projections/history/rebuild", &[], b"").expect(202);
}

fn rebuild(client: &Client) -> Value {
    client.get("/v1/projections/history").expect(200).json()["rebuild"].take()
}

/// Waits until the rebuild is over, which has to find what answered as it should be.
fn ends_well(server: &Server, home: &Home) {
    let client = server.client();
    let ended = loop {
        let rebuild = rebuild(&client);
        if !["building", "comparing"].contains(&rebuild["status"].as_str().unwrap()) {
            break rebuild;
        }
    };
    assert_eq!((&ended["status"], &ended["verdict"]["word"]), (&json!("done"), &json!("same")));
    let entries = fs::read_dir(home.directory("one").join("read-models")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let tables = names.filter(|name| name.starts_with("history") && name.ends_with(".sqlite"));
    assert_eq!(tables.count(), 1, "what answered before is deleted");
}
