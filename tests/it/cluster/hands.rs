//! What is done to one lane's stream past Shiplog, on real servers of a cluster.

use std::time::Instant;

use serde_json::{Value, json};
use shiplog_double::Double;

use crate::{
    home::Home,
    support::{Answer, Client, PATIENCE, Server, shiplog},
};

/// One thing that is done, and what takes it back.
struct Hand {
    does: fn(&Double),
    undoes: Option<fn(&Double)>,
    said: &'static str,
}

const LANE: &str = "lane-checkout@production";

fn clear(double: &Double) {
    double.set(LANE, "{}");
}

const HANDS: [Hand; 5] = [
    Hand {
        does: |double| assert!(double.delete(LANE, false)),
        undoes: Some(clear),
        said: "somebody has deleted the stream",
    },
    Hand {
        does: |double| assert!(double.delete(LANE, true)),
        undoes: None,
        said: "somebody has deleted the stream for ever",
    },
    Hand {
        does: |double| double.set(LANE, r#"{"$maxCount":2}"#),
        undoes: Some(clear),
        said: "(`$maxCount`)",
    },
    Hand { does: |double| double.set(LANE, r#"{"$tb":2}"#), undoes: Some(clear), said: "(`$tb`)" },
    Hand {
        does: |double| double.write_into(LANE, "Blob", false, b"\x00\xff"),
        undoes: None,
        said: "Shiplog did not write the `Blob` there",
    },
];

fn report(client: &Client, service: &str) -> Answer {
    let body = json!({"service": service, "environment": "production",
        "release": {"version": "1.0"}, "status": "succeeded", "at": "2026-03-01T09:00:00Z"});
    let headers = [("Content-Type", "application/json")];
    client.send("POST", "/v1/deployments", &headers, body.to_string().as_bytes())
}

/// Waits until what is told of the lane is so.
fn until(client: &Client, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let lane = client.get("/v1/lanes/checkout/production").expect(200).json();
        if is_so(&lane) {
            return lane;
        }
        assert!(began.elapsed() < PATIENCE, "{lane}");
    }
}

/// That nothing is recorded in the lane, everywhere it is told of as damaged, and another one goes on.
fn is_damaged(server: &Server, double: &Double, said: &str) {
    let client = server.client();
    let before = double.events(LANE);
    let lane = until(&client, |lane| !lane["damaged"].is_null());
    assert!(lane["damaged"]["problem"].as_str().unwrap().contains(said), "{lane}");
    let refused = report(&client, "checkout").expect(503).json();
    assert_eq!(refused["code"], "lane-damaged", "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    assert_eq!(double.events(LANE), before, "{said}");
    report(&client, "search").expect(201);
    client.get("/").expect(200);
    client.get("/readyz").expect(200);
}

/// What `verify` says of the cluster's log.
fn verified(home: &Home) -> Value {
    let mut verify = shiplog();
    verify.args(["verify", "-o", "json", "--log", &home.cluster().uri()]);
    let output = verify.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    })
}

#[test]
fn each_damages_its_lane_alone_before_and_after_a_scavenge_and_until_it_is_undone() {
    for Hand { does, undoes, said } in HANDS {
        let home = Home::on_a_cluster(1);
        let double = home.cluster();
        let one = home.server("one");
        for service in ["checkout", "checkout", "search"] {
            report(&one.client(), service).expect(201);
        }
        until(&one.client(), |lane| lane["current"]["number"] == 2);

        does(double);

        is_damaged(&one, double, said);
        // Whoever has never heard of the lane takes it for no new one.
        let two = home.server("two");
        is_damaged(&two, double, said);
        let found = verified(&home);
        assert!(found["findings"].to_string().contains(said), "{said}: {found}");
        let Some(undoes) = undoes else { continue };
        undoes(double);
        for server in [&one, &two] {
            let lane = until(&server.client(), |lane| lane["damaged"].is_null());
            assert_eq!(lane["current"]["number"], 2, "{lane}");
        }
        let told = report(&one.client(), "checkout").expect(201).json();
        assert_eq!(told["number"], 3, "{said}: {told}");
        assert_eq!(verified(&home)["verdict"], "sound", "{said}");
    }
}
