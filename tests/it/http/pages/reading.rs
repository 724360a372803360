//! What the pages show, to whom, and that all of it is text.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, reported, succeeded, with},
        server::Server,
    },
    HTML, open,
};

/// Every page there is, for a server that has a lane with a deployment.
const PAGES: [&str; 9] = [
    "/",
    "/history",
    "/rollbacks",
    "/releases",
    "/environments",
    "/log",
    "/projections",
    "/lanes/checkout/production",
    "/lanes/checkout/production/1",
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[test]
fn every_page_renders_empty_and_filled_and_loads_nothing_from_elsewhere() {
    let server = Server::start();
    for page in &PAGES[..7] {
        open(&server, page).expect(200);
    }
    succeeded(&server, &["1.0", "1.1"]);
    for path in
        PAGES.into_iter().chain(["/releases/checkout", "/lanes/checkout/production/rollback"])
    {
        let page = open(&server, path).expect(200);
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert!(page.text.contains("<title>") && page.text.contains("<h1"), "{path}");
        assert!(!page.text.contains("style=\"") && !page.text.contains("onclick"), "{path}");
        for source in page.text.split("src=\"").skip(1) {
            assert!(source.starts_with("/assets/"), "{path}: {source:.60}");
        }
    }
}

#[test]
fn an_empty_shiplog_shows_how_to_record_the_first_deployment() {
    let server = Server::start();
    let page = open(&server, "/").expect(200);
    assert!(page.text.contains("shiplog deploy checkout production 1.4.2"), "{}", page.text);
    let host = server.ask("GET", "/").header("Accept", HTML);
    assert!(host.send().text.contains("http://127.0.0.1:"), "with the address that works");
}

#[test]
fn the_board_shows_what_runs_what_failed_and_what_is_under_way() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "failed", "at": at("10:10")})));
    server.post(DEPLOYMENTS, &with(asked("1.3"), json!({"status": "started", "at": at("10:20")})));
    let page = open(&server, "/").text;
    for said in [
        "checkout",
        "1.1",
        "1.2 failed half-way",
        "what is there is uncertain",
        "/lanes/checkout/production/3/recovery\">recovery options</a>",
        "1.3 running",
    ] {
        assert!(page.contains(said), "`{said}` is not on the board: {page}");
    }
    assert!(page.contains("<time datetime=\"2026-03-02T10:02:00Z\">2026-03-02 10:02 UTC</time>"));
    assert!(page.contains("1 lane is in doubt; 1 deployment is running."));
}

#[test]
fn the_board_of_an_earlier_instant_says_so_and_leads_back() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, "/?at=2026-03-02T10:01:30Z&service=check").text;
    assert!(page.contains(">1.0</a>") && !page.contains(">1.1</a>"), "{page}");
    assert!(page.contains("this is what was, not what is"), "{page}");
    assert!(page.contains("<a href=\"/?service=check\">Back to now</a>"), "{page}");
}

#[test]
fn filters_say_what_they_leave_out_and_can_be_removed() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    server.post(DEPLOYMENTS, &with(reported("7.0", "10:09"), json!({"service": "search"})));
    let board = open(&server, "/?service=SEAR&tier=&only=").text;
    assert!(board.contains("1 of 2 services") && !board.contains(">1.0</a>"), "{board}");
    let history = open(&server, "/history?service=search&status=failed&q=").text;
    assert!(history.contains("No deployment is like that"), "{history}");
    assert!(history.contains("<a href=\"/history?service=search\""), "without the status");
    let problem = open(&server, "/history?status=broken").expect(400);
    assert!(problem.text.contains("?status") && problem.text.contains("none of"), "{problem:?}");
}

#[test]
fn a_search_is_taken_apart_and_each_term_can_be_removed() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "failed", "at": at("10:10")})));
    let page =
        open(&server, "/history?status=failed&q=env:production+-%22loses+orders%22+1.2").text;
    assert!(page.contains("checkout 1.2</a>") && !page.contains("checkout 1.1</a>"), "{page}");
    for (term, rest) in [
        ("status: failed", "q=env:production%20-%22loses%20orders%22%201.2"),
        ("env:production", "status=failed&#38;q=-%22loses%20orders%22%201.2"),
        ("-&#34;loses orders&#34;", "status=failed&#38;q=env:production%201.2"),
        ("1.2", "status=failed&#38;q=env:production%20-%22loses%20orders%22"),
    ] {
        let link = format!("<li>{term} <a href=\"/history?{rest}\"");
        assert!(page.contains(&link), "{link} is not in {page}");
    }
}

#[test]
fn a_search_that_cannot_be_read_is_mended_where_it_was_typed() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let page = open(&server, "/history?service=checkout&q=1.0+srevice:x").expect(400).text;
    assert!(page.contains("character 5: `srevice` is no key of a search"), "{page}");
    assert!(page.contains("did you mean `service`?"), "{page}");
    assert!(page.contains("value=\"1.0 srevice:x\"") && page.contains("aria-invalid"), "{page}");
    assert!(page.contains("id=\"service\" name=\"service\" value=\"checkout\""), "{page}");
    assert!(!page.contains("checkout 1.0</a>"), "nothing is found by it: {page}");
    // On a phone the form is folded away.
    assert!(page.contains("<details class=\"fold\" open>"), "{page}");
    let help = open(&server, "/history").expect(200).text;
    assert!(help.contains("duration:&#62;5m") && !help.contains("aria-invalid"), "{help}");
}

#[test]
fn the_history_pages_by_cursor_and_is_the_same_as_a_table() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    let first = open(&server, "/history?limit=2&service=checkout").text;
    assert!(first.contains("checkout 1.2") && !first.contains("checkout 1.0"), "{first}");
    let (_, rest) = first.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&#38;", "&");
    let second = open(&server, &next).text;
    assert!(second.contains("checkout 1.0") && !second.contains("checkout 1.2"), "{second}");
    assert!(
        first.contains("/v1/deployments?limit=2&#38;service=checkout&#38;format=csv"),
        "{first}"
    );
}

#[test]
fn hostile_names_are_text_everywhere() {
    let server = Server::start();
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let body = json!({
        "service": evil, "environment": evil, "status": "failed", "error": evil, "reason": evil,
        "release": {"version": evil, "commit": evil, "notes": evil,
            "artifacts": [{"name": evil, "digest": evil}],
            "changes": [{"kind": evil, "id": evil, "description": evil, "url": "javascript:alert(3)"}]},
        "labels": {evil: evil}, "external_id": evil, "url": "javascript:alert(4)",
        "actor": {"id": evil, "name": evil},
    });
    server.post(DEPLOYMENTS, &body);
    let name = crate::support::encode(evil);
    let lane = format!("/lanes/{name}/{name}");
    let path = format!("/v1/environments/{name}/freeze");
    server.post(&path, &json!({"reason": evil}));
    let pages = [
        "/".to_owned(),
        "/history".into(),
        format!("/history?q={name}"),
        format!("/history?service={name}"),
        "/log".into(),
        "/environments".into(),
        "/releases".into(),
        format!("/releases/{name}"),
        format!("{lane}/1"),
        lane.clone(),
        format!("{lane}/rollback"),
        format!("/{name}"),
    ];
    for path in pages {
        let page = open(&server, &path).text;
        for harm in ["<script>alert", "<img", "href=\"javascript:", "href=\"data:"] {
            assert!(!page.contains(harm), "{path} has `{harm}`: {page}");
        }
    }
}

#[test]
fn a_problem_is_a_page_to_a_browser_and_json_to_a_program() {
    let server = Server::start();
    let page = open(&server, "/lanes/checkout/production").expect(404);
    assert!(
        page.text.contains("Nothing was ever deployed to <code>checkout/production</code>."),
        "{page:?}"
    );
    assert!(page.text.contains(page.header("x-request-id")), "{page:?}");
    open(&server, "/nowhere").expect(404);
    server.ask("GET", "/nowhere").send().problem(404, "not-found");
    let api = server.ask("GET", "/v1/lanes/a/b").header("Accept", HTML).send();
    api.problem(404, "not-found");
}

#[test]
fn a_page_says_up_to_where_in_the_log_it_tells() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let page = open(&server, "/");
    assert_eq!(page.header("shiplog-position"), server.position());
}

/// Where a page has its styles and scripts from.
fn assets(server: &Server) -> String {
    let page = open(server, "/").text;
    let (_, rest) = page.split_once("src=\"").unwrap();
    rest.split_once("/main.js").unwrap().0.to_owned()
}

#[test]
fn styles_and_scripts_are_kept_as_long_as_they_are_the_same() {
    let server = Server::start();
    let place = assets(&server);
    for name in ["style.css", "main.js", "stream.js", "icon.svg"] {
        let kept = server.ask("GET", &format!("{place}/{name}")).send().expect(200);
        assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable", "{name}");
        // What a server of another version speaks of is there as well, but nobody may keep it.
        let path = format!("/assets/0123456789abcdef/{name}");
        let other = server.ask("GET", &path).send().expect(200);
        assert_eq!(other.header("cache-control"), "no-cache", "{name}");
        let tag = other.header("etag").to_owned();
        server.ask("GET", &path).header("If-None-Match", &tag).send().expect(304);
    }
    server.ask("GET", &format!("{place}/../Cargo.toml")).send().expect(404);
}

#[test]
fn the_script_that_follows_the_log_knows_every_type_of_event() {
    let server = Server::start();
    let script = server.ask("GET", &format!("{}/stream.js", assets(&server))).send().text;
    let types = shiplog_domain::wire::DomainEvent::SCHEMAS.concat();
    for schema in types {
        assert!(script.contains(&format!("\"{}\"", schema.event_type)), "{}", schema.event_type);
    }
}

#[test]
fn the_log_reads_from_its_end_and_from_its_beginning() {
    let server = Server::start();
    let versions: Vec<_> = (0..40).map(|patch| format!("1.0.{patch}")).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    succeeded(&server, &versions);
    let end = open(&server, "/log").text;
    assert!(end.contains("1.0.39") && !end.contains("1.0.3&#34;"), "{end}");
    let start = open(&server, "/log?after=0&limit=4").text;
    assert!(start.contains("1.0.1&#34;") && !start.contains("1.0.9&#34;"), "{start}");
    assert!(start.contains("href=\"/log?limit=4&#38;after=4\""), "{start}");
    let kind = open(&server, "/log?type=DeploymentFailed").text;
    assert!(kind.contains("No event is like that here"), "{kind}");
}
