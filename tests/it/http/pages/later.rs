//! What is recorded for the future has not happened yet, and every page says so.

use serde_json::json;

use super::{
    super::{
        lane::{DEPLOYMENTS, asked, reported, succeeded, with},
        server::Server,
    },
    says,
};

const LANE: &str = "/lanes/checkout/production";

#[test]
fn what_is_recorded_for_later_is_marked_everywhere() {
    let server = Server::start();
    succeeded(&server, &["1.0"]);
    let later = json!({"at": "2062-03-02T10:00:00Z"});
    server.post(DEPLOYMENTS, &with(reported("1.1", "10:00"), later));
    server.post(DEPLOYMENTS, &with(asked("1.2"), json!({"status": "succeeded"})));
    let then = "2062-03-02 10:00 UTC";
    says(&server, "/", &["1.2", &format!("1.1 is recorded for {then}")]);
    says(&server, LANE, &["1.2 runs since", &format!("1.1 is recorded for {then}")]);
    for path in ["/", "/history", LANE] {
        let text = says(&server, path, &[&format!("◷ later recorded for {then}")]);
        assert!(!text.contains("in 3"), "{path}: {text}");
    }
    let page =
        says(&server, &format!("{LANE}/2"), &["◷ later recorded for 2062-03-02 10:00 UTC by"]);
    assert!(page.contains("it has not happened yet") && !page.contains("✓ succeeded"), "{page}");
    let releases = says(&server, "/releases/checkout", &["1.1 never ran"]);
    assert!(!releases.contains("2062-03-02 10:00 UTC Block"), "{releases}");
}
