//! How far the board says that each cell is from the stage before it, counted again from the history.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    super::{
        lane::{DEPLOYMENTS, at, reported, with},
        server::Server,
    },
    HTML, open,
};
use crate::support::{Client, Server as Process, encode, shiplog};

/// The environments, from users away, by their tiers.
const STAGES: [&str; 4] = ["production", "staging", "testing", "development"];

/// How many of a lane's latest deployments the board looks at.
const MOST: usize = 50;

/// What a cell says: what runs there, and how it differs.
#[derive(Debug, PartialEq)]
struct Said {
    version: String,
    drift: Option<String>,
}

/// Every cell of a board, by service and environment.
fn cells(page: &str) -> BTreeMap<(String, String), Said> {
    let mut found = BTreeMap::new();
    for row in page.split("<tr data-key=\"").skip(1) {
        let (service, row) = row.split_once('"').unwrap();
        let row = row.split("</tr>").next().unwrap();
        for cell in row.split("<td").skip(1) {
            let between = |from: &str, to: &str| {
                let (_, rest) = cell.split_once(from)?;
                Some(rest.split(to).next()?.to_owned())
            };
            let environment = between("<span class=\"where\">", "<").unwrap();
            let Some(link) = between("<a class=\"version\"", "</a>") else { continue };
            let version = link.rsplit('>').next().unwrap().to_owned();
            let drift = between("<span class=\"note small\"", "</span>");
            let drift = drift.map(|note| note.rsplit('>').next().unwrap().to_owned());
            found.insert((service.to_owned(), environment), Said { version, drift });
        }
    }
    found
}

/// Everything that was ever deployed.
fn history(client: &Client) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = "/v1/deployments?limit=1000".to_owned();
    loop {
        let page = client.get_at(&path, &client.position());
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return items };
        path = format!("/v1/deployments?limit=1000&cursor={}", encode(next));
    }
}

/// What ran in each lane up to an instant, the latest first; none for one whose reports disagree.
fn ran(history: &[Value], until: &str) -> BTreeMap<(String, String), Option<Vec<String>>> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let mut lanes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for item in history {
        lanes.entry((text(item, "service"), text(item, "environment"))).or_default().push(item);
    }
    let told = |deployments: Vec<&Value>| {
        if deployments.iter().any(|one| one["contradicted"] == true) {
            return None;
        }
        let mut effects: Vec<_> = deployments
            .into_iter()
            .filter(|one| one["status"] == "succeeded" && one["void"] == false)
            .map(|one| (instant(&text(one, "finished_at")), one["position"].as_u64(), one))
            .filter(|(finished, ..)| *finished <= instant(until))
            .collect();
        effects.sort_by_key(|(finished, position, _)| (*finished, *position));
        let version = |one: &Value| one["release"]["version"].as_str().unwrap().to_owned();
        Some(effects.iter().rev().take(MOST).map(|(_, _, one)| version(one)).collect())
    };
    lanes.into_iter().map(|(lane, deployments)| (lane, told(deployments))).collect()
}

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// How many other versions ran since one last did.
fn since(ran: &[String], version: &str) -> Option<usize> {
    let last = ran.iter().position(|other| other == version)?;
    Some(ran[..last].iter().collect::<BTreeSet<_>>().len())
}

/// What is counted may be said, and what cannot be counted has no number.
fn holds(said: &str, here: &[String], before: (&str, &[String])) -> bool {
    let (environment, there) = before;
    let (behind, ahead) = (since(there, &here[0]), since(here, &there[0]));
    let told = |way: &str, count: Option<usize>| {
        let count = count.map_or_else(String::new, |count| format!("{count} "));
        format!("{count}{way} {environment} ({})", there[0])
    };
    let differs = behind.is_none() && ahead.is_none() && said == told("differs from", None);
    differs || said == told("behind", behind) || said == told("ahead of", ahead)
}

#[test]
fn the_demonstration_is_as_far_apart_as_its_history_counts_now_and_at_any_instant() {
    let data = tempdir().unwrap();
    let mut command = shiplog();
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let server = Process::run(&mut command);
    let client = server.client();
    let history = history(&client);
    let mut ends: Vec<_> = history.iter().filter_map(|one| one["finished_at"].as_str()).collect();
    ends.sort_unstable();
    let (mut counted, mut same) = (0, 0);
    for part in 1..=8 {
        let until = ends[(ends.len() - 1) * part / 8];
        let query = if part == 8 { String::new() } else { format!("?at={}", encode(until)) };
        let page = client.send("GET", &format!("/{query}"), &[("Accept", HTML)], b"").expect(200);
        let (cells, ran) = (cells(&page.text()), ran(&history, until));
        for ((service, environment), said) in &cells {
            let lane = |environment: &str| (service.clone(), environment.to_owned());
            let Some(stage) = STAGES.iter().position(|stage| stage == environment) else {
                continue;
            };
            let mut earlier = STAGES[stage + 1..].iter().filter(|before| {
                cells.get(&lane(before)).is_some_and(|said| said.version != "nothing runs")
            });
            let Some(before) = earlier.next() else { continue };
            let (Some(Some(here)), Some(Some(there))) =
                (ran.get(&lane(environment)), ran.get(&lane(before)))
            else {
                continue;
            };
            if said.version == "nothing runs" {
                continue;
            }
            assert_eq!(said.version, here[0], "{service} in {environment} at {until}");
            match &said.drift {
                None => {
                    assert_eq!(here[0], there[0], "{service} in {environment} at {until}");
                    same += 1;
                }
                Some(drift) => {
                    let holds = holds(drift, here, (before, there));
                    assert!(
                        holds,
                        "{service} in {environment} at {until}: {drift}: {here:?} {there:?}"
                    );
                    counted += usize::from(drift.starts_with(|first: char| first.is_ascii_digit()));
                }
            }
        }
    }
    assert!(counted > 50 && same > 50, "{counted} are counted, {same} are the same");
}

#[test]
fn what_was_behind_then_is_told_as_it_was_known_then() {
    let server = Server::start();
    let staging = |version, time| with(reported(version, time), json!({"environment": "staging"}));
    server.post(DEPLOYMENTS, &staging("1.0", "10:01"));
    server.post(DEPLOYMENTS, &reported("1.0", "10:02"));
    server.post(DEPLOYMENTS, &staging("1.1", "10:03"));
    let events = server.get("/v1/events");
    let known_at = events["items"].as_array().unwrap().last().unwrap()["recorded_at"].as_str();
    let known_at = known_at.unwrap();
    server.post(DEPLOYMENTS, &staging("1.3", "10:20"));
    // Recorded last, and before 1.1 in time.
    server.post(DEPLOYMENTS, &staging("1.2", "10:02"));
    let drift = |query: &str| {
        let cells = cells(&open(&server, &format!("/{query}")).expect(200).text);
        cells.get(&("checkout".into(), "production".into()))?.drift.clone()
    };
    assert_eq!(drift("").as_deref(), Some("3 behind staging (1.3)"));
    let then = at("10:10");
    assert_eq!(drift(&format!("?at={then}")).as_deref(), Some("2 behind staging (1.1)"));
    let known = format!("?at={then}&known_at={known_at}");
    assert_eq!(drift(&known).as_deref(), Some("1 behind staging (1.1)"));
    assert_eq!(drift(&format!("?at={}", at("10:01"))), None, "there was nothing in production");
}

#[test]
fn versions_that_differ_in_what_has_no_order_are_told_and_listed() {
    let server = Server::start();
    let put = |service: &str, environment: &str, version: &str, minute: usize| {
        let place = json!({"service": service, "environment": environment});
        server.post(DEPLOYMENTS, &with(reported(version, &format!("10:{minute:02}")), place));
    };
    let pairs = [
        ("build", "1.0.0+build.1", "1.0.0+build.2"),
        ("hotfix", "1.0.0", "1.0.0+hotfix"),
        ("letter", "1.2.3", "v1.2.3"),
        ("zeros", "01.2.0", "1.2.0"),
    ];
    for ((service, here, there), minute) in pairs.into_iter().zip(1..) {
        put(service, "production", here, minute);
        put(service, "staging", there, minute);
    }
    put("same", "production", "1.0.0+a", 10);
    put("same", "staging", "1.0.0+a", 10);
    // Its order is known: what runs in production ran in staging before.
    for (environment, version, minute) in
        [("staging", "2.0.0+1", 11), ("production", "2.0.0+1", 12), ("staging", "2.0.0+2", 13)]
    {
        put("known", environment, version, minute);
    }
    let page = open(&server, "/?only=drift").expect(200).text;
    let cells = cells(&page);
    let drift = |service: &str| {
        let cell = cells.get(&(service.to_owned(), "production".to_owned()));
        cell.unwrap_or_else(|| panic!("{service}: {page}")).drift.clone().unwrap()
    };
    for (service, _, there) in pairs {
        assert_eq!(drift(service), format!("differs from staging ({there})"));
    }
    assert_eq!(drift("known"), "1 behind staging (2.0.0+2)");
    assert!(!cells.contains_key(&("same".into(), "production".into())), "{page}");
}

#[test]
fn a_column_that_is_not_shown_counts_all_the_same() {
    let server = Server::start();
    for (environment, version) in
        [("production", "1.0.0"), ("staging", "1.0.0"), ("staging", "1.1.0")]
    {
        let fields = json!({"environment": environment, "release": {"version": version}});
        server.post(DEPLOYMENTS, &with(reported("1.0.0", "10:01"), fields));
    }
    let page = open(&server, "/?tier=production&only=drift").expect(200).text;
    let cells = cells(&page);
    let production = &cells[&("checkout".into(), "production".into())];
    assert_eq!(production.drift.as_deref(), Some("1 behind staging (1.1.0)"), "{page}");
    assert_eq!(cells.len(), 1, "{page}");
}

#[test]
fn rows_are_wanted_by_the_labels_of_what_runs_in_them() {
    let server = Server::start();
    let told = |service: &str, environment: &str, time: &str, labels: Value| {
        let fields = json!({"service": service, "environment": environment, "labels": labels});
        server.post(DEPLOYMENTS, &with(reported("1.0.0", time), fields));
    };
    told("checkout", "production", "10:01", json!({"team": "payments", "region": "eu"}));
    told("checkout", "staging", "10:01", json!({"team": "payments", "region": "us"}));
    told("search", "production", "10:01", json!({"team": "discovery"}));
    told("search", "staging", "10:01", json!({}));
    told("search", "production", "10:05", json!({"team": "payments", "region": "eu"}));
    let shown = |query: &str| {
        let page = open(&server, &format!("/{query}")).expect(200).text;
        let services: BTreeSet<_> = cells(&page).into_keys().map(|(service, _)| service).collect();
        services.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("?label=team=payments"), "checkout search");
    assert_eq!(shown("?label=team:discovery"), "");
    assert_eq!(shown(&format!("?label=team=discovery&at={}", at("10:03"))), "search");
    assert_eq!(shown("?label=team%3Dpayments&label=region%3Dus"), "checkout", "both in one cell");
    assert_eq!(shown("?tier=production&label=region=us"), "", "what is not shown does not count");
    let page = open(&server, "/?label=team=payments&label=region=us&only=drift").text;
    for said in [
        "0 of 2 services",
        "<option value=\"team=payments\">",
        "name=\"label\" list=\"labels\" value=\"team=payments\"",
        "type=\"hidden\" name=\"label\" value=\"region=us\"",
        "label: region=us <a href=\"/?label=team%3Dpayments&#38;only=drift\"",
    ] {
        assert!(page.contains(said), "`{said}` is not there: {page}");
    }
    assert!(!page.contains("team=discovery"), "nothing that runs has it");
    let problem = open(&server, "/?label=payments").expect(400);
    assert!(problem.text.contains("?label") && problem.text.contains("name:value"), "{problem:?}");
}
