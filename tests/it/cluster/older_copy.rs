//! An older copy of the log that is put back.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{lane, post};
use crate::{
    home::Home,
    support::{PATIENCE, Server, shiplog},
};

/// How long a server may take to notice and to begin again. It took no write for two minutes.
const SOON: Duration = Duration::from_secs(45);

/// The directories in which a server has kept what it knew.
fn kept(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().contains("lost-")).collect()
}

fn report(server: &Server, service: &str) -> (u16, Value) {
    let body = json!({"service": service, "environment": "production", "status": "succeeded",
        "release": {"version": "7"}});
    let kind = [("Content-Type", "application/json")];
    let answer =
        server.client().send("POST", "/v1/deployments", &kind, body.to_string().as_bytes());
    (answer.status, answer.json())
}

/// A server of the cluster whose own log is written to a file.
fn server(home: &Home, name: &str, said: &Path) -> Server {
    let mut serve = shiplog();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log", &home.cluster().uri()]);
    serve.arg("--data").arg(home.directory(name)).env("SHIPLOG_LOG", "info,eventstore=off");
    Server::run(serve.stderr(File::create(said).unwrap()))
}

#[test]
fn under_a_running_server_it_is_noticed_and_the_server_begins_again() {
    let home = Home::on_a_cluster(3);
    let said = home.directory("said");
    let server = server(&home, "one", &said);
    let (_, token, _) = post(&server, "first", "1.0");
    lane(&server, &token);
    let older = home.cluster().backup();
    for (number, version) in ["1.1", "1.2", "1.3"].into_iter().enumerate() {
        assert_eq!(post(&server, &format!("later {number}"), version).0, 201);
    }
    assert_eq!(report(&server, "search").0, 201);
    let (_, token, _) = post(&server, "last", "1.4");
    assert_eq!(lane(&server, &token)["current"]["number"], 5);

    home.cluster().restore(&older).unwrap();
    let began = Instant::now();
    let recorded = loop {
        let (status, _, recorded) = post(&server, "after", "2.0");
        if status == 201 {
            break recorded;
        }
        assert!(began.elapsed() < SOON, "no write for {:?}: {recorded}", began.elapsed());
    };

    assert_eq!(
        recorded["number"], 2,
        "what was recorded before the copy is all there is: {recorded}"
    );
    loop {
        let lane = server.client().get("/v1/lanes/checkout/production");
        if lane.status == 200 && lane.json()["current"]["release"]["version"] == "2.0" {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{}", lane.text());
    }
    server.client().get("/v1/lanes/search/production").expect(404);
    assert_eq!(server.client().get("/readyz").expect(200).json()["status"], "ready");
    assert_eq!(kept(&home.directory("one")).len(), 1);
    let said = fs::read_to_string(said).unwrap();
    assert_eq!(said.matches("an older copy was put back").count(), 1, "{said}");
    assert_eq!(said.matches("goes on with the log as it is now").count(), 1, "{said}");
    assert!(server.stop().success());
    home.is_sound("one");
}

#[test]
fn what_others_wrote_behind_it_is_not_taken_for_what_a_stopped_server_knew() {
    let home = Home::on_a_cluster(1);
    let one = home.server("one");
    let (_, token, _) = post(&one, "first", "1.0");
    lane(&one, &token);
    let older = home.cluster().backup();
    let (_, token, _) = post(&one, "second", "1.1");
    assert_eq!(lane(&one, &token)["current"]["number"], 2);
    assert!(one.stop().success());
    home.cluster().restore(&older).unwrap();
    let two = home.server("two");
    for service in ["search", "billing", "mail"] {
        assert_eq!(report(&two, service).0, 201);
    }
    let (_, token, recorded) = post(&two, "other", "1.9");
    assert_eq!(recorded["number"], 2);
    lane(&two, &token);

    let one = home.server("one");

    let there = lane(&one, &token);
    assert_eq!(there["current"]["release"]["version"], "1.9", "{there}");
    assert_eq!(kept(&home.directory("one")).len(), 1);
    for server in [one, two] {
        assert!(server.stop().success());
    }
    home.is_sound("one");
}
