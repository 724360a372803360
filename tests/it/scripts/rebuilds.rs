//! The states of a script, made anew beside those that answer.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{define, partitions, shown, state};
use crate::support::{Chance, Client, Server, say, shiplog};

const COUNTS: &str = "fromAll().when({ $init: () => ({ n: 0 }), $any(s) { s.n += 1 } })";

const BY_LANE: &str = "fromCategory('lane').foreachStream().when({
    $init: () => ({ n: 0 }), $any(s) { s.n += 1 } })";

fn post(client: &Client, path: &str, body: &Value) -> crate::support::Answer {
    let kind = [("Content-Type", "application/json")];
    client.send("POST", path, &kind, body.to_string().as_bytes())
}

fn demonstration(data: &Path) -> Server {
    let mut serve = shiplog();
    serve.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    Server::run(&mut serve)
}

/// Waits until the rebuild is over, and tells how it went.
fn ended(client: &Client, name: &str) -> Value {
    loop {
        let rebuild = shown(client, name)["rebuild"].take();
        if rebuild["status"] != "building" {
            return rebuild;
        }
    }
}

fn files(data: &Path) -> Vec<String> {
    let files = fs::read_dir(data.join("read-models/scripts")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".sqlite")).collect()
}

#[test]
fn states_are_made_anew_while_the_old_ones_answer() {
    let data = tempfile::tempdir().unwrap();
    let server = demonstration(data.path());
    let client = server.client();
    define(&client, "counts", COUNTS).expect(201);
    let before = state(&client, "counts");
    assert_eq!(shown(&client, "counts")["rebuild"], Value::Null);

    let path = "/v1/projections/counts/rebuild";
    let begun = post(&client, path, &json!({})).expect(202).json();
    assert_eq!(begun["rebuild"]["status"], "building", "{begun}");
    // Whenever it is asked, before, while and after the new ones take their place.
    let rebuild = loop {
        assert_eq!(client.get("/v1/projections/counts/state").expect(200).json(), before);
        let now = shown(&client, "counts");
        assert_eq!(now["status"], "live", "{now}");
        if now["rebuild"]["status"] != "building" {
            break now["rebuild"].clone();
        }
    };
    let told = [&rebuild["status"], &rebuild["verdict"]["word"], &rebuild["position"]];
    assert_eq!(told, [&json!("done"), &json!("same"), &before["position"]], "{rebuild}");
    assert_eq!(files(data.path()).len(), 1, "{:?}", files(data.path()));

    let mut again = shiplog();
    again.args(["projections", "rebuild", "counts", "--follow", "--server", server.url()]);
    let again = again.output().unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(again.status.success() && said.contains("counts: done, the same as before"), "{said}");
    assert!(server.stop().success());
    let server = Server::start(data.path());
    assert_eq!(state(&server.client(), "counts"), before);
}

#[test]
fn states_that_were_damaged_are_found_and_replaced() {
    let data = tempfile::tempdir().unwrap();
    let server = demonstration(data.path());
    define(&server.client(), "counts", COUNTS).expect(201);
    let right = state(&server.client(), "counts");
    assert!(server.stop().success());
    let file = data.path().join("read-models/scripts").join(&files(data.path())[0]);
    let tables = rusqlite::Connection::open(file).unwrap();
    tables.execute("UPDATE partitions SET state = '{\"n\":7}'", []).unwrap();
    drop(tables);

    let server = Server::start(data.path());
    let client = server.client();
    assert_eq!(state(&client, "counts")["state"], json!({ "n": 7 }));
    post(&client, "/v1/projections/counts/rebuild", &json!({})).expect(202);
    let rebuild = ended(&client, "counts");
    assert_eq!(rebuild["verdict"]["word"], "different", "{rebuild}");
    assert_eq!(state(&client, "counts"), right);
}

#[test]
fn whatever_a_kill_leaves_of_a_rebuild_is_whole() {
    const KILLS: u64 = 6;
    let data = tempfile::tempdir().unwrap();
    let mut server = demonstration(data.path());
    define(&server.client(), "lanes", BY_LANE).expect(201);
    let right = partitions(&server.client(), "lanes");
    let mut chance = Chance(5);
    let mut on_the_way = 0;
    for _ in 0..KILLS {
        let client = server.client();
        post(&client, "/v1/projections/lanes/rebuild", &json!({})).expect(202);
        let total = shown(&client, "lanes")["rebuild"]["events_total"].as_u64().unwrap();
        let enough = chance.below(total + total / 8);
        let under_way = loop {
            let rebuild = shown(&client, "lanes")["rebuild"].take();
            let is_building = rebuild["status"] == "building";
            if !is_building || rebuild["events_done"].as_u64() >= Some(enough) {
                break is_building;
            }
        };
        on_the_way += u64::from(under_way);
        server.kill();
        server = Server::start(data.path());
        let client = server.client();
        assert_eq!(partitions(&client, "lanes"), right);
        assert_eq!(shown(&client, "lanes")["rebuild"], Value::Null, "it ended with its server");
    }
    say(&format!("{on_the_way} of {KILLS} kills came while the states were made anew"));
    post(&server.client(), "/v1/projections/lanes/rebuild", &json!({})).expect(202);
    assert_eq!(ended(&server.client(), "lanes")["verdict"]["word"], "same");
    assert_eq!(files(data.path()).len(), 1, "{:?}", files(data.path()));
}

#[test]
fn what_cannot_be_rebuilt_is_told_why() {
    let data = tempfile::tempdir().unwrap();
    let server = demonstration(data.path());
    let client = server.client();
    define(&client, "counts", COUNTS).expect(201);
    let query = json!({ "language": "sql", "source": "SELECT count(*) FROM events" }).to_string();
    let kind = [("Content-Type", "application/json")];
    client.send("PUT", "/v1/projections/asks", &kind, query.as_bytes()).expect(201);

    let code = |path: &str, body: Value, status: u16| {
        let path = format!("/v1/projections/{path}");
        post(&client, &path, &body).expect(status).json()["code"].clone()
    };
    assert_eq!(code("nothing/rebuild", json!({}), 404), "unknown-projection");
    assert_eq!(code("asks/rebuild", json!({}), 409), "projection-is-a-query");
    let slowly = json!({ "max_events_per_second": 9 });
    assert_eq!(code("counts/rebuild", slowly, 400), "malformed");
    assert_eq!(code("counts/rebuild/pause", json!({}), 409), "rebuild-does-not-rest");
    let path = "/v1/projections/counts/rebuild";
    let idle = client.send("DELETE", path, &[], b"").expect(404).json();
    assert_eq!(idle["code"], "not-rebuilding");

    let before = state(&client, "counts");
    post(&client, path, &json!({})).expect(202);
    let cancelled = client.send("DELETE", path, &[], b"").expect(200).json();
    assert_eq!(cancelled["rebuild"], Value::Null, "{cancelled}");
    assert_eq!(state(&client, "counts"), before);
    client.send("POST", "/v1/projections/counts/pause", &[], b"").expect(200);
    assert_eq!(code("counts/rebuild", json!({}), 409), "projection-paused");
}
