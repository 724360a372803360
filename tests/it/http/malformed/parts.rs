//! Paths and queries that name nothing that could be.

use super::{Case, check, long};

#[test]
fn percent_signs_are_followed_by_two_digits() {
    let paths = [
        "/v1/deployments/a%/production/1",
        "/v1/deployments/a%zz/production/1",
        "/v1/deployments/a%4/production/1",
        "/v1/lanes/checkout/%",
        "/v1/environments/%g0",
        "/v1/releases/%%/1",
        "/problems/%",
        "/nowhere/%",
    ];
    let paths = paths.map(|path| Case::new("GET", path).at("{path}", "percent-encoding"));
    let queries = [
        ("/v1/deployments?service=%", "?service"),
        ("/v1/deployments?service=%zz", "?service"),
        ("/v1/deployments?q=100%", "?q"),
        ("/v1/deployments?%=x", "?"),
        ("/v1/rollbacks?actor=%4", "?actor"),
        ("/v1/environments/production?at=%", "?at"),
        ("/v1/events?stream=%a", "?stream"),
    ];
    let queries =
        queries.map(|(path, pointer)| Case::new("GET", path).at(pointer, "percent-encoding"));
    check(&paths.into_iter().chain(queries).collect::<Vec<_>>());
}

#[test]
fn what_is_decoded_is_utf_8_and_a_name() {
    let name = long(201);
    let encoded = "%C3%BC".repeat(201);
    let paths = [
        ("/v1/lanes/%ff/production", "{path}", "UTF-8"),
        ("/v1/lanes/checkout/%00", "{environment}", "control"),
        ("/v1/lanes/%0a/production", "{service}", "control"),
        ("/v1/environments/%7f", "{name}", "control"),
        ("/v1/releases/checkout/%1b", "{version}", "control"),
        ("/v1/deployments?service=%ff", "?service", "UTF-8"),
        ("/v1/deployments?%ff=x", "?", "UTF-8"),
        ("/v1/deployments?service=%00", "?service", "control"),
        ("/v1/deployments?service=", "?service", "1 to 200"),
        ("/v1/deployments?environment=%0d%0a", "?environment", "control"),
    ];
    let paths = paths.map(|(path, pointer, says)| Case::new("GET", path).at(pointer, says));
    let names = [
        Case::new("GET", format!("/v1/lanes/{encoded}/production")).at("{service}", "1 to 200"),
        Case::new("GET", format!("/v1/environments/{encoded}")).at("{name}", "1 to 200"),
        Case::new("GET", format!("/v1/deployments?service={encoded}")).at("?service", "1 to 200"),
        Case::new("GET", format!("/v1/deployments?version={}", "v".repeat(name.len())))
            .at("?version", "1 to 200"),
    ];
    check(&paths.into_iter().chain(names).collect::<Vec<_>>());
}

#[test]
fn a_deployment_has_a_whole_number() {
    let numbers = ["0", "-1", "1.5", "x", "4294967296", "%20", "+1", "1e3"];
    let case = |number: &str| {
        let path = format!("/v1/deployments/checkout/production/{number}");
        Case::new("GET", path).at("{number}", "whole number")
    };
    check(&numbers.map(case));
}

#[test]
fn an_unknown_parameter_is_told_the_nearest_one() {
    let rows = [
        ("/v1/deployments?servcie=x", "?servcie", "did you mean `service`"),
        ("/v1/deployments?page=2", "?page", "not known"),
        ("/v1/deployments/checkout/production/1?limit=1", "?limit", "not known"),
        ("/v1/lanes/checkout/production?att=x", "?att", "did you mean `at`"),
        ("/v1/environments?at=2026-01-01", "?at", "not known"),
        ("/v1/environments/production?known=x", "?known", "known_at"),
        ("/v1/rollbacks?version=1", "?version", "not known"),
        ("/v1/releases?servic=x", "?servic", "did you mean `service`"),
        ("/v1/events?before=1", "?before", "not known"),
        ("/v1/events/live?limit=1", "?limit", "not known"),
        ("/v1/projections?x=1", "?x", "not known"),
    ];
    check(&rows.map(|(path, pointer, says)| Case::new("GET", path).at(pointer, says)));
}

#[test]
fn a_parameter_that_cannot_be_read_is_named() {
    let rows = [
        ("/v1/deployments?limit=0", "?limit"),
        ("/v1/deployments?limit=1001", "?limit"),
        ("/v1/deployments?limit=99999999999999999999", "?limit"),
        ("/v1/deployments?limit=ten", "?limit"),
        ("/v1/deployments?limit=5&limit=6", "?limit"),
        ("/v1/deployments?order=up", "?order"),
        ("/v1/deployments?status=done", "?status"),
        ("/v1/deployments?intent=undo", "?intent"),
        ("/v1/deployments?classification=old", "?classification"),
        ("/v1/deployments?label=train", "?label"),
        ("/v1/deployments?label=:x", "?label"),
        ("/v1/deployments?commit=abc", "?commit"),
        ("/v1/deployments?actor=", "?actor"),
        ("/v1/deployments?since=yesterday", "?since"),
        ("/v1/deployments?since=10000-01-01T00:00:00Z", "?since"),
        ("/v1/deployments?until=2026-02-30", "?until"),
        ("/v1/deployments?format=xml", "?format"),
        ("/v1/deployments?q=", "?q"),
        ("/v1/rollbacks?declared=perhaps", "?declared"),
        ("/v1/environments/production?at=now", "?at"),
        ("/v1/environments/production?at=10000-01-01T00:00:00Z", "?at"),
        ("/v1/lanes/checkout/production?known_at=-1", "?known_at"),
        ("/v1/environments/production/diff", "?from"),
        ("/v1/environments/production/diff?from=2026-01-01", "?to"),
        ("/v1/environments/production/diff?from=x&to=2026-01-01", "?from"),
        ("/v1/events?after=-1", "?after"),
        ("/v1/events?after=x", "?after"),
        ("/v1/events?after=9223372036854775808", "?after"),
        ("/v1/events?stream=", "?stream"),
        ("/v1/events/live?after=tail", "?after"),
    ];
    let long_search =
        Case::new("GET", format!("/v1/deployments?q={}", "x".repeat(1_001))).at("?q", "1 to 1000");
    let cases = rows.map(|(path, pointer)| Case::new("GET", path).at(pointer, ""));
    check(&cases.into_iter().chain([long_search]).collect::<Vec<_>>());
}

#[test]
fn a_cursor_is_one_that_was_given_out() {
    let paths = ["/v1/deployments", "/v1/rollbacks", "/v1/releases", "/v1/events"];
    let cursors = ["nonsense", "c", "c00000000000000zz", "c00000000000000000", "-1", "%00", ""];
    let cases = paths.iter().flat_map(|path| {
        cursors.map(|cursor| {
            let case = Case::new("GET", format!("{path}?cursor={cursor}"));
            case.is(400, "bad-cursor").at("?cursor", "")
        })
    });
    check(&cases.collect::<Vec<_>>());
}

#[test]
fn a_removal_takes_its_words_from_the_query_too() {
    let rows = [
        ("/v1/lanes/checkout/production?at=10000-01-01T00:00:00Z", "?at"),
        ("/v1/lanes/checkout/production?at=x", "?at"),
        ("/v1/lanes/checkout/production?why=x", "?why"),
        ("/v1/environments/production?reason=x", "?reason"),
    ];
    let long =
        Case::new("DELETE", format!("/v1/lanes/checkout/production?reason={}", "x".repeat(10_001)));
    let cases = rows.map(|(path, pointer)| Case::new("DELETE", path).at(pointer, ""));
    check(&cases.into_iter().chain([long.at("?reason", "10000")]).collect::<Vec<_>>());
}

#[test]
fn what_is_not_there_is_not_found() {
    let missing = |method: &'static str, path: &str| Case::new(method, path).is(404, "not-found");
    let unknown =
        |method: &'static str, path: &str| Case::new(method, path).is(404, "unknown-deployment");
    check(&[
        missing("GET", "/nowhere"),
        missing("GET", "/v1"),
        missing("GET", "/v1/lanes/checkout"),
        missing("GET", "/v1/lanes/unheard/of"),
        missing("GET", "/v1/environments/unheard"),
        missing("GET", "/v1/environments/unheard/diff?from=2026-01-01&to=2026-01-02"),
        missing("GET", "/v1/releases/checkout/unheard"),
        missing("GET", "/problems/unheard"),
        missing("DELETE", "/v1/lanes/unheard/of"),
        missing("DELETE", "/v1/environments/unheard"),
        unknown("GET", "/v1/deployments/checkout/production/2"),
        unknown("GET", "/v1/deployments/checkout/production/2/events"),
        unknown("GET", "/v1/deployments/checkout/production/4294967295"),
        unknown("POST", "/v1/deployments/checkout/production/2/start"),
        unknown("POST", "/v1/deployments/unheard/of/1/succeed"),
    ]);
}

#[test]
fn a_method_that_a_path_does_not_take_is_refused() {
    let rows = [
        ("PATCH", "/v1/deployments"),
        ("DELETE", "/v1/deployments/checkout/production/1"),
        ("POST", "/v1/lanes/checkout/production"),
        ("PUT", "/v1/events"),
        ("GET", "/v1/deployments/checkout/production/1/start"),
        ("BREW", "/v1/environments"),
        ("POST", "/livez"),
    ];
    check(&rows.map(|(method, path)| Case::new(method, path).is(405, "method-not-allowed")));
}
