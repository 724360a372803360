//! A board of more services and environments than a page shows.

use serde_json::{Value, json};

use super::{
    super::{
        lane::{at, reported, with},
        rails::batch,
        server::Server,
    },
    says,
};

fn report(service: &str, environment: &str, fields: Value) -> Value {
    let place = json!({"service": service, "environment": environment});
    with(with(reported("1.0", "10:01"), place), fields)
}

/// 210 services in production, the last of them in doubt, and the first in 29 other environments.
fn server() -> Server {
    let server = Server::start();
    let services = (0..210).map(|nth| format!("service-{nth:03}"));
    let mut lines: Vec<_> =
        services.map(|service| report(&service, "production", json!({}))).collect();
    let failed = json!({"status": "failed", "at": at("10:05")});
    lines.push(report("service-209", "production", failed));
    let labelled = json!({"labels": {"team": "money"}});
    lines.extend(
        (0..29).map(|nth| report("service-000", &format!("review-{nth:02}"), labelled.clone())),
    );
    batch(&server, &lines);
    server
}

/// What stands above "Deployed last".
fn table(text: &str) -> &str {
    text.split("Deployed last").next().unwrap()
}

/// The address behind a link of these words.
fn link(server: &Server, page: &str, words: &str) -> String {
    let page = server.ask("GET", page).send().expect(200).text;
    let (before, _) = page.split_once(&format!("\">{words}</a>")).unwrap();
    before.rsplit("href=\"").next().unwrap().replace("&#38;", "&")
}

#[test]
fn a_board_of_many_services_has_pages_that_each_filter_reaches() {
    let server = server();
    let first = says(&server, "/", &["200 of 210 services", "1 lane elsewhere is in doubt"]);
    let rows = table(&first);
    assert!(rows.contains("service-199") && !rows.contains("service-200"), "{first}");
    let next = link(&server, "/", "More services");
    let second = says(&server, &next, &["10 of 210 services", "1 lane is in doubt"]);
    let rows = table(&second);
    assert!(rows.contains("service-209") && !rows.contains("service-199"), "{second}");
    assert!(!second.contains("More services"), "{second}");
    // The same place at another instant, as the slider asks.
    says(&server, &format!("{next}&at=2026-03-03"), &["service-209"]);
    let doubtful = link(&server, "/", "1 lane elsewhere is in doubt");
    says(&server, &doubtful, &["1 of 210 services", "service-209"]);
    says(&server, "/?service=209", &["1 of 210 services", "service-209"]);
    let few = says(&server, "/?limit=2", &["2 of 210 services"]);
    let rows = table(&few);
    assert!(rows.contains("service-001") && !rows.contains("service-002"), "{few}");
    let other = next.replace("cursor=", "service=x&cursor=");
    server.ask("GET", &other).send().problem(400, "bad-cursor");
}

#[test]
fn a_board_of_many_environments_says_which_it_shows_and_leads_to_the_others() {
    let server = server();
    let shown = ["Environments 1 to 20 of 30 are shown", "review-18"];
    let first = says(&server, "/?service=000", &shown);
    assert!(
        table(&first).contains("production") && !table(&first).contains("review-19"),
        "{first}"
    );
    let later = link(&server, "/?service=000", "those after");
    let shown = ["Environments 21 to 30 of 30 are shown", "review-19", "review-28"];
    let rest = says(&server, &later, &shown);
    assert!(!table(&rest).contains("review-18"), "{rest}");
    says(&server, &link(&server, &later, "those before"), &["Environments 1 to 20 of 30"]);
    let one = says(&server, "/?environment=REVIEW-28", &["1 of 210 services", "review-28"]);
    assert!(!one.contains("are shown"), "{one}");
    // A label of what runs where nobody looks is found.
    says(&server, "/?label=team=money&column=21", &["1 of 210 services", "service-000"]);
}
