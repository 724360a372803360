//! What other sites have a browser send: nothing of it is done, on whichever path.

use serde_json::json;
use tempfile::TempDir;

use super::{
    lane::{DEPLOYMENTS, asked, reported, with},
    server::{Ask, Server},
};
use crate::support::{self, shiplog};

/// The pages that take a form; the contract names the other paths.
const FORMS: [&str; 14] = [
    "/lanes/checkout/production/rollback",
    "/lanes/checkout/production/retry",
    "/lanes/checkout/production/roll-forward",
    "/lanes/checkout/production/1/approve",
    "/lanes/checkout/production/1/reject",
    "/releases/checkout/1.0/block",
    "/releases/checkout/1.0/unblock",
    "/environments",
    "/environments/production/freeze",
    "/environments/production/unfreeze",
    "/projections",
    "/projections/-",
    "/projections/p/rest",
    "/preferences",
];

/// Every method and path of the contract that does more than read, with what is there filled in.
fn writes(server: &Server) -> Vec<(String, String)> {
    let contract = server.get("/openapi.json");
    let mut found = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let filled = [
            ("{service}", "checkout"),
            ("{environment}", "production"),
            ("{number}", "1"),
            ("{version}", "1.0"),
            ("{name}", "production"),
            ("{target}", "eu-1"),
        ];
        let filled =
            filled.iter().fold(path.clone(), |path, (part, name)| path.replace(part, name));
        for method in item.as_object().unwrap().keys().filter(|method| *method != "get") {
            assert!(!filled.contains('{'), "nothing stands for a part of {path}");
            found.push((method.to_uppercase(), filled.clone()));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found.extend(FORMS.iter().map(|path| ("POST".into(), (*path).into())));
    found
}

fn headed<'s>(ask: Ask<'s>, headers: &[(&str, String)]) -> Ask<'s> {
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

#[test]
fn no_path_does_what_another_site_has_a_browser_send() {
    let server = Server::start();
    server.post(DEPLOYMENTS, &with(asked("1.0"), json!({})));
    let before = server.position();
    let (ours, https) = (server.url().to_owned(), server.url().replace("http", "https"));
    let ftp = server.url().replace("http", "ftp");
    let site = |value: &str| ("Sec-Fetch-Site", value.to_owned());
    let origin = |value: &str| ("Origin", value.to_owned());
    let foreign = [
        vec![site("cross-site")],
        vec![site("same-site"), origin(&ours)],
        vec![site("cross-site"), origin(&ours)],
        vec![site("same-origin"), origin("null")],
        vec![origin("https://evil.example")],
        vec![origin(&https)],
        vec![origin(&ftp)],
        vec![origin("null")],
    ];
    let kinds = [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/json"),
        None,
    ];
    for (method, path) in writes(&server) {
        for kind in kinds {
            for headers in &foreign {
                for body in ["", "{}"] {
                    let ask = headed(server.ask(&method, &path), headers);
                    let ask = kind.iter().fold(ask, |ask, kind| ask.header("Content-Type", kind));
                    let answer = ask.body(body).send();
                    assert_eq!(
                        answer.status, 403,
                        "{method} {path} {kind:?} {headers:?}: {answer:?}"
                    );
                }
            }
        }
        for kind in kinds.into_iter().flatten().filter(|kind| *kind != "application/json") {
            let ask = server.ask(&method, &path).header("Content-Type", kind);
            let status = ask.body("").send().status;
            assert!([403, 415].contains(&status), "{method} {path} {kind}: {status}");
        }
    }
    assert_eq!(server.position(), before, "nothing is recorded");
}

#[test]
fn no_path_is_served_under_a_name_that_leads_here() {
    let server = Server::start();
    let before = server.position();
    let reads = ["/", "/history", "/v1/events", "/livez", "/metrics", "/openapi.json", "/nowhere"];
    let reads = reads.map(|path| ("GET".to_owned(), path.to_owned()));
    for (method, path) in writes(&server).into_iter().chain(reads) {
        for host in ["evil.example:7420", "localhost.evil.example", "10.1.2.3", ""] {
            let answer = server.ask(&method, &path).host(&[host]).send();
            assert_eq!(answer.status, 421, "{method} {path} {host}: {answer:?}");
        }
        for hosts in [&[][..], &["localhost", "localhost"], &["localhost", "evil.example"]] {
            let answer = server.ask(&method, &path).host(hosts).send();
            assert_eq!(answer.status, 421, "{method} {path} {hosts:?}: {answer:?}");
        }
    }
    assert_eq!(server.position(), before, "nothing is recorded");
    let problem = server.ask("GET", "/v1/events").host(&["evil.example"]).send();
    let detail = problem.problem(421, "misdirected")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("--public-url"), "{detail}");
}

#[test]
fn a_page_of_another_site_embeds_nothing_and_can_link_to_everything() {
    let server = Server::start();
    let cross = |mode: &str, dest: &str| {
        let ask = server.ask("GET", "/v1/rollbacks").header("Sec-Fetch-Site", "cross-site");
        ask.header("Sec-Fetch-Mode", mode).header("Sec-Fetch-Dest", dest).send()
    };
    cross("no-cors", "image").problem(403, "other-origin");
    cross("cors", "empty").problem(403, "other-origin");
    cross("navigate", "iframe").problem(403, "other-origin");
    let answer = cross("navigate", "document").expect(200);
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
}

#[test]
fn a_public_url_is_answered_to_and_its_pages_change_things() {
    let data = TempDir::new().unwrap();
    let mut serve = shiplog();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--public-url", "https://shiplog.example"]);
    let server = support::Server::run(serve.arg("--data").arg(data.path()));
    let ask = |host: &str, origin: &str| {
        let body = reported("1.0", "10:01").to_string();
        let headers = [("Host", host), ("Origin", origin), ("Content-Type", "application/json")];
        server.client().send("POST", DEPLOYMENTS, &headers, body.as_bytes()).status
    };
    assert_eq!(ask("shiplog.example", "https://shiplog.example"), 201);
    assert_eq!(ask(server.address(), "https://shiplog.example"), 201, "a proxy may rename it");
    assert_eq!(ask("shiplog.example", "http://shiplog.example"), 403);
    assert_eq!(ask("other.example", "https://shiplog.example"), 421);
}

#[test]
fn what_is_no_public_url_is_told_before_anything_is_made() {
    let data = TempDir::new().unwrap();
    let mut serve = shiplog();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--public-url", "shiplog.example", "--data"]);
    let ended = serve.arg(data.path().join("new")).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("https://HOST") && said.contains("--public-url"), "{said}");
    assert!(!data.path().join("new").exists());
}
