//! What is declared, frozen and blocked from a page is what the API would have recorded.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, deployment, succeeded, with},
        server::Server,
    },
    filled_in, open, send,
};

#[test]
fn an_environment_is_declared_frozen_and_unfrozen() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let page = open(&server, "/environments");
    let declared = [
        ("key", filled_in(&page, "key")),
        ("actor", "ann"),
        ("name", "production"),
        ("tier", "production"),
        ("approvals", "2"),
        ("one_at_a_time", "on"),
    ];
    let sent = send(&server, "/environments", &declared).expect(303);
    assert_eq!(sent.header("location"), "/environments");
    let page = open(&server, "/environments");
    assert!(page.text.contains("2 approvals required"), "{}", page.text);
    let freeze = [
        ("key", filled_in(&page, "key")),
        ("actor", "service:ci"),
        ("reason", "quarter's <end>"),
        ("until", "2999-01-01T00:00:00Z"),
    ];
    send(&server, "/environments/production/freeze", &freeze).expect(303);
    let frozen = &server.get("/v1/environments")["items"][0]["frozen"];
    assert_eq!(frozen["reason"], "quarter's <end>");
    let page = open(&server, "/environments");
    assert!(page.text.contains("quarter&#39;s &#60;end&#62;"), "{}", page.text);
    assert!(open(&server, "/").text.contains("1 environment is frozen"));
    let unfreeze = [("key", filled_in(&page, "key")), ("actor", "ann")];
    send(&server, "/environments/production/unfreeze", &unfreeze).expect(303);
    assert!(server.get("/v1/environments")["items"][0]["frozen"].is_null());
}

#[test]
fn a_deployment_is_approved_and_another_rejected_from_its_page() {
    let server = Server::start();
    let rules = json!({"tier": "production", "approvals": 1});
    server.ask("PUT", "/v1/environments/production").json(&rules).send().expect(200);
    for version in ["1.0", "1.1"] {
        server.post(DEPLOYMENTS, &with(asked(version), json!({"actor": "ann"})));
    }
    assert!(open(&server, "/environments").text.contains("Waiting for approval"));
    let own = "/lanes/checkout/production/1";
    let page = open(&server, own);
    for said in
        ["Waiting for approval: 0 of 1", "Anyone but ", ", who requested it, may approve it"]
    {
        assert!(page.text.contains(said), "`{said}` is not there: {}", page.text);
    }
    let (callout, facts) = (page.text.find("class=\"decide\""), page.text.find("id=\"facts\""));
    assert!(callout.is_some() && callout < facts, "it is above the facts: {}", page.text);
    let by = |actor| [("key", filled_in(&page, "key")), ("actor", actor), ("comment", "seen it")];
    let refused = send(&server, &format!("{own}/approve"), &by("ann")).expect(409);
    assert!(refused.text.contains("somebody else has to agree"), "{}", refused.text);
    let sent = send(&server, &format!("{own}/approve"), &by("ben")).expect(303);
    assert_eq!(sent.header("location"), own);
    let approved = server.get(&deployment(1));
    assert_eq!(
        (&approved["approvals"][0]["by"], &approved["approvals_missing"]),
        (&json!("ben"), &json!(0))
    );
    assert!(open(&server, own).text.contains("approved</span> by ben"));
    let page = open(&server, "/lanes/checkout/production/2");
    let fields = [("key", filled_in(&page, "key")), ("actor", "ben"), ("comment", "not today")];
    send(&server, "/lanes/checkout/production/2/reject", &fields).expect(303);
    let rejected = server.get(&deployment(2));
    assert_eq!(
        (&rejected["status"], &rejected["ended_because"]),
        (&json!("rejected"), &json!("not today"))
    );
    assert!(!open(&server, "/lanes/checkout/production/2").text.contains("/reject"));
    assert!(!open(&server, "/environments").text.contains("Waiting for approval"));
}

#[test]
fn what_a_form_lacks_is_a_problem_page_and_nothing_is_recorded() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let before = server.position();
    let fields = [("key", "k-1"), ("actor", "ann")];
    let problem = send(&server, "/environments/production/freeze", &fields).expect(400);
    assert!(problem.text.contains("say why"), "{problem:?}");
    let fields = [("key", "k-1"), ("actor", "ann"), ("reason", "x"), ("until", "soon")];
    send(&server, "/environments/production/freeze", &fields).expect(400);
    let fields = [("key", "k-1"), ("actor", "ann"), ("name", "x"), ("tier", "high")];
    send(&server, "/environments", &fields).expect(400);
    assert_eq!(server.position(), before);
}

#[test]
fn a_release_is_blocked_and_unblocked() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1"]);
    let page = open(&server, "/releases/checkout");
    let fields =
        [("key", filled_in(&page, "key")), ("actor", "ann"), ("reason", "it loses orders")];
    let sent = send(&server, "/releases/checkout/1.1/block", &fields).expect(303);
    assert_eq!(sent.header("location"), "/releases/checkout#1.1");
    let release = server.get("/v1/releases/checkout/1.1");
    assert_eq!(release["blocked"]["reason"], "it loses orders");
    let page = open(&server, "/releases/checkout");
    assert!(page.text.contains("blocked</span>") && page.text.contains("it loses orders"));
    let fields = [("key", filled_in(&page, "key")), ("actor", "ann"), ("reason", "mended")];
    send(&server, "/releases/checkout/1.1/unblock", &fields).expect(303);
    assert!(server.get("/v1/releases/checkout/1.1")["blocked"].is_null());
}

#[test]
fn a_read_model_is_rebuilt_paused_and_cancelled_from_its_page() {
    let server = Server::start();
    succeeded(&server, &["1.0", "1.1", "1.2"]);
    let does = |word: &str, more: &[(&str, &str)]| {
        let fields = [more, &[("name", "history"), ("does", word)]].concat();
        send(&server, "/projections", &fields)
    };
    let page = open(&server, "/projections");
    assert!(page.text.contains("<option>history</option>"), "{}", page.text);
    let begun = does("begin", &[("max_events_per_second", "1")]).expect(303);
    assert_eq!(begun.header("location"), "/projections");
    does("pause", &[]).expect(303);
    let paused = loop {
        let page = open(&server, "/projections");
        if page.text.contains("the rebuild is paused") {
            break page;
        }
    };
    for part in ["<progress max=\"6\"", "of 6 events", "value=\"resume\""] {
        assert!(paused.text.contains(part), "{part} is missing: {}", paused.text);
    }
    does("cancel", &[]).expect(303);
    assert!(open(&server, "/projections").text.contains("the rebuild was cancelled"));
    does("cancel", &[]).expect(404);
    does("begin", &[("max_events_per_second", "many")]).expect(400);
    does("begin", &[("max_events_per_second", "")]).expect(303);
    while !open(&server, "/projections").text.contains("rebuilt, the same as before") {}
}

#[test]
fn a_theme_is_remembered_and_leads_back_to_where_it_was_chosen() {
    let server = Server::start();
    let fields = [("theme", "dark"), ("back", "/history?q=x")];
    let sent = send(&server, "/preferences", &fields).expect(303);
    assert_eq!(sent.header("location"), "/history?q=x");
    let cookie = sent.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = server.ask("GET", "/").header("Accept", "text/html").header("Cookie", cookie).send();
    assert!(page.text.contains("<html lang=\"en\" data-theme=\"dark\">"), "{}", page.text);
    let fields = [("theme", "dark"), ("back", "//evil.example/")];
    assert_eq!(send(&server, "/preferences", &fields).header("location"), "/");
}
