//! Servers side by side on one cluster.

use std::{collections::BTreeSet, thread, time::Instant};

use serde_json::json;

use super::{lane, post};
use crate::{
    home::Home,
    scripts,
    support::{PATIENCE, ask, shiplog},
};

#[test]
fn what_one_server_records_another_tells_of() {
    let home = Home::on_a_cluster(3);
    let (one, other) = (home.server("one"), home.server("other"));
    for number in 1..=5 {
        let (writer, reader) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let (status, token, _) = post(writer, &format!("key-{number}"), &format!("1.{number}"));
        assert_eq!(status, 201);
        assert_eq!(lane(reader, &token)["current"]["number"], number);
    }
    // Asked again elsewhere, a request is answered as it was.
    let (status, _, again) = post(&one, "key-1", "1.1");
    assert_eq!((status, &again["number"]), (201, &json!(1)));
    // A third one that knows nothing catches up before it says that it is ready.
    let late = home.server("late");
    let ready = Instant::now();
    while late.client().get("/readyz").status != 200 {
        assert!(ready.elapsed() < PATIENCE, "it is never ready");
    }
    let there = late.client().get("/v1/lanes/checkout/production").expect(200).json();
    assert_eq!(there["current"]["number"], 5);
}

#[test]
fn what_one_server_is_given_to_fold_or_to_answer_the_other_folds_and_answers_too() {
    let home = Home::on_a_cluster(3);
    let (one, other) = (home.server("one"), home.server("other"));
    for number in 1..=3 {
        post(&one, &format!("key-{number}"), &format!("1.{number}"));
    }
    let counts = "fromCategory('lane').when({
        $init: () => ({ n: 0 }), DeploymentSucceeded(s) { s.n += 1 } })";
    scripts::define(&one.client(), "counts", counts).expect(201);
    let query = "SELECT count(*) FROM deployments WHERE status = 'succeeded'";
    let body = json!({ "language": "sql", "source": query }).to_string();
    let kind = [("Content-Type", "application/json")];
    one.client().send("PUT", "/v1/projections/asks", &kind, body.as_bytes()).expect(201);
    let (_, position, _) = post(&other, "key-4", "1.4");
    for server in [&one, &other] {
        let client = server.client();
        let rows = client.get_at("/v1/projections/asks/rows", &position);
        assert_eq!(rows["rows"], json!([[4]]), "{rows}");
        let state = client.get_at("/v1/projections/counts/state", &position);
        assert_eq!(state["state"], json!({ "n": 4 }), "{state}");
    }
}

#[test]
fn servers_that_write_one_lane_side_by_side_lose_nothing_and_double_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 10;
    let home = Home::on_a_cluster(3);
    let servers = [home.server("one"), home.server("other")];
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (servers, home) = (&servers, &home);
            scope.spawn(move || {
                for nth in 0..EACH {
                    if writer == 0 && nth % 3 == 0 {
                        // It is recorded, and nobody hears of it.
                        home.cluster().faults().drop_answers(1);
                    }
                    let key = format!("{writer}-{nth}");
                    // Whoever is told to try again does, with the same key, at the other server.
                    let mut server = writer;
                    while post(&servers[server % 2], &key, &key).0 != 201 {
                        server += 1;
                    }
                }
            });
        }
    });
    let recorded = home.cluster().events("lane-checkout@production");
    assert_eq!(recorded, 2 * (WRITERS * EACH) as u64, "each was requested and succeeded once");
    // The token of something newer than all of them.
    let (_, token, _) = post(&servers[0], "last", "last");
    let all = WRITERS * EACH + 1;
    let digests = servers.iter().zip(["one", "other"]).map(|(server, name)| {
        let list = server.client().pages("/v1/deployments", &token);
        let versions: BTreeSet<_> =
            list.iter().map(|one| one["release"]["version"].as_str().unwrap().to_owned()).collect();
        assert_eq!((list.len(), versions.len()), (all, all));
        let replayed = home.replay(name);
        let same = replayed.as_array().unwrap().iter().all(|one| one["verdict"] == "same");
        assert!(same, "{replayed}");
        replayed
    });
    let digests: Vec<_> = digests.collect();
    assert_eq!(digests[0], digests[1], "both servers derived the same");
    let verified = ask(shiplog().args(["verify", "--log", &home.cluster().uri()]));
    assert_eq!(verified["verdict"], "sound", "{verified}");
}

#[test]
fn two_servers_do_not_keep_their_read_models_in_one_directory() {
    let home = Home::on_a_cluster(1);
    let _one = home.server("one");
    // Whether the second one has its log on the cluster or in that directory.
    let cluster = home.cluster().uri();
    for place in [["--log", &cluster].as_slice(), &[]] {
        let mut command = shiplog();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(place);
        let refused = command.arg("--data").arg(home.directory("one")).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(6), "{place:?}: {said}");
        assert!(said.contains("--data"), "{place:?}: {said}");
    }
}
