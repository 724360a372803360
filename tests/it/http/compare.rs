//! Any two deployments of a service, side by side.

use serde_json::{Value, json};

use super::{
    lane::{DEPLOYMENTS, at, reported, with},
    pages::open,
    server::Server,
};

/// Three releases, of which production skips the one in the middle.
fn shop() -> Server {
    let server = Server::start();
    let release = |version: &str, change: &str| {
        json!({"version": version, "commit": format!("c-{version}"),
            "artifacts": [{"name": "image", "digest": format!("sha256:{version}")}],
            "changes": [{"kind": "fix", "id": change}]})
    };
    for (environment, version, change, time, actor) in [
        ("staging", "1.0", "A-1", "10:00", "ann"),
        ("production", "1.0", "A-1", "10:10", "ann"),
        ("staging", "1.1", "A-2", "10:20", "bob"),
        ("staging", "1.2", "A-3", "10:30", "bob"),
        ("production", "1.2", "A-3", "10:40", "ann"),
    ] {
        let fields = json!({"environment": environment, "release": release(version, change),
            "actor": {"id": actor}, "configuration": {"app.yaml": environment}});
        server.post(DEPLOYMENTS, &with(reported(version, time), fields));
    }
    server
}

fn compared(server: &Server, environment: &str, number: u32, against: &str) -> Value {
    server.get(&format!("{DEPLOYMENTS}/checkout/{environment}/{number}/changes?against={against}"))
}

#[test]
fn two_deployments_of_two_environments_are_told_side_by_side() {
    let server = shop();
    let told = compared(&server, "production", 2, "staging/1");
    assert_eq!(told["from"], json!({"number": 1, "version": "1.0"}));
    assert_eq!(told["to"], json!({"number": 2, "version": "1.2"}));
    let asked = &told["asked"];
    assert_eq!(
        (&asked["from"]["environment"], &asked["to"]["environment"]),
        (&json!("staging"), &json!("production"))
    );
    assert_eq!(asked["from"]["actor"]["id"], "ann");
    assert_eq!(asked["to"]["requested_at"], at("10:40"));
    assert_eq!(asked["to"]["status"], "succeeded");
    assert_eq!(told["between_ms"], 40 * 60_000);
    assert_eq!(told["commits"], json!({"from": "c-1.0", "to": "c-1.2"}));
    let image = json!([{"name": "image", "from": "sha256:1.0", "to": "sha256:1.2"}]);
    assert_eq!(told["artifacts"], image);
    let app = json!([{"name": "app.yaml", "from": "staging", "to": "production"}]);
    assert_eq!(told["configuration"], app);
    let versions: Vec<_> =
        told["releases"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, ["1.1", "1.2"]);
}

#[test]
fn the_same_release_elsewhere_and_the_other_way_round_differ_in_what_they_should() {
    let server = shop();
    let same = compared(&server, "production", 2, "staging/3");
    assert_eq!((&same["artifacts"], &same["between_ms"]), (&json!([]), &json!(10 * 60_000)));
    let back = compared(&server, "production", 1, "2");
    assert_eq!(back["between_ms"], -30 * 60_000);
    assert_eq!(back["commits"], json!({"from": "c-1.2", "to": "c-1.0"}));
    // What it replaced is what it is compared with if nothing else is said.
    let path = format!("{DEPLOYMENTS}/checkout/production/2/changes");
    assert_eq!(server.get(&path), compared(&server, "production", 2, "1"));
}

#[test]
fn what_is_no_deployment_of_the_service_is_refused() {
    let server = shop();
    let path =
        |against: &str| format!("{DEPLOYMENTS}/checkout/production/2/changes?against={against}");
    for against in ["x", "0", "staging/", "/3", "staging/x", "-1"] {
        let problem = server.ask("GET", &path(against)).send().problem(400, "malformed");
        assert_eq!(problem["errors"][0]["pointer"], "?against", "{against}: {problem}");
    }
    for against in ["9", "staging/9", "nowhere/1"] {
        server.ask("GET", &path(against)).send().problem(404, "unknown-deployment");
    }
}

#[test]
fn two_that_are_chosen_in_a_list_are_compared_on_a_page_of_their_own() {
    let server = shop();
    let (staging, production) = ("/lanes/checkout/staging/1", "/lanes/checkout/production/2");
    for list in ["/history", "/lanes/checkout/production"] {
        let list = open(&server, list).text;
        assert!(list.contains("action=\"/compare\""), "{list}");
        let choice = format!("form=\"compare\" name=\"of\" value=\"{production}\"");
        assert!(list.contains(&choice), "{list}");
    }
    let path = format!("/compare?of={production}&of={staging}");
    let chosen = server.ask("GET", &path).send();
    let permalink = chosen.header("location").to_owned();
    assert_eq!(
        (chosen.status, permalink.as_str()),
        (303, "/lanes/checkout/production/2/changes?against=staging%2F1")
    );
    let page = open(&server, &permalink).expect(200).text;
    for said in [
        "checkout 1.0 beside 1.2",
        "requested 40 min before the other",
        "#1 in staging",
        "#2 in production",
        "<code>c-1.0</code></td><td><code>c-1.2</code>",
        "configuration: app.yaml",
        "<h3>1.1</h3>",
        "A-2",
    ] {
        assert!(page.contains(said), "`{said}` is not in {page}");
    }
    let swapped = "/lanes/checkout/staging/1/changes?against=production%2F2";
    assert!(page.contains(swapped), "{page}");
    assert!(open(&server, swapped).expect(200).text.contains("40 min after the other"));
    for (query, says) in [
        (format!("of={staging}"), "choose two"),
        (format!("of={staging}&of=/lanes/search/staging/1"), "two services"),
        (format!("of={staging}&of=/history"), "names no page"),
    ] {
        let page = open(&server, &format!("/compare?{query}")).expect(400).text;
        assert!(page.contains(says), "{page}");
    }
}
