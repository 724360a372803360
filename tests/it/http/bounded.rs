//! Answers whose size does not grow with the log: lists have pages, and questions have ends.

use std::iter;

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, at, reported, with},
    rails::batch,
    server::Server,
};

/// Services `a`, `b` and `c` in production, of which `b` came later, and as many environments.
fn server() -> Server {
    let server = Server::start();
    let report = |service: &str, environment: &str, fields: Value| {
        let place = json!({"service": service, "environment": environment});
        with(with(reported("1.0", "10:01"), place), fields)
    };
    let lines = [
        report("a", "production", json!({})),
        report("b", "production", json!({"at": at("11:00")})),
        report("c", "production", json!({})),
        report("a", "staging", json!({})),
        report("a", "testing", json!({})),
    ];
    batch(&server, &lines);
    server
}

/// The items of a list, page by page, and how many pages there were.
fn pages(server: &Server, path: &str, list: &str, name: &str) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path) = next {
        let answer = server.ask("GET", &path).send().expect(200);
        let page = answer.json();
        let items = page[list].as_array().unwrap();
        names.extend(items.iter().map(|item| item[name].as_str().unwrap().to_owned()));
        pages += 1;
        next = page["next"].as_str().map(|cursor| {
            let link = answer.header("link");
            assert!(link.contains(cursor) && link.ends_with("rel=\"next\""), "{link}");
            link.trim_start_matches('<').split_once('>').unwrap().0.to_owned()
        });
    }
    (names, pages)
}

#[test]
fn lists_by_name_are_paged() {
    let server = server();
    let abc = ["a", "b", "c"].map(String::from).to_vec();
    let lanes = "/v1/environments/production";
    assert_eq!(pages(&server, lanes, "lanes", "service"), (abc.clone(), 1));
    assert_eq!(pages(&server, &format!("{lanes}?limit=1"), "lanes", "service"), (abc.clone(), 3));
    // What was not there yet leaves no gap.
    let then = format!("{lanes}?limit=1&at=2026-03-02T10:30:00Z");
    let (names, count) = pages(&server, &then, "lanes", "service");
    assert_eq!((names, count), (["a", "c"].map(String::from).to_vec(), 2));
    let diff = format!("{lanes}/diff?from=2026-03-01&to=2026-03-03&limit=2");
    assert_eq!(pages(&server, &diff, "items", "service"), (abc, 2));
    let (names, count) = pages(&server, "/v1/environments?limit=2", "items", "environment");
    assert_eq!((names.join(" "), count), ("production staging testing".into(), 2));
}

#[test]
fn a_cursor_by_name_is_of_its_list() {
    let server = server();
    let next = server.get("/v1/environments/production?limit=1")["next"].clone();
    let next = next.as_str().unwrap();
    for other in ["/v1/environments/staging", "/v1/environments"] {
        let path = format!("{other}?cursor={next}");
        server.ask("GET", &path).send().problem(400, "bad-cursor");
    }
    server.ask("GET", "/v1/environments?limit=1001").send().problem(400, "malformed");
}

#[test]
fn what_is_repeated_without_end_is_refused() {
    let server = server();
    let labels = |count| vec!["label=a:b"; count].join("&");
    assert_eq!(server.get(&format!("{DEPLOYMENTS}?{}", labels(64)))["items"], json!([]));
    for path in [DEPLOYMENTS, "/"] {
        let path = format!("{path}?{}", labels(65));
        let problem = server.ask("GET", &path).send().problem(400, "malformed");
        assert_eq!(problem["errors"][0]["pointer"], "?label", "{problem}");
    }
    let words = vec!["a"; 400].join("+");
    let path = format!("{DEPLOYMENTS}?q={words}");
    let problem = server.ask("GET", &path).send().problem(400, "malformed");
    assert!(problem["detail"].as_str().unwrap().contains("more than 64 words"), "{problem}");
}

#[test]
fn an_address_that_is_too_long_is_told_so() {
    let server = Server::start();
    let path =
        |bytes: usize| format!("{DEPLOYMENTS}?q={}", "a".repeat(bytes - DEPLOYMENTS.len() - 3));
    for most in [32 * 1024 + 1, 60_000] {
        server.ask("GET", &path(most)).send().problem(414, "too-long");
    }
    assert_ne!(server.ask("GET", &path(32 * 1024)).send().status, 414);
}

#[test]
fn a_page_of_events_ends_where_it_has_much_to_tell() {
    let server = Server::start();
    let change = json!({"kind": "commit", "id": "c".repeat(190), "description": "d".repeat(600)});
    let large = json!({"version": "1.0", "changes": vec![change; 1_000]});
    for minute in 10..16 {
        let deployment = with(reported("1.0", &format!("10:{minute}")), json!({"release": large}));
        server.post(DEPLOYMENTS, &deployment);
    }
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, "0".to_owned());
    while let Some(after) = Some(next).filter(|next| !next.is_empty()) {
        let answer = server.ask("GET", &format!("/v1/events?limit=1000&after={after}")).send();
        assert!(answer.text.len() < 6 << 20, "{}", answer.text.len());
        let page = answer.expect(200).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|event| event["position"].as_u64().unwrap()));
        next = page["next"].as_str().unwrap_or_default().to_owned();
        pages += 1;
    }
    assert_eq!(seen, (1..=12).collect::<Vec<_>>());
    assert_eq!(pages, 2, "six events of almost 1 MiB are more than one page");
}

#[test]
fn a_rollback_over_many_deployments_tells_them_and_how_many_there_are() {
    let server = Server::start();
    let change = json!({"kind": "database", "id": "7", "reversible": false});
    let version = |nth: usize| {
        let hour = format!("{:02}:{:02}", 1 + nth / 60, nth % 60);
        let release = json!({"version": format!("1.{nth}"), "changes": [change]});
        with(reported("1", &hour), json!({"release": release}))
    };
    let back = with(reported("1.0", "20:00"), json!({}));
    let lines: Vec<_> = (0..101).map(version).chain(iter::once(back)).collect();
    batch(&server, &lines);
    let rollback = server.get("/v1/rollbacks")["items"][0].clone();
    assert_eq!((&rollback["number"], &rollback["reverts_count"]), (&json!(102), &json!(100)));
    let reverts = rollback["reverts"].as_array().unwrap();
    assert_eq!((reverts.len(), &reverts[0]["number"]), (100, &json!(101)));
    let irreversible = rollback["irreversible"].as_array().unwrap();
    assert_eq!((irreversible.len(), &rollback["irreversible_count"]), (100, &json!(100)));
    assert_eq!((&irreversible[0]["version"], &rollback["shown"]), (&json!("1.100"), &json!(false)));
    let report = server.ask("GET", "/v1/rollbacks?format=report").send().expect(200).text;
    assert!(report.contains("1.81 (\\#82); 1.80 (\\#81)"), "{report}");
}
