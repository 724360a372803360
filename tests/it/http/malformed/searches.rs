//! Searches that hold what looks like a term and is none.

use super::{super::server::Server, Case, check};
use crate::support::encode;

#[test]
fn a_search_is_told_at_which_character_it_is_wrong_and_what_was_meant() {
    let rows = [
        (
            "timeout srevice:x",
            "character 9: `srevice` is no key of a search; did you mean `service`? \
             To search for it as text, quote it: `\"srevice:x\"`",
        ),
        (
            "localhost:8080",
            "character 1: `localhost` is no key of a search; there are service, env,",
        ),
        ("status:foo", "character 8: `foo` is no status"),
        ("env:", "character 5: `env:` needs a value, as in `env:production,staging`"),
        ("-is:rolback", "character 5: `rolback` is no word for what a deployment is; did you mean"),
        ("since:soon", "character 7: `soon` is no time"),
        ("duration:5m", "character 10: `5m` is no duration to compare with"),
        ("commit:3f", "character 8: `3f` should have 4 to"),
        ("service:a,\"\"", "character 11: `service:` needs a value"),
    ];
    let case = |(q, says): (&str, &'static str)| {
        Case::new("GET", format!("/v1/deployments?q={}", encode(q))).at("?q", says)
    };
    let long =
        Case::new("GET", format!("/v1/deployments?q={}:x", "k".repeat(900))).at("?q", "no key");
    check(&rows.into_iter().map(case).chain([long]).collect::<Vec<_>>());
}

#[test]
fn what_people_paste_is_searched_for() {
    let server = Server::start();
    for pasted in [
        "https://ci.example/run/7",
        "at 12:30",
        "sha256:0a1b",
        "shop/web:1.2",
        "error: full",
        "a::b",
    ] {
        server.get(&format!("/v1/deployments?q={}", encode(pasted)));
    }
}
