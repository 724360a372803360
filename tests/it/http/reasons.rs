//! Reasons: wherever one is required, blanks and invisible characters are none.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, asked, back, step, succeeded, with},
    server::Server,
};

/// Texts of which nobody sees anything.
const BLANK: [&str; 5] = ["   ", "\r\n", "\u{200B}", "\u{FEFF} \u{2060}", "\u{3164}"];

/// A path, where its reason is, and a body that gives this one.
type Call<'a> = (&'a str, &'a str, &'a dyn Fn(&str) -> Value);

#[test]
fn blanks_are_a_reason_nowhere() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let because = |reason: &str| json!({"reason": reason});
    let calls: [Call<'_>; 8] = [
        (DEPLOYMENTS, "/reason", &|reason| with(back("previous"), because(reason))),
        (DEPLOYMENTS, "/override/reason", &|reason| {
            with(asked("1.2"), json!({"override": {"rails": ["freeze"], "reason": reason}}))
        }),
        ("/v1/environments/production/freeze", "/reason", &because),
        ("/v1/releases/checkout/1.0/block", "/reason", &because),
        ("/v1/releases/checkout/1.0/unblock", "/reason", &because),
        (&step(2, "corrections"), "/reason", &|reason| json!({"kind": "void", "reason": reason})),
        (&step(2, "corrections"), "/reason", &|reason| json!({"kind": "blamed", "reason": reason})),
        (&step(2, "notes"), "/text", &|text| json!({"text": text})),
    ];
    let before = server.position();
    for (path, pointer, body) in calls {
        for blank in BLANK {
            let answer = server.ask("POST", path).json(&body(blank)).send();
            let problem = answer.problem(400, "malformed");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{path} {blank:?}: {problem}");
        }
    }
    assert_eq!(server.position(), before, "something was recorded");
    // What need not be said is kept as it was said.
    let cancelled = server.post(DEPLOYMENTS, &asked("1.2"));
    let path = step(u32::try_from(cancelled["number"].as_u64().unwrap()).unwrap(), "cancel");
    assert_eq!(server.post(&path, &because("  "))["ended_because"], "  ");
}

#[test]
fn blanks_are_a_reason_on_no_page() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let before = server.position();
    for (path, more) in [
        ("/environments/production/freeze", ""),
        ("/releases/checkout/1.0/block", ""),
        ("/lanes/checkout/production/rollback", "&version=3&confirm=production&to=1"),
    ] {
        for blank in ["+++", "%0D%0A", "%E2%80%8B"] {
            let form = format!("key=k&actor=ann&reason={blank}{more}");
            let kind = "application/x-www-form-urlencoded";
            let ask = server.ask("POST", path).header("Content-Type", kind);
            ask.header("Sec-Fetch-Site", "same-origin").body(form).send().expect(400);
        }
    }
    assert_eq!(server.position(), before, "something was recorded");
}
