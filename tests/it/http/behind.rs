//! Reads while a read model cannot go on: each is whole, or says that it is behind.

mod command_line;
mod reads;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;
use serde_json::{Value, json};

use self::reads::{Read, Things, every_read};
use crate::{
    scripts::{define, is_level},
    support::{Answer, Client, Server, shiplog},
};

const COUNTS: &str = "fromCategory('lane').partitionBy(e => `${e.service}/${e.environment}`).when({
    DeploymentRequested(s, e) { s.n = (s.n ?? 0) + 1 } })";

/// A server with a short history, and its read models.
struct Shop {
    data: tempfile::TempDir,
    server: Server,
}

impl Shop {
    fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let shop = Self { server: Server::start(data.path()), data };
        let client = shop.client();
        for version in 1..=3 {
            report(&client, "checkout", "production", &version.to_string());
        }
        report(&client, "checkout", "staging", "3");
        send(&client, "POST", "/v1/deployments", &rollback()).expect(201);
        define(&client, "counts", COUNTS).expect(201);
        let query = json!({"language": "sql",
            "source": "SELECT service, version FROM deployments ORDER BY position"});
        send(&client, "PUT", "/v1/projections/listed", &query).expect(201);
        shop.is_level();
        shop
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    /// Waits until everything is folded.
    fn is_level(&self) {
        let (client, position) = (self.client(), self.client().position());
        for path in ["environments", "deployments", "rollbacks", "releases", "projections"] {
            client.get_at(&format!("/v1/{path}"), &position);
        }
        client.get_at("/v1/projections/listed/rows", &position);
        is_level(&client, "counts", &position);
    }

    /// Keeps a read model from folding for as long as the connection is held.
    fn hold(&self, model: &str) -> Connection {
        let held = Connection::open(file(self.data.path(), model)).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        held
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = shiplog();
        command.args(words).args(["--server", self.server.url()]);
        command
    }
}

/// The database of a read model, or of a script.
fn file(directory: &Path, model: &str) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let begins = [format!("{model}-v"), format!("{model}@")];
            if path.is_dir() {
                folders.push(path);
            } else if begins.iter().any(|it| name.starts_with(it)) && name.ends_with(".sqlite") {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{model}: {found:?}");
    found.remove(0)
}

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let kind = [("Content-Type", "application/json"), ("Shiplog-Actor", "ann")];
    client.send(method, path, &kind, body.to_string().as_bytes())
}

fn report(client: &Client, service: &str, environment: &str, version: &str) -> Value {
    let body = json!({"service": service, "environment": environment, "status": "succeeded",
        "release": {"version": version}});
    send(client, "POST", "/v1/deployments", &body).expect(201).json()
}

fn rollback() -> Value {
    json!({"service": "checkout", "environment": "production", "status": "succeeded",
        "intent": {"kind": "rollback"}, "reason": "it loses orders"})
}

/// By how many events an answer says that it is behind.
fn behind(answer: &Answer) -> Option<u64> {
    let events = answer.headers.get("shiplog-behind")?;
    Some(events.to_str().unwrap().parse().unwrap())
}

/// Everything of which one can ask, changed and acknowledged; what is told of it waits for a read model.
fn change(client: &Client, model: &str) -> [Things; 2] {
    let new = Things::new(&format!("new-{model}"), &format!("area-{model}"), 1, "1", model);
    report(client, &new.service, &new.environment, &new.version);
    let last = report(client, "checkout", "production", &format!("4-{model}"));
    send(client, "POST", "/v1/deployments", &rollback()).expect(201);
    let old = Things::new(
        "checkout",
        "production",
        last["number"].as_u64().unwrap(),
        last["release"]["version"].as_str().unwrap(),
        "counts",
    );
    let recorded = |answer: Answer| {
        // It is recorded, and what is told of it waits for a read model.
        let is_behind = answer.status == 503 && answer.json()["code"] == "projection-behind";
        assert!(is_behind || answer.status < 300, "{}", answer.text());
    };
    let freeze = json!({"reason": "peak"});
    recorded(send(client, "POST", "/v1/environments/staging/freeze", &freeze));
    recorded(define(client, &new.projection, COUNTS));
    [old, new]
}

/// That an answer is what it will be when everything is folded, or says that it is behind.
fn is_whole_or_says(read: &Read, held: &Answer, level: &Answer) -> bool {
    let context = || format!("{read:?}: {} {}", held.status, held.text());
    assert_eq!(behind(level), None, "{read:?}: {}", level.text());
    assert_ne!(level.status, 503, "{read:?}: {}", level.text());
    if held.status == 503 {
        let kind = held.header("content-type");
        assert!(kind.starts_with("text/html") || held.json()["code"] == "projection-behind");
        assert!(held.headers.contains_key("retry-after"), "{}", context());
        return true;
    }
    let Some(events) = behind(held) else {
        assert_eq!(held.status, level.status, "{}", context());
        assert_eq!(read.told(held), read.told(level), "{}", context());
        return false;
    };
    assert!(events >= 1 && ![404, 409].contains(&held.status), "{}", context());
    let kind = held.header("content-type");
    if kind.starts_with("application/json") && held.status == 200 {
        let body = held.json();
        let said = &body["behind"];
        assert_eq!(said["events"], events, "{}", context());
        assert_eq!(said["position"], held.header("shiplog-position"), "{}", context());
        assert!(said["since"].is_string(), "{}", context());
        for list in ["items", "lanes", "rows"] {
            assert_ne!(body[list], json!([]), "{}", context());
        }
    }
    if kind.starts_with("text/html") && held.status == 200 {
        assert!(held.text().contains("data-lag"), "{}", context());
        assert!(!held.text().contains(r#"class="nothing""#), "{}", context());
    }
    true
}

/// The routes are those of the contract and of the pages, so that none can be forgotten.
#[test]
fn after_an_acknowledged_write_every_read_is_whole_or_says_that_it_is_behind() {
    let shop = Shop::open();
    for model in ["current", "history", "rollbacks", "releases", "definitions", "sql", "counts"] {
        let held = shop.hold(model);
        let things = change(&shop.client(), model);
        let reads = every_read(&shop.client(), &things);
        let meanwhile = reads::all(&shop.client(), &reads);
        drop(held);
        shop.is_level();
        is_level(&shop.client(), model_script(&things), &shop.client().position());
        let afterwards = reads::all(&shop.client(), &reads);
        let answers = meanwhile.iter().zip(&afterwards).zip(&reads);
        let said = answers.filter(|((held, level), read)| is_whole_or_says(read, held, level));
        assert!(said.count() > 1, "nothing was behind without `{model}`");
    }
}

fn model_script([_, new]: &[Things; 2]) -> &str {
    &new.projection
}

#[test]
fn a_list_right_after_a_batch_is_whole_or_says_that_it_is_behind() {
    let shop = Shop::open();
    let client = shop.client();
    let line = |nth: u32| {
        json!({"service": format!("m{nth}"), "environment": "bulk", "status": "started",
            "release": {"version": "1"}, "at": "2026-05-01T00:00:00Z"})
        .to_string()
    };
    let batch = (1..=1_000).map(line).collect::<Vec<_>>().join("\n");
    let kind = [("Content-Type", "application/jsonl")];
    let recorded = client.send("POST", "/v1/deployments:batch", &kind, batch.as_bytes());
    assert_eq!(recorded.expect(200).text().matches("\"recorded\"").count(), 1_000);
    let list = client.get("/v1/deployments?status=started&environment=bulk&limit=1000");
    let items = (list.status == 200).then(|| list.json()["items"].as_array().unwrap().len());
    let is_whole = items == Some(1_000) && list.json()["next"].is_null();
    let says = list.status == 503 || behind(&list).is_some() && items > Some(0);
    assert!(is_whole || says, "{}", list.text());
}

#[test]
fn who_sends_a_token_of_something_earlier_is_told_what_is_missing_too() {
    let shop = Shop::open();
    let (client, earlier) = (shop.client(), shop.client().position());
    let held = shop.hold("history");
    let later = report(&client, "checkout", "production", "5");
    let read =
        |token: &str, path: &str| client.send("GET", path, &[("Shiplog-At-Least", token)], b"");
    let list = read(&earlier, "/v1/deployments").expect(200);
    assert_eq!((behind(&list), &list.json()["behind"]["position"]), (Some(2), &json!(earlier)));
    let number = later["number"].as_u64().unwrap();
    let unknown = format!("/v1/deployments/checkout/production/{number}");
    assert_eq!(read(&earlier, &unknown).expect(503).json()["code"], "projection-behind");
    assert_eq!(read(&client.position(), "/v1/deployments").status, 503);
    drop(held);
    shop.is_level();
    assert_eq!(read(&earlier, &unknown).expect(200).json()["number"], number);
}

#[test]
fn the_report_of_rollbacks_says_that_it_is_not_complete() {
    let shop = Shop::open();
    let client = shop.client();
    let held = shop.hold("rollbacks");
    report(&client, "checkout", "production", "5");
    let report = client.get("/v1/rollbacks?format=report").expect(200);
    assert!(report.text().contains("**Not complete**: 2 events"), "{}", report.text());
    let none = client.get("/v1/rollbacks?format=report&service=search");
    assert_eq!(none.expect(503).json()["code"], "projection-behind");
    for (accept, path) in [("text/csv", "/v1/rollbacks"), ("text/csv", "/v1/rollbacks?q=x")] {
        let table = client.send("GET", path, &[("Accept", accept)], b"");
        assert!(behind(&table).is_some() && (table.status == 503) == path.ends_with("?q=x"));
    }
    drop(held);
}

#[test]
fn a_write_does_not_take_what_is_not_folded_yet_for_nothing() {
    let shop = Shop::open();
    let client = shop.client();
    let held = shop.hold("current");
    report(&client, "checkout", "review", "1");
    let retire = || send(&client, "DELETE", "/v1/environments/review", &json!({}));
    assert_eq!(retire().expect(503).json()["code"], "projection-behind");
    drop(held);
    shop.is_level();
    retire().expect(200);
}

/// Else what is recorded between a page and its first event would be missed.
#[test]
fn every_live_page_says_after_which_position_it_listens() {
    let shop = Shop::open();
    let client = shop.client();
    let position = client.position();
    let head = position.split_once(':').unwrap().1;
    let old = || Things::new("checkout", "production", 4, "3", "counts");
    let reads = every_read(&client, &[old(), old()]);
    let pages = reads::all(&client, &reads).into_iter().map(|answer| answer.text());
    let live: Vec<_> = pages
        .filter(|page| page.contains("<body ") && !page.contains(r#"data-scope="""#))
        .inspect(|page| assert!(page.contains(&format!(r#"data-position="{head}""#)), "{page}"))
        .collect();
    assert!(live.len() > 8, "{}", live.len());
}
