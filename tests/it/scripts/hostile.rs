//! Scripts that loop, grow, dig and hide: each is stopped at its event, and nothing else is.

use serde_json::json;

use super::{define, fault, shown, state};
use crate::support::{Client, Server};

/// What a handler does from the third event on, and what is said of it.
const HOSTILE: [(&str, &str, &str); 12] = [
    ("loops", "for (;;) {}", "it ran for more than 1s"),
    ("catches", "for (;;) { try { for (;;) {} } catch {} }", "it ran for more than 1s"),
    ("grows", "const a = []; for (;;) a.push(new Array(1000).fill('x'))", ""),
    ("doubles", "let s = 'x'; for (;;) s += s", ""),
    ("digs", "(function dig() { return dig() + 1 })()", "stack"),
    ("matches", "/^(a+)+$/.test('a'.repeat(50) + 'b')", "it ran for more than 1s"),
    (
        "sorts",
        "const a = []; a[4294967294] = 1; a.sort()",
        "within one of the language's own functions",
    ),
    ("fills", "return { s: 'x'.repeat(2000000) }", "at most 1048576 are kept"),
    ("nests", "let o = {}; for (let i = 0; i < 100000; i++) o = { o }; return o", "levels deep"),
    ("circles", "s.s = s", "contains itself"),
    ("tricks", "Object.prototype.then = 7", "not extensible"),
    ("hides", "globalThis.hidden = 7", "not extensible"),
];

fn script(body: &str) -> String {
    format!(
        "fromAll().when({{ $any(s, e) {{ s.n = e.position; if (e.position > 2) {{ {body} }} }} }})"
    )
}

/// Records some events.
fn record(client: &Client, from: u32, to: u32) {
    for version in from..to {
        let body = json!({
            "service": "checkout", "environment": "production", "status": "succeeded",
            "release": { "version": version.to_string() }, "at": "2026-03-06T10:00:00Z",
        });
        let kind = [("Content-Type", "application/json")];
        client.send("POST", "/v1/deployments", &kind, body.to_string().as_bytes()).expect(201);
    }
}

#[test]
fn a_hostile_script_is_stopped_at_its_event_and_harms_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    record(&client, 0, 5);
    for (name, body, _) in HOSTILE {
        define(&client, name, &script(body)).expect(201);
    }
    define(&client, "counts", "fromAll().when({ $any(s) { s.n = (s.n ?? 0) + 1 } })").expect(201);
    for (name, _, why) in HOSTILE {
        let fault = fault(&client, name);
        assert_eq!(fault["position"], 3, "{name}: {fault}");
        let message = fault["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(&why.to_lowercase()), "{name}: {fault}");
        // What came before is kept, and says that it is not all.
        let mut kept = client.get(&format!("/v1/projections/{name}/state")).expect(200).json();
        assert!(kept.as_object_mut().unwrap().remove("behind").is_some(), "{name}: {kept}");
        assert_eq!(kept, json!({ "state": { "n": 2 }, "position": 2 }), "{name}");
    }
    record(&client, 5, 10);
    let counted = state(&client, "counts");
    assert_eq!(counted["state"]["n"], counted["position"]);
    assert!(server.stop().success());
}

#[test]
fn a_script_that_is_mended_goes_on_from_the_beginning() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    record(&client, 0, 3);
    define(&client, "mended", &script("s.n.n.n")).expect(201);
    let failed = fault(&client, "mended");
    assert_eq!((&failed["position"], &failed["line"]), (&json!(3), &json!(1)), "{failed}");
    // The same again changes nothing; what is said after a restart is the same.
    define(&client, "mended", &script("s.n.n.n")).expect(200);
    assert!(server.stop().success());
    let server = Server::start(data.path());
    let client = server.client();
    assert_eq!(fault(&client, "mended"), failed);

    // Tried again as it is, it fails again, at the same event.
    client.send("POST", "/v1/projections/mended/resume", &[], b"").expect(200);
    assert_eq!(fault(&client, "mended"), failed);

    define(&client, "mended", &script("s.more = true")).expect(200);
    let position = state(&client, "mended")["position"].clone();
    let expected = json!({ "state": { "n": position, "more": true }, "position": position });
    assert_eq!(state(&client, "mended"), expected);
    assert_eq!(shown(&client, "mended")["status"], "live");
}
