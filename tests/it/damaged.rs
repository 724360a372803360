//! A lane whose events do not fit: it says so wherever it is told of, nothing is recorded in it, and all
//! others go on.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Client, Server, shiplog};

/// Something that somebody does to the log's file, and what is said of it.
struct Hand {
    does: &'static str,
    said: &'static str,
    /// Whether the event can no longer be read at all; else it can, and does not fit.
    is_unreadable: bool,
}

/// The second event of `checkout`, which is `DeploymentSucceeded` of its first deployment.
const AT: u64 = 4;

const HANDS: [Hand; 8] = [
    Hand {
        does: "UPDATE events SET metadata = x'7b' WHERE position = 4",
        said: "its metadata",
        is_unreadable: true,
    },
    Hand {
        does: "UPDATE events SET id = x'00' WHERE position = 4",
        said: "the event id has not 16 bytes",
        is_unreadable: true,
    },
    Hand {
        does: "UPDATE events SET type = 99 WHERE position = 4",
        said: "type `99` has no name",
        is_unreadable: true,
    },
    Hand {
        does: "UPDATE events SET data = x'00ff' WHERE position = 4",
        said: "damaged",
        is_unreadable: false,
    },
    Hand {
        does: "DELETE FROM events WHERE position = 4",
        said: "it has version `2` where `1` is due",
        is_unreadable: false,
    },
    Hand {
        does: r#"UPDATE events SET data = cast(replace(data, '"number":1', '"number":9') AS BLOB)
                 WHERE position = 4"#,
        said: "it speaks of deployment `#9`, which nothing requested",
        is_unreadable: false,
    },
    Hand {
        does: "UPDATE events SET schema = 9, readable_from = 9 WHERE position = 4",
        said: "a newer Shiplog is needed",
        is_unreadable: false,
    },
    Hand {
        does: "UPDATE events SET type = (SELECT type FROM events WHERE position = 3), data = (SELECT data \
               FROM events WHERE position = 3) WHERE position = 4",
        said: "it requests deployment `#1` where `#2` is due",
        is_unreadable: false,
    },
];

/// A data directory with two lanes, and what is done to its log by hand.
struct World(TempDir);

impl World {
    /// `search` has the events 1, 2, 7 and 8; `checkout` those between.
    fn new() -> (Self, Server) {
        let world = Self(tempdir().unwrap());
        let server = world.serve();
        let client = server.client();
        for (service, version) in
            [("search", "1.0"), ("checkout", "1.0"), ("checkout", "1.1"), ("search", "1.1")]
        {
            report(&client, service, version).expect(201);
        }
        (world, server)
    }

    fn data(&self) -> &Path {
        self.0.path()
    }

    fn serve(&self) -> Server {
        Server::run(
            shiplog()
                .env("SHIPLOG_LOG", "off")
                .arg("serve")
                .arg("--data")
                .arg(self.data())
                .args(["--listen", "127.0.0.1:0"]),
        )
    }

    fn sql(&self, sql: &str) {
        let file = Connection::open(self.data().join("log.sqlite")).unwrap();
        // As the tool of somebody who does not know of them.
        file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        file.execute_batch(sql).unwrap();
    }
}

fn write(client: &Client, path: &str, body: &Value) -> crate::support::Answer {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", path, &headers, body.to_string().as_bytes())
}

fn report(client: &Client, service: &str, version: &str) -> crate::support::Answer {
    let body = json!({"service": service, "environment": "production",
        "release": {"version": version}, "status": "succeeded", "at": "2026-03-01T09:00:00Z"});
    write(client, "/v1/deployments", &body)
}

/// That the lane is told of as damaged, everywhere, and nothing is recorded in it.
fn is_damaged(client: &Client, Hand { does, said, .. }: &Hand) {
    let position = client.position();
    let lane = client.get_at("/v1/lanes/checkout/production", &position);
    let at = if does.starts_with("DELETE") { AT + 1 } else { AT };
    let current = client.get("/v1/projections/current").json();
    assert_eq!(lane["damaged"]["position"], at, "{does}: {lane} {current}");
    assert!(lane["damaged"]["problem"].as_str().unwrap().contains(said), "{does}: {lane}");
    let board = client.get_at("/v1/environments/production", &position);
    assert_eq!(board["damaged_total"], 1, "{does}: {board}");
    let [checkout, search] = &board["lanes"].as_array().unwrap()[..] else { panic!("{board}") };
    assert_eq!((&checkout["damaged"], &search["damaged"]), (&lane["damaged"], &Value::Null));
    assert_eq!(checkout["damaged"]["position"], board["damaged"][0]["position"]);

    let head = client.get("/readyz").expect(200).json()["head"].take();
    let requested = json!({"service": "checkout", "environment": "production",
        "release": {"version": "1.2"}, "status": "requested"});
    let refused = [
        report(client, "checkout", "1.2"),
        write(client, "/v1/deployments", &requested),
        write(client, "/v1/deployments/checkout/production/1/notes", &json!({"text": "?"})),
        client.send("DELETE", "/v1/lanes/checkout/production", &[], b""),
        client.get("/v1/deployments/checkout/production/1/recovery"),
    ];
    for answer in refused {
        if said.contains("newer Shiplog") {
            assert_eq!(answer.expect(501).json()["code"], "newer-needed");
            continue;
        }
        let answer = answer.expect(503);
        assert_eq!(answer.header("Retry-After"), "1");
        let problem = answer.json();
        assert_eq!(problem["code"], "lane-damaged", "{does}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`checkout` in `production` is damaged since event"), "{detail}");
    }
    assert_eq!(client.get("/readyz").expect(200).json()["head"], head, "{does}");
}

/// That all else goes on, beside lines of the damaged lane.
fn others_go_on(client: &Client, does: &str) {
    report(client, "search", "1.2").expect(201);
    let line = |service: &str| {
        json!({"service": service, "environment": "production", "release": {"version": "1.3"},
            "status": "succeeded", "at": "2026-03-01T10:00:00Z", "idempotency_key": service})
    };
    let lines = format!("{}\n{}\n", line("checkout"), line("search"));
    let headers = [("Content-Type", "application/x-ndjson")];
    let batch = client.send("POST", "/v1/deployments:batch", &headers, lines.as_bytes());
    let text = batch.text();
    let code = if does.contains("schema = 9") { "newer-needed" } else { "lane-damaged" };
    assert!(text.contains(code) && text.contains("recorded"), "{does}: {text}");
    let position = client.position();
    let search = client.get_at("/v1/lanes/search/production", &position);
    assert_eq!(search["current"]["release"]["version"], "1.3", "{does}: {search}");
}

fn operators_are_told(client: &Client, does: &str) {
    let ready = client.get("/readyz").expect(200).json();
    assert_eq!(
        (&ready["status"], &ready["stalled"]),
        (&json!("ready"), &json!([])),
        "{does}: {ready}"
    );
    assert_eq!(ready["damaged_total"], 1, "{does}: {ready}");
    assert_eq!(ready["damaged"][0]["stream"], "lane-checkout@production");
    assert!(ready["notes"].to_string().contains("lane-checkout@production"), "{ready}");
    let metrics = client.get("/metrics").expect(200).text();
    for projection in ["current", "history", "rollbacks", "releases", "definitions"] {
        let gauge = format!("shiplog_damaged_streams{{projection=\"{projection}\"}} 1");
        assert!(metrics.contains(&gauge), "{does}: {metrics}");
    }
    let projections = client.get("/v1/projections").expect(200).json();
    for projection in projections["items"].as_array().unwrap() {
        assert_eq!(projection["damaged_total"], 1, "{does}: {projection}");
    }
}

/// That each page tells of it, in words.
fn pages_tell(client: &Client, does: &str) {
    for (page, said) in [
        ("/", "Damaged since"),
        ("/lanes/checkout/production", "Damaged since"),
        ("/lanes/checkout/production/1", "Damaged since"),
        ("/history", "1 stream is damaged"),
        ("/projections", "Damaged streams"),
    ] {
        let page_text = client.get(page).expect(200).text();
        assert!(page_text.contains(said), "{does}: {page}: {page_text}");
    }
    let sound = client.get("/lanes/search/production").expect(200).text();
    assert!(!sound.contains("amaged"), "{sound}");
    let listed = client.get("/v1/deployments").expect(200);
    assert_eq!(listed.header("Shiplog-Damaged"), "1");
}

/// All positions of the log, read one event a page, with what stands in the place of each.
fn events(client: &Client) -> Vec<(u64, String)> {
    let (mut events, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = client.get(&format!("/v1/events?limit=1&after={after}")).expect(200).json();
        for item in page["items"].as_array().unwrap() {
            events.push((
                item["position"].as_u64().unwrap(),
                item["type"].as_str().unwrap().to_owned(),
            ));
        }
        let Some(next) = page["next"].as_str() else { return events };
        next.clone_into(&mut after);
    }
}

/// What the live stream tells from the beginning up to a position.
fn live(client: &Client, until: u64) -> Vec<(u64, String)> {
    let (mut told, mut kind) = (Vec::new(), String::new());
    for line in client.follow("/v1/events/live?after=0") {
        if let Some(name) = line.strip_prefix("event: ") {
            name.clone_into(&mut kind);
        }
        if let Some(data) = line.strip_prefix("data: ") {
            let data: Value = serde_json::from_str(data).unwrap();
            told.push((data["position"].as_u64().unwrap(), kind.clone()));
            if data["position"] == until {
                break;
            }
        }
    }
    told
}

fn log_goes_on(client: &Client, Hand { does, is_unreadable, .. }: &Hand) {
    let events = events(client);
    let last = events.last().unwrap().0;
    let gone = u64::from(does.starts_with("DELETE"));
    assert_eq!(events.len() as u64, last - gone, "{does}: {events:?}");
    let unreadable: Vec<_> =
        events.iter().filter(|(_, kind)| kind == "Unreadable").map(|(at, _)| *at).collect();
    assert_eq!(unreadable, if *is_unreadable { vec![AT] } else { vec![] }, "{does}");
    assert_eq!(live(client, last), events, "{does}");
    let page = client.get("/log?after=0").expect(200).text();
    assert_eq!(page.contains("Unreadable <span"), *is_unreadable, "{does}: {page}");
}

/// Makes a read model anew.
fn rebuild(client: &Client, name: &str) -> Value {
    let path = format!("/v1/projections/{name}");
    write(client, &format!("{path}/rebuild"), &json!({})).expect(202);
    loop {
        let rebuild = client.get(&path).expect(200).json()["rebuild"].take();
        if rebuild["status"] == "done" {
            return rebuild;
        }
        assert_ne!(rebuild["status"], "failed", "{rebuild}");
    }
}

#[test]
fn whatever_is_done_to_a_lane_while_no_server_runs_the_next_one_says_so_and_serves_all_others() {
    for hand in HANDS {
        let does = hand.does;
        let (world, server) = World::new();
        assert!(server.stop().success());
        world.sql(does);

        let server = world.serve();
        let client = server.client();
        is_damaged_again(&client, &hand);
        others_go_on(&client, does);
        operators_are_told(&client, does);
        pages_tell(&client, does);
        log_goes_on(&client, &hand);
        assert!(server.stop().success());
        let verified = shiplog().arg("verify").arg("--data").arg(world.data()).output().unwrap();
        let said = String::from_utf8(verified.stderr).unwrap();
        assert_eq!(verified.status.code(), Some(3), "{does}: {said}");
        assert!(said.contains("`lane-checkout@production`"), "{does}: {said}");
        assert!(!said.contains("`lane-search@production`"), "{does}: {said}");
    }
}

/// Before the first fold of the models, which had folded the event while it was well; and after that.
fn is_damaged_again(client: &Client, hand: &Hand) {
    for name in ["current", "history", "rollbacks", "releases", "definitions"] {
        rebuild(client, name);
    }
    is_damaged(client, hand);
}

#[test]
fn what_is_done_while_a_server_runs_is_met_by_a_rebuild_and_nothing_is_recorded_after_that() {
    for hand in HANDS {
        let (world, server) = World::new();
        let client = server.client();
        world.sql(hand.does);
        is_damaged_again(&client, &hand);
        others_go_on(&client, hand.does);
    }
}

#[test]
fn read_models_that_are_made_anew_at_a_start_set_the_lane_aside() {
    for hand in HANDS {
        let (world, server) = World::new();
        assert!(server.stop().success());
        world.sql(hand.does);
        std::fs::remove_dir_all(world.data().join("read-models")).unwrap();

        let server = world.serve();
        let client = server.client();
        is_damaged(&client, &hand);
        others_go_on(&client, hand.does);
    }
}

#[test]
fn a_lane_of_which_no_event_fits_is_named_though_nothing_else_is_told_of_it() {
    let (world, server) = World::new();
    assert!(server.stop().success());
    world.sql("UPDATE events SET metadata = x'7b' WHERE position = 3");
    std::fs::remove_dir_all(world.data().join("read-models")).unwrap();

    let server = world.serve();
    let client = server.client();
    let position = client.position();
    let board = client.get_at("/v1/environments/production", &position);
    assert_eq!(board["lanes"].as_array().unwrap().len(), 1, "{board}");
    assert_eq!(
        (&board["damaged"][0]["service"], &board["damaged_total"]),
        (&json!("checkout"), &json!(1))
    );
    for path in ["/v1/lanes/checkout/production", "/v1/deployments/checkout/production/1"] {
        assert_eq!(client.get(path).expect(503).json()["code"], "lane-damaged", "{path}");
    }
    report(&client, "checkout", "2.0").expect(503);
}
