//! The recovery options of a deployment that failed, and the confirmations that they lead to.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, step, succeeded, with},
        server::Server,
    },
    filled_in, open, send,
};

const LANE: &str = "/lanes/checkout/production";

/// A lane in which the third deployment failed, and a release that came after it.
fn failed() -> Server {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let failed = json!({"status": "failed", "at": at("10:10"), "error": "<b>lock</b> timeout"});
    server.post(DEPLOYMENTS, &with(asked("1.2"), failed));
    let release = json!({"commit": "abc1234", "notes": "mends the lock"});
    server.ask("PUT", "/v1/releases/checkout/1.3").json(&release).send().expect(200);
    server
}

#[test]
fn the_three_ways_out_stand_side_by_side() {
    let server = failed();
    let page = open(&server, &format!("{LANE}/3/recovery")).expect(200);
    for said in [
        "&#60;b&#62;lock&#60;/b&#62; timeout",
        "Roll back",
        "rollback?to=2\">1.1</a>",
        "Roll forward",
        "roll-forward?mends=3&#38;release=1.3\">1.3</a>",
        "mends the lock",
        "Roll over",
        "It was tried 1 time here",
    ] {
        assert!(page.text.contains(said), "`{said}` is not there: {}", page.text);
    }
    open(&server, &format!("{LANE}/9/recovery")).expect(404);
}

#[test]
fn the_end_of_an_output_stands_below_the_line_that_says_how_it_failed() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let error = "exit code 7 after 12 s\nmigrating <carts>\n\nlock timeout";
    let log = "https://ci.example/runs/77/log";
    server.post(DEPLOYMENTS, &with(asked("1.1"), json!({"status": "started", "at": at("10:05")})));
    let target = json!({"target": "web-2", "status": "failed", "at": at("10:06"),
        "error": "no answer\nconnection refused"});
    server.post(&step(2, "targets"), &target);
    let failed = json!({"at": at("10:10"), "error": error, "log_url": log});
    server.post(&step(2, "fail"), &failed);
    let output = "<code>migrating &#60;carts&#62;\n\nlock timeout</code></pre>";
    for (path, links_to_all) in
        [("/2", "rel=\"noreferrer\">All of it</a>"), ("/2/recovery", "All of its output</a>")]
    {
        let page = open(&server, &format!("{LANE}{path}")).expect(200).text;
        for said in ["exit code 7 after 12 s</p>", output, log, links_to_all] {
            assert!(page.contains(said), "`{said}` is not at {path}: {page}");
        }
    }
    let page = open(&server, &format!("{LANE}/2")).text;
    assert!(page.contains("<code>connection refused</code>"), "{page}");
    for path in ["/history", LANE] {
        let page = open(&server, path).text;
        assert!(page.contains("exit code 7 after 12 s"), "{path}: {page}");
        assert!(!page.contains("lock timeout"), "a list has one line of it; {path}: {page}");
    }
}

#[test]
fn the_same_is_tried_again() {
    let server = failed();
    let path = format!("{LANE}/retry");
    let page = open(&server, &format!("{path}?of=3")).expect(200);
    assert!(page.text.contains("Try checkout 1.2 in production again</button>"), "{page:?}");
    let fields = [
        ("key", filled_in(&page, "key")),
        ("version", filled_in(&page, "version")),
        ("of", filled_in(&page, "of")),
        ("reason", "the lock is gone"),
        ("actor", "ann"),
        ("confirm", "production"),
    ];
    let sent = send(&server, &path, &fields).expect(303);
    assert_eq!(sent.header("location"), format!("{LANE}/4"));
    let made = server.get("/v1/deployments/checkout/production/4");
    assert_eq!(made["intent"], json!({"kind": "retry", "of": 3}));
    assert_eq!(made["release"]["version"], "1.2");
}

#[test]
fn a_newer_release_mends_it() {
    let server = failed();
    let path = format!("{LANE}/roll-forward");
    let page = open(&server, &format!("{path}?mends=3&release=1.3")).expect(200);
    let fields = [
        ("key", filled_in(&page, "key")),
        ("version", filled_in(&page, "version")),
        ("mends", filled_in(&page, "mends")),
        ("release", filled_in(&page, "release")),
        ("reason", "1.3 mends it"),
        ("actor", "ann"),
        ("confirm", "production"),
    ];
    send(&server, &path, &fields).expect(303);
    let made = server.get("/v1/deployments/checkout/production/4");
    assert_eq!(made["intent"], json!({"kind": "roll_forward", "mends": 3}));
    assert_eq!(made["release"]["commit"], "abc1234", "the whole release, as it is known");
    open(&server, &format!("{path}?mends=3&release=9.9")).expect(404);
}
