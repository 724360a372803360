//! Every path by which a deployment can come to be or begin, under every guard rail: what asks is
//! refused, what reports is recorded.

use std::process::Output;

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, LANE, asked, back, deployment, reported, step, succeeded, with},
    rails::{batch, became, keyed},
    server::Server,
};
use crate::support::shiplog;

/// A guard rail: how it is put up, and the code of its refusal.
struct Rail {
    code: &'static str,
    put_up: fn(&Server),
}

const RAILS: [Rail; 3] = [
    Rail {
        code: "frozen",
        put_up: |server| {
            server.post("/v1/environments/production/freeze", &json!({"reason": "peak hour"}));
        },
    },
    Rail {
        code: "in-progress",
        put_up: |server| {
            let rules = json!({"tier": "production", "one_at_a_time": true});
            server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
            server.post(DEPLOYMENTS, &with(asked("1.9"), json!({"status": "started"})));
        },
    },
    Rail {
        code: "blocked-release",
        put_up: |server| {
            for version in ["1.0", "1.2"] {
                let path = format!("/v1/releases/checkout/{version}/block");
                server.post(&path, &json!({"reason": "it leaks"}));
            }
        },
    },
];

/// 1.0 and 1.1 ran, 1.2 is registered and asked for as #3.
fn server() -> Server {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.ask("PUT", "/v1/releases/checkout/1.2").json(&json!({})).send().expect(200);
    server.post(DEPLOYMENTS, &asked("1.2"));
    server
}

fn retry() -> Value {
    json!({"service": "checkout", "environment": "production", "intent": {"kind": "retry", "of": 1}})
}

fn call(server: &Server, words: &str) -> Output {
    let mut command = shiplog();
    command.args(words.split(' ')).args(["--server", server.url(), "--actor", "person:ann"]);
    command.env("SHIPLOG_SPOOL", concat!(env!("CARGO_TARGET_TMPDIR"), "/paths")).output().unwrap()
}

/// What the page answers to a form.
fn form(server: &Server, way: &str, fields: &str) -> String {
    let version = server.get(LANE)["version"].to_string();
    let form = format!("key=k&actor=ann&reason=why&confirm=production&version={version}&{fields}");
    let kind = "application/x-www-form-urlencoded";
    let ask = server.ask("POST", &format!("/lanes/checkout/production/{way}"));
    let ask = ask.header("Content-Type", kind).header("Sec-Fetch-Site", "same-origin");
    ask.body(form).send().expect(409).text
}

#[test]
fn what_asks_is_refused_on_every_path_and_what_reports_is_recorded_on_every_path() {
    for Rail { code, put_up } in RAILS {
        let server = server();
        put_up(&server);
        let before = server.position();
        for wish in [asked("1.2"), back(1), retry()] {
            server.ask("POST", DEPLOYMENTS).json(&wish).send().problem(409, code);
            let line = batch(&server, &[keyed(wish.clone(), "line")]);
            assert_eq!(became(&line[0]), code, "{wish}");
        }
        for (way, fields) in
            [("rollback", "to=1"), ("retry", "of=1"), ("roll-forward", "release=1.2")]
        {
            let page = form(&server, way, fields);
            assert!(page.contains("id=\"refused\""), "{code} {way}: {page}");
        }
        let claim = json!({"claim": true, "executor": "agent-1"});
        server.ask("POST", &step(3, "start")).json(&claim).send().problem(409, code);
        for words in [
            "deploy checkout production 1.2",
            "rollback checkout production --to 1 --reason why",
            "retry checkout/production#1",
            "run --service checkout --environment production --version 1.2 -- false",
        ] {
            // The options of `run` come before its command.
            let said = if let Some((options, command)) = words.split_once(" -- ") {
                let mut run = shiplog();
                run.args(options.split(' ')).args(["--server", server.url()]);
                run.args([
                    "--spool",
                    concat!(env!("CARGO_TARGET_TMPDIR"), "/paths"),
                    "--",
                    command,
                ]);
                run.output().unwrap()
            } else {
                call(&server, words)
            };
            assert_eq!(said.status.code(), Some(4), "{code} {words}: {said:?}");
            let text = String::from_utf8_lossy(&said.stderr);
            assert!(text.contains(&format!("the rule is called `{code}`")), "{words}: {text}");
        }
        assert_eq!(server.position(), before, "{code}: something was recorded");

        let number = |told: &Value| told["number"].as_u64().unwrap();
        let first = number(&server.post(DEPLOYMENTS, &reported("1.2", "11:00")));
        let line = batch(&server, &[reported("1.0", "11:10")]);
        assert_eq!(became(&line[0]), first + 1, "{code}: {line:?}");
        let told = call(&server, "deploy checkout production 1.2 --status started");
        assert!(told.status.success(), "{code}: {told:?}");
        assert_eq!(server.post(&step(3, "start"), &json!({}))["status"], "started");
        let last = u32::try_from(first + 2).unwrap();
        assert_eq!(server.get(&deployment(last))["status"], "started");
    }
}

/// What each path answers to a request that lacks approvals, names a lane like a known one, or gives
/// blanks as a reason.
#[test]
fn approvals_names_and_reasons_are_asked_for_on_every_path() {
    let server = server();
    let rules = json!({"tier": "production", "approvals": 1});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    let begun = |number: u32| {
        let claim = json!({"claim": true, "executor": "agent-1"});
        server.ask("POST", &step(number, "start")).json(&claim).send().problem(409, "not-approved");
    };
    for (number, wish) in [(4, asked("1.2")), (6, back(1)), (8, retry())] {
        assert_eq!(server.post(DEPLOYMENTS, &wish)["approvals_missing"], 1);
        begun(number);
        let key = format!("line-{number}");
        assert_eq!(became(&batch(&server, &[keyed(wish, &key)])[0]), number + 1);
        begun(number + 1);
    }
    let reports = [reported("1.2", "11:00"), reported("1.0", "11:10")];
    assert_eq!(server.post(DEPLOYMENTS, &reports[0])["approvals_needed"], 0);
    assert_eq!(batch(&server, &reports[1..])[0]["status"], "recorded");

    let before = server.position();
    let elsewhere = |wish: Value| with(wish, json!({"environment": "Production"}));
    for wish in [asked("1.2"), back(1), retry()].map(elsewhere) {
        server.ask("POST", DEPLOYMENTS).json(&wish).send().problem(409, "similar-name");
        assert_eq!(became(&batch(&server, &[keyed(wish, "near")])[0]), "similar-name");
    }
    let blank = with(back(1), json!({"reason": "\u{200B} "}));
    server.ask("POST", DEPLOYMENTS).json(&blank).send().problem(400, "malformed");
    assert_eq!(became(&batch(&server, &[keyed(blank, "blank")])[0]), "malformed");
    let said = shiplog()
        .args(["rollback", "checkout", "production", "--to", "1", "--reason", " "])
        .args(["--server", server.url(), "--actor", "person:ann"])
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    assert_eq!(server.position(), before, "something was recorded");
}
