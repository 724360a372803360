//! What a board says of what its filters leave out.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, at, reported, with},
        server::Server,
    },
    says,
};

/// Payments is quiet, search and cart are in doubt in production; cart runs in staging.
fn server() -> Server {
    let server = Server::start();
    let report = |service: &str, environment: &str, fields| {
        let place = json!({"service": service, "environment": environment});
        server.post(DEPLOYMENTS, &with(with(reported("1.0", "10:01"), place), fields));
    };
    report("payments", "production", json!({"labels": {"team": "money"}}));
    report("payments", "production", json!({"at": at("10:09")}));
    report("cart", "staging", json!({"at": at("10:02")}));
    for service in ["search", "cart"] {
        report(service, "production", json!({}));
        report(service, "production", json!({"status": "failed", "at": at("10:05")}));
    }
    server
}

/// What stands under "Deployed last".
fn latest(text: &str) -> &str {
    let (_, latest) = text.split_once("Deployed last").unwrap();
    latest.split("The whole history").next().unwrap()
}

#[test]
fn a_filtered_board_is_not_quiet_while_lanes_elsewhere_are_in_doubt() {
    let server = server();
    says(&server, "/", &["2 lanes are in doubt."]);
    let quiet = "Nothing failed or running among these; 2 lanes elsewhere are in doubt.";
    let text = says(&server, "/?service=payments", &["1 of 3 services", quiet]);
    assert!(!text.contains("All is quiet"), "{text}");
    says(&server, "/?tier=staging", &[quiet]);
    let one = "1 lane is in doubt; 1 lane elsewhere is in doubt.";
    says(&server, "/?service=cart", &[one]);
    let nothing = "Nothing that the filters let through; 2 lanes elsewhere are in doubt.";
    says(&server, "/?service=nobody", &[nothing]);
}

#[test]
fn what_was_deployed_last_is_filtered_like_the_board() {
    let server = server();
    let last = |query: &str| latest(&says(&server, query, &["Deployed last"])).to_owned();
    let all = last("/");
    assert!(all.contains("cart") && all.contains("payments") && all.contains("search"), "{all}");
    let payments = last("/?service=PAY");
    assert!(payments.starts_with(" among these") && payments.contains("payments"), "{payments}");
    assert!(!payments.contains("cart") && !payments.contains("search"), "{payments}");
    let staging = last("/?tier=staging");
    assert!(
        staging.contains("cart 1.0 to staging") && !staging.contains("production"),
        "{staging}"
    );
    let doubtful = last("/?only=doubt");
    assert!(doubtful.contains("search") && !doubtful.contains("payments"), "{doubtful}");
    let none = last("/?service=nobody");
    assert!(!none.contains("1.0"), "{none}");
}
