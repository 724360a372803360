//! Rolling back from a page: what it says before, and what it does when the lane has moved.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, at, reported, succeeded, with},
        server::{Answer, Server},
    },
    filled_in, open, send,
};

const PAGE: &str = "/lanes/checkout/production/rollback";

/// Sends the confirmation as it stands on the page.
fn confirm(server: &Server, page: &Answer, reason: &str) -> Answer {
    let fields = [
        ("key", filled_in(page, "key")),
        ("version", filled_in(page, "version")),
        ("to", filled_in(page, "to")),
        ("reason", reason),
        ("actor", "ann"),
        ("confirm", "production"),
    ];
    send(server, PAGE, &fields)
}

#[test]
fn the_confirmation_says_what_would_be_recorded_and_then_records_just_that() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let changes = json!([{"kind": "migration", "id": "0042", "reversible": false}]);
    let release = json!({"version": "1.2", "changes": changes});
    let body = with(reported("1.2", "10:20"), json!({"release": release}));
    server.post(DEPLOYMENTS, &body);
    let before = server.position();
    let page = open(&server, PAGE).expect(200);
    for said in ["#3 1.2", "1.1", "irreversible", "0042, in 1.2", "Type the environment"] {
        assert!(page.text.contains(said), "`{said}` is not said: {}", page.text);
    }
    assert!(page.text.contains("Roll back checkout in production to 1.1</button>"), "{page:?}");
    assert_eq!(server.position(), before, "asking records nothing");
    let sent = confirm(&server, &page, "it loses\r\norders").expect(303);
    assert_eq!(sent.header("location"), "/lanes/checkout/production/4");
    assert!(sent.header("set-cookie").contains("shiplog-actor=ann"), "{sent:?}");
    let made = server.get("/v1/deployments/checkout/production/4");
    assert_eq!(made["intent"], json!({"kind": "rollback", "restores": 2, "reverts": [3]}));
    assert_eq!(made["acknowledged"][0]["id"], "0042", "what was shown is recorded");
    assert_eq!(
        (&made["reason"], &made["actor"]["id"]),
        (&json!("it loses\norders"), &json!("ann"))
    );
}

#[test]
fn a_form_that_is_sent_twice_is_recorded_once() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, PAGE);
    let first = confirm(&server, &page, "twice").expect(303);
    let second = confirm(&server, &page, "twice").expect(303);
    assert_eq!(first.header("location"), second.header("location"));
}

#[test]
fn a_lane_that_moved_meanwhile_is_shown_anew_and_nothing_is_recorded() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, PAGE);
    let other = json!({"status": "succeeded", "at": at("10:30"), "intent": "deploy"});
    server.post(DEPLOYMENTS, &with(asked("1.2"), other));
    let before = server.position();
    let again = confirm(&server, &page, "it <b>loses</b> orders").expect(412);
    assert_eq!(server.position(), before, "nothing is recorded");
    assert!(again.text.contains("The lane has changed meanwhile"), "{}", again.text);
    assert!(again.text.contains("#3 1.2"), "it says what would be undone now: {}", again.text);
    assert!(
        again.text.contains("it &#60;b&#62;loses&#60;/b&#62; orders</textarea>"),
        "what was typed is kept"
    );
    confirm(&server, &again, "it loses orders").expect(303);
    let made = server.get("/v1/deployments/checkout/production/4");
    assert_eq!(made["intent"], json!({"kind": "rollback", "restores": 1, "reverts": [3, 2]}));
}

#[test]
fn what_is_missing_is_said_beside_its_field() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, PAGE);
    let (key, version) = (filled_in(&page, "key"), filled_in(&page, "version"));
    let all = [
        ("key", key),
        ("version", version),
        ("to", "1"),
        ("reason", "why"),
        ("actor", "ann"),
        ("confirm", "production"),
    ];
    for (missing, said) in
        [("reason", "say why"), ("actor", "say who you are"), ("confirm", "type `production`")]
    {
        let fields: Vec<_> = all.iter().copied().filter(|(name, _)| *name != missing).collect();
        let again = send(&server, PAGE, &fields).expect(400);
        assert!(again.text.contains(&format!("id=\"{missing}-wrong\"")), "{missing}: {again:?}");
        assert!(again.text.contains(said), "{missing}: {again:?}");
    }
    let unguarded: Vec<_> = all.iter().copied().filter(|(name, _)| *name != "version").collect();
    send(&server, PAGE, &unguarded).expect(400);
    assert_eq!(server.get("/v1/lanes/checkout/production")["version"], 3, "nothing was recorded");
}

#[test]
fn where_users_do_not_depend_on_it_no_name_is_typed() {
    let server = Server::start();
    for (version, time) in [("1.0", "10:01"), ("1.1", "10:02")] {
        let body = with(reported(version, time), json!({"environment": "testing"}));
        server.post(DEPLOYMENTS, &body);
    }
    let page = open(&server, "/lanes/checkout/testing/rollback").expect(200);
    assert!(!page.text.contains("name=\"confirm\""), "{}", page.text);
}

#[test]
fn a_way_back_that_is_none_is_refused_in_words() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let page = open(&server, PAGE).expect(200);
    assert!(page.text.contains("no other release worked here before"), "{}", page.text);
    assert!(!page.text.contains("method=\"post\" action=\"/lanes/"), "there is nothing to send");
    let page = open(&server, &format!("{PAGE}?to=99")).expect(200);
    assert!(page.text.contains("there is no deployment `#99` here"), "{}", page.text);
}

#[test]
fn a_form_from_another_site_changes_nothing() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, PAGE);
    let (key, version) = (filled_in(&page, "key"), filled_in(&page, "version"));
    let body = format!("key={key}&version={version}&to=1&reason=x&actor=ann&confirm=production");
    let before = server.position();
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Origin", "https://evil.example")],
        vec![("Origin", "null")],
        vec![],
    ] {
        let ask =
            server.ask("POST", PAGE).header("Content-Type", "application/x-www-form-urlencoded");
        let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        ask.body(body.clone()).send().problem(403, "other-origin");
    }
    assert_eq!(server.position(), before);
}

#[test]
fn a_freeze_is_shown_and_overridden_with_a_reason() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    server.post("/v1/environments/production/freeze", &json!({"reason": "the quarter ends"}));
    let page = open(&server, PAGE).expect(200);
    assert!(page.text.contains("the environment is frozen: the quarter ends"), "{}", page.text);
    let before = server.position();
    let refused = confirm(&server, &page, "it loses orders").expect(409);
    assert!(refused.text.contains("The rules refuse it, and nothing was recorded"), "{refused:?}");
    assert_eq!(server.position(), before, "nothing is recorded");
    let mut fields = vec![
        ("key", filled_in(&refused, "key")),
        ("version", filled_in(&refused, "version")),
        ("to", filled_in(&refused, "to")),
        ("reason", "it loses orders"),
        ("actor", "ann"),
        ("confirm", "production"),
        ("override", "freeze"),
    ];
    let unsaid = send(&server, PAGE, &fields).expect(400);
    assert!(unsaid.text.contains("id=\"override-wrong\""), "{}", unsaid.text);
    fields.push(("override_reason", "orders are lost"));
    send(&server, PAGE, &fields).expect(303);
    let made = server.get("/v1/deployments/checkout/production/3");
    let crossed = json!({"rails": ["freeze"], "reason": "orders are lost"});
    assert_eq!(made["override"], crossed);
}
