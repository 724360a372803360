//! The search language, over a history of which every answer can be told the slow way.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use tempfile::tempdir;

use super::server;
use crate::support::{Client, Server, encode, shiplog};

/// What is expected of a deployment that a search finds.
type Holds = fn(&Value) -> bool;

fn text<'v>(deployment: &'v Value, pointer: &str) -> &'v str {
    deployment.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn status(deployment: &Value, among: &[&str]) -> bool {
    among.contains(&text(deployment, "/status"))
}

fn took(deployment: &Value) -> Option<i64> {
    deployment["duration_ms"].as_i64()
}

fn is_declared(deployment: &Value) -> bool {
    text(deployment, "/intent/kind") == "rollback" && deployment["void"] == false
}

fn is_inferred(deployment: &Value) -> bool {
    text(deployment, "/classification") == "rollback"
        && text(deployment, "/intent/kind") != "rollback"
        && status(deployment, &["succeeded"])
        && deployment["void"] == false
}

fn team(deployment: &Value) -> Option<&str> {
    deployment["labels"].get("team").and_then(Value::as_str)
}

/// Searches of the demonstration, and what they find.
fn searches() -> Vec<(&'static str, Holds)> {
    vec![
        ("service:checkout", |one| text(one, "/service") == "checkout"),
        ("-service:checkout", |one| text(one, "/service") != "checkout"),
        ("service:checkout,payments", |one| {
            ["checkout", "payments"].contains(&text(one, "/service"))
        }),
        ("env:production", |one| text(one, "/environment") == "production"),
        ("environment:staging env:production", |_| false),
        ("env:staging,production service:checkout", |one| {
            text(one, "/service") == "checkout"
                && ["staging", "production"].contains(&text(one, "/environment"))
        }),
        ("status:failed,cancelled", |one| status(one, &["failed", "cancelled"])),
        ("status:failed,succeeded env:production", |one| {
            status(one, &["failed", "succeeded"]) && text(one, "/environment") == "production"
        }),
        ("-status:succeeded", |one| !status(one, &["succeeded"])),
        ("is:open", |one| status(one, &["requested", "started"])),
        ("is:over,running", |one| !status(one, &["requested"])),
        ("is:failed", |one| status(one, &["failed"])),
        ("is:rollback", |one| is_declared(one) || is_inferred(one)),
        ("-is:rollback", |one| !is_declared(one) && !is_inferred(one)),
        ("is:declared", is_declared),
        ("is:inferred", is_inferred),
        ("is:rollback,failed", |one| {
            is_declared(one) || is_inferred(one) || status(one, &["failed"])
        }),
        ("is:new", |one| text(one, "/classification") == "new"),
        ("is:reapply,restore", |one| {
            ["reapply", "restore"].contains(&text(one, "/classification"))
        }),
        ("is:retry", |one| text(one, "/intent/kind") == "retry"),
        ("intent:roll-forward", |one| text(one, "/intent/kind") == "roll_forward"),
        ("is:void", |one| one["void"] == true),
        ("is:contradicted", |one| one["contradicted"] == true),
        ("duration:>5m", |one| took(one).is_some_and(|ms| ms > 300_000)),
        ("-duration:>5m", |one| took(one).is_none_or(|ms| ms <= 300_000)),
        ("duration:>=1m duration:<=3m30s", |one| {
            took(one).is_some_and(|ms| (60_000..=210_000).contains(&ms))
        }),
        ("duration:<30s", |one| took(one).is_some_and(|ms| ms < 30_000)),
        ("label:team", |one| team(one).is_some()),
        ("-label:team", |one| team(one).is_none()),
        ("env:production -status:succeeded -is:rollback", |one| {
            text(one, "/environment") == "production"
                && !status(one, &["succeeded"])
                && !is_declared(one)
        }),
    ]
}

/// A server with the demonstration, and all deployments of it, the newest first.
struct Demo {
    server: Server,
    all: Vec<Value>,
    _data: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let data = tempdir().unwrap();
        let mut command = shiplog();
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
        let server = Server::run(&mut command);
        let all = pages(&server.client(), "/v1/deployments?", 1_000);
        assert!(all.len() > 100, "{} deployments", all.len());
        Self { server, all, _data: data }
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    #[track_caller]
    fn finds(&self, q: &str, holds: impl Fn(&Value) -> bool) -> usize {
        let client = self.client();
        let mut expected: Vec<_> = self.all.iter().filter(|one| holds(one)).map(name).collect();
        let q = encode(q);
        for limit in [7, 1_000] {
            let found = pages(&client, &format!("/v1/deployments?q={q}&"), limit);
            assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected, "{q}, {limit}");
        }
        let oldest = pages(&client, &format!("/v1/deployments?order=oldest&q={q}&"), 11);
        expected.reverse();
        assert_eq!(oldest.iter().map(name).collect::<Vec<_>>(), expected, "{q}, oldest");
        expected.len()
    }
}

/// `checkout/production#42`.
fn name(deployment: &Value) -> String {
    let (service, environment) = (text(deployment, "/service"), text(deployment, "/environment"));
    format!("{service}/{environment}#{}", deployment["number"])
}

/// All pages of a list, each of so many.
fn pages(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let first = format!("{path}limit={limit}");
    let mut next = first.clone();
    loop {
        let mut page = client.get(&next).expect(200).json();
        let Value::Array(more) = page["items"].take() else { panic!("no items: {page}") };
        assert!(more.len() <= limit);
        items.extend(more);
        let Some(cursor) = page["next"].as_str() else { return items };
        next = format!("{first}&cursor={cursor}");
    }
}

#[test]
fn every_key_finds_what_it_names_whatever_the_page_size_and_order() {
    let demo = Demo::start();
    let mut with_something = 0;
    for (q, holds) in searches() {
        with_something += usize::from(demo.finds(q, holds) > 0);
    }
    assert!(with_something > 20, "the demonstration has something of {with_something} alone");
    // What is the same for one deployment of the history is asked with its own words.
    let some = |pointer: &str| {
        let mut all = demo.all.iter().map(|one| text(one, pointer)).filter(|text| !text.is_empty());
        all.next().unwrap_or_else(|| panic!("nothing has {pointer}")).to_owned()
    };
    for (key, pointer) in
        [("version", "/release/version"), ("actor", "/actor/id"), ("commit", "/release/commit")]
    {
        let value = some(pointer);
        let found = demo.finds(&format!("{key}:\"{value}\""), |one| text(one, pointer) == value);
        assert!(found > 0, "{key}");
    }
    let commit = some("/release/commit");
    let prefix = &commit[..6];
    demo.finds(&format!("commit:{prefix}"), |one| text(one, "/release/commit").starts_with(prefix));
    let middle = text(&demo.all[demo.all.len() / 2], "/requested_at").to_owned();
    let instant = |one: &Value| text(one, "/requested_at").parse::<jiff::Timestamp>().unwrap();
    let middle_at: jiff::Timestamp = middle.parse().unwrap();
    demo.finds(&format!("since:{middle}"), |one| instant(one) >= middle_at);
    demo.finds(&format!("until:{middle} env:staging"), |one| {
        instant(one) < middle_at && text(one, "/environment") == "staging"
    });
    demo.finds(&format!("-since:{middle}"), |one| instant(one) < middle_at);
}

#[test]
fn a_rollback_is_what_the_audit_lists() {
    let demo = Demo::start();
    let client = demo.client();
    let audit: BTreeSet<_> = pages(&client, "/v1/rollbacks?", 1_000).iter().map(name).collect();
    let found = pages(&client, "/v1/deployments?q=is:rollback&", 1_000);
    assert!(!audit.is_empty());
    assert_eq!(found.iter().map(name).collect::<BTreeSet<_>>(), audit);
}

#[test]
fn the_search_and_the_other_parameters_hold_together() {
    let demo = Demo::start();
    let path = "/v1/deployments?service=checkout&status=failed&q=env:production&";
    let found = pages(&demo.client(), path, 1_000);
    let expected = demo.all.iter().filter(|one| {
        text(one, "/service") == "checkout"
            && text(one, "/environment") == "production"
            && status(one, &["failed"])
    });
    assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected.map(name).collect::<Vec<_>>());
}

#[test]
fn what_the_reference_shows_is_a_search() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/search.md");
    let reference = fs::read_to_string(reference).unwrap();
    let examples: Vec<_> = reference
        .split("```text\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap().lines())
        .chain(reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()))
        .collect();
    assert!(examples.len() > 20, "{examples:?}");
    let server = server::Server::start();
    for example in examples {
        server.get(&format!("/v1/deployments?q={}", encode(example)));
    }
}
