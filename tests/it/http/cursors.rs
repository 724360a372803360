//! Cursors, which are of one list alone, in the order and with the filters that it had.

use serde_json::json;

use super::{
    lane::{DEPLOYMENTS, at, back, reported, succeeded, with},
    server::Server,
};

/// Three releases of `checkout`, one of which comes back twice, and one of `search`.
fn told() -> Server {
    let server = Server::start();
    succeeded(&server, &["1", "2", "3"]);
    for (number, minute) in [(4, 10), (6, 20)] {
        let at = at(&format!("10:{minute}"));
        let told = json!({"status": "succeeded", "at": at});
        assert_eq!(server.post(DEPLOYMENTS, &with(back("1"), told))["number"], number);
        server.post(DEPLOYMENTS, &reported("3", &format!("10:{}", minute + 2)));
    }
    server.post(DEPLOYMENTS, &with(reported("7", "10:30"), json!({"service": "search"})));
    server
}

/// Where the second page of a list begins.
fn next(server: &Server, path: &str) -> String {
    let page = server.get(path);
    page["next"].as_str().unwrap_or_else(|| panic!("{path} has one page: {page}")).to_owned()
}

#[track_caller]
fn refused(server: &Server, path: &str, says: &str) {
    let problem = server.ask("GET", path).send().problem(400, "bad-cursor");
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "?cursor", "{path}: {problem}");
    assert!(error["detail"].as_str().unwrap().contains(says), "{path}: {problem}");
}

#[test]
fn a_cursor_goes_on_in_the_order_that_it_was_given_out_for() {
    let server = told();
    for list in
        ["/v1/deployments?", "/v1/rollbacks?", "/v1/releases?", "/v1/deployments?q=checkout&"]
    {
        let newest = next(&server, &format!("{list}limit=1"));
        for order in ["", "&order=newest", "&order=desc"] {
            server.get(&format!("{list}limit=2{order}&cursor={newest}"));
        }
        refused(&server, &format!("{list}order=oldest&cursor={newest}"), "`order=newest`");
        refused(&server, &format!("{list}order=asc&limit=1&cursor={newest}"), "`order=newest`");
        let oldest = next(&server, &format!("{list}limit=1&order=oldest"));
        server.get(&format!("{list}order=asc&cursor={oldest}"));
        refused(&server, &format!("{list}cursor={oldest}"), "`order=oldest`");
    }
}

#[test]
fn a_cursor_goes_on_in_the_list_that_it_was_given_out_for() {
    let server = told();
    let says = "another list, or for other filters";
    let whole = next(&server, "/v1/deployments?limit=1");
    let checkout = next(&server, "/v1/deployments?limit=1&service=checkout&status=succeeded");
    for other in [
        format!("/v1/rollbacks?cursor={whole}"),
        format!("/v1/releases?cursor={whole}"),
        format!("/v1/deployments?service=checkout&cursor={whole}"),
        format!("/v1/deployments?cursor={checkout}"),
        format!("/v1/deployments?service=search&status=succeeded&cursor={checkout}"),
    ] {
        refused(&server, &other, says);
    }
    let page = server.ask("GET", &format!("/history?cursor={checkout}")).send().expect(400);
    assert!(page.text.contains(says), "{page:?}");
    // The same filters in another order, another length of a page and another form are the same list.
    let path = "/v1/deployments?status=succeeded&service=checkout&limit=3&cursor=";
    let rest = server.get(&format!("{path}{checkout}"));
    assert_eq!(rest["items"].as_array().unwrap().len(), 3, "{rest}");
    let table = server.ask("GET", &format!("{path}{checkout}&format=csv")).send().expect(200);
    assert_eq!(table.text.lines().count(), 4, "{table:?}");
}

#[test]
fn pages_go_on_with_their_own_cursors_and_lead_to_the_same_list_as_data() {
    let server = told();
    for path in [
        "/history?limit=1",
        "/history?limit=1&service=checkout",
        "/rollbacks?limit=1",
        "/releases?limit=1",
        "/releases/checkout?limit=1",
        "/lanes/checkout/production?limit=1",
    ] {
        let page = server.ask("GET", path).header("Accept", "text/html").send().expect(200).text;
        let next = page.split_once("rel=\"next\" href=\"");
        let (_, link) = next.unwrap_or_else(|| panic!("{path}: {page}"));
        let link = link.split('"').next().unwrap().replace("&#38;", "&");
        let second = server.ask("GET", &link).header("Accept", "text/html").send().expect(200).text;
        assert_ne!(second, page, "{link}");
        // The page is one list with the data that it leads to, wherever it has been turned to.
        for data in second.split("href=\"/v1/").skip(1) {
            let data = data.split('"').next().unwrap().replace("&#38;", "&");
            server.ask("GET", &format!("/v1/{data}")).send().expect(200);
        }
    }
}
