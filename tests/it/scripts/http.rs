//! The paths of projections that users write.

use std::{io::Write as _, net::TcpStream};

use serde_json::{Value, json};

use super::{define, partitions, shown, state};
use crate::support::{Answer, Client, Server};

const BY_SERVICE: &str = "fromCategory('lane').partitionBy(e => e.service).when({
    DeploymentSucceeded(s, e) { s.ok = (s.ok ?? 0) + 1; console.log(e.service) } })";

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let kind = [("Content-Type", "application/json")];
    client.send(method, path, &kind, body.to_string().as_bytes())
}

/// Two services, three deployments.
fn history(client: &Client) {
    for (service, version) in [("checkout", "1"), ("search", "7"), ("checkout", "2")] {
        let body = json!({
            "service": service, "environment": "production", "status": "succeeded",
            "release": { "version": version }, "at": "2026-03-06T10:00:00Z",
        });
        send(client, "POST", "/v1/deployments", &body).expect(201);
    }
}

fn server() -> (tempfile::TempDir, Server, Client) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let client = server.client();
    history(&client);
    (data, server, client)
}

#[test]
fn a_projection_is_defined_shown_listed_changed_and_dropped() {
    let (_data, _server, client) = server();
    let defined = define(&client, "by-service", BY_SERVICE).expect(201).json();
    assert_eq!(defined["language"], "javascript");
    assert_eq!(defined["source"], BY_SERVICE);
    let found = partitions(&client, "by-service");
    let told: Vec<_> = found.iter().map(|one| (&one["partition"], &one["state"])).collect();
    let (checkout, search) = (json!({ "ok": 2 }), json!({ "ok": 1 }));
    assert_eq!(told, [(&json!("checkout"), &checkout), (&json!("search"), &search)]);
    let one = client.get("/v1/projections/by-service/state?partition=search").expect(200).json();
    assert_eq!(one["state"], search);

    let now = shown(&client, "by-service");
    assert_eq!((&now["status"], &now["partitioned"]), (&json!("live"), &json!(true)), "{now}");
    assert_eq!((&now["events_done"], &now["events_total"]), (&json!(7), &json!(7)), "{now}");
    let listed = client.get("/v1/projections").expect(200).json();
    let names: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(
        names.contains(&&json!("by-service")) && names.contains(&&json!("current")),
        "{listed}"
    );

    define(&client, "by-service", "fromAll().when({ $any(s) { s.n = 1 } })").expect(200);
    assert_eq!(state(&client, "by-service")["state"], json!({ "n": 1 }));
    send(&client, "DELETE", "/v1/projections/by-service", &json!({})).expect(204);
    let position = client.position();
    let level = [("Shiplog-At-Least", position.as_str())];
    client.send("GET", "/v1/projections/by-service", &level, b"").expect(404);
    let changes = client.get("/v1/projections/by-service/changes").expect(200).json();
    let whats: Vec<_> = changes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(whats, ["dropped", "defined", "defined"]);
    assert_eq!(changes["items"][2]["source"], BY_SERVICE);
}

#[test]
fn what_is_paused_keeps_its_states_and_goes_on_when_it_is_resumed() {
    let (_data, _server, client) = server();
    define(&client, "counts", "fromAll().when({ $any(s) { s.n = (s.n ?? 0) + 1 } })").expect(201);
    state(&client, "counts");
    let paused =
        send(&client, "POST", "/v1/projections/counts/pause", &json!({})).expect(200).json();
    assert_eq!(paused["status"], "paused");
    let paused_at = client.position();
    history(&client);
    let shown = || client.get("/v1/projections/counts/state").expect(200).json();
    let kept = shown();
    // It may have folded the event that pauses it.
    let missing = kept["behind"]["events"].as_u64().unwrap();
    assert!(missing == 6 || missing == 7, "paused at {paused_at}: {kept}");
    assert_eq!(kept["state"]["n"], kept["position"]);
    assert_eq!(shown(), kept);
    let behind = client.send(
        "GET",
        "/v1/projections/counts/state",
        &[("Shiplog-At-Least", client.position().as_str())],
        b"",
    );
    assert_eq!(behind.expect(503).json()["code"], "projection-behind");
    send(&client, "POST", "/v1/projections/counts/resume", &json!({})).expect(200);
    let after = state(&client, "counts");
    assert_eq!(after["state"]["n"], after["position"]);
}

#[test]
fn what_cannot_be_defined_or_asked_is_told_what_is_wrong_with_it() {
    let (_data, _server, client) = server();
    let refused =
        |name: &str, source: &str, status: u16| define(&client, name, source).expect(status).json();
    let wrong = refused("broken", "fromAll().when({\n  A(s e) {}\n})", 400);
    assert_eq!(wrong["code"], "script-fails");
    assert_eq!(wrong["errors"][0]["pointer"], "/source");
    assert!(wrong["errors"][0]["detail"].as_str().unwrap().starts_with("line 2: "), "{wrong}");
    assert_eq!(refused("endless", "for (;;) {}", 400)["code"], "script-fails");
    assert_eq!(refused("current", BY_SERVICE, 409)["code"], "projection-is-built-in");
    assert_eq!(refused("1st", BY_SERVICE, 400)["errors"][0]["pointer"], "{name}");
    let position = client.position();

    let put = |body: Value| send(&client, "PUT", "/v1/projections/a", &body).expect(400).json();
    let unknown = put(json!({ "language": "python", "source": "1" }));
    assert_eq!(unknown["errors"][0]["pointer"], "/language");
    let empty = put(json!({ "language": "javascript", "source": "" }));
    assert_eq!(empty["errors"][0]["pointer"], "/source");
    assert_eq!(client.position(), position, "nothing of it was recorded");

    client.get("/v1/projections/nothing").expect(404);
    client.get("/v1/projections/nothing/state").expect(404);
    define(&client, "parts", BY_SERVICE).expect(201);
    partitions(&client, "parts");
    let without = client.get("/v1/projections/parts/state").expect(400).json();
    assert_eq!(without["errors"][0]["pointer"], "?partition");
    client.get("/v1/projections/parts/state?partition=nothing").expect(404);
}

#[test]
fn a_preview_shows_what_a_script_would_come_to_and_keeps_nothing() {
    let (_data, _server, client) = server();
    let position = client.position();
    let preview =
        |body: Value| send(&client, "POST", "/v1/projections/preview", &body).expect(200).json();
    let tried = preview(json!({ "language": "javascript", "source": BY_SERVICE }));
    assert_eq!(tried["partitions_total"], 2);
    assert_eq!(tried["partitions"][0]["state"], json!({ "ok": 2 }));
    assert_eq!(tried["log"], json!(["checkout", "search", "checkout"]));
    assert_eq!((&tried["state"], &tried["fault"]), (&Value::Null, &Value::Null));

    let counts = "fromAll().when({ $any(s) { s.n = (s.n ?? 0) + 1 } })";
    let of = |slice: Value| {
        let mut body = json!({ "language": "javascript", "source": counts });
        body.as_object_mut().unwrap().extend(slice.as_object().unwrap().clone());
        preview(body)["state"]["n"].clone()
    };
    assert_eq!(of(json!({})), 6);
    assert_eq!(of(json!({ "after": 2, "until": 5 })), 3);
    assert_eq!(of(json!({ "service": "search" })), 2);
    assert_eq!(
        of(json!({ "types": ["DeploymentRequested"], "stream": "lane-checkout@production" })),
        2
    );
    assert_eq!(of(json!({ "before": "2001-01-01T00:00:00Z" })), Value::Null);

    let failed = preview(json!({ "language": "javascript",
        "source": "fromAll().when({ $any(s, e) {\n s.n = e.position; e.no.such } })" }));
    assert_eq!((&failed["fault"]["position"], &failed["fault"]["line"]), (&json!(1), &json!(2)));
    assert_eq!(client.position(), position, "nothing was recorded");
}

#[test]
fn a_query_is_kept_and_answers_when_it_is_asked() {
    let (_data, _server, client) = server();
    let put = |source: &str| {
        let body = json!({ "language": "sql", "source": source });
        send(&client, "PUT", "/v1/projections/successes", &body)
    };
    let source = "SELECT service, count(*) AS n FROM deployments WHERE status = :status GROUP BY 1";
    put(source).expect(201);
    let path = "/v1/projections/successes/rows?param=status=succeeded";
    let answer = client.get_at(path, &client.position());
    assert_eq!(answer["columns"], json!(["service", "n"]));
    assert_eq!(answer["rows"], json!([["checkout", 2], ["search", 1]]));
    let csv = client.get(&format!("{path}&format=csv")).expect(200).text();
    assert_eq!(csv.replace('\r', ""), "service,n\ncheckout,2\nsearch,1\n");
    let now = shown(&client, "successes");
    assert_eq!((&now["language"], &now["status"]), (&json!("sql"), &json!("live")), "{now}");

    let wrong = put("SELECT nothing FROM deployments").expect(400).json();
    assert_eq!(
        (&wrong["code"], &wrong["errors"][0]["pointer"]),
        (&json!("query-fails"), &json!("/source"))
    );
    assert_eq!(put("DELETE FROM deployments").expect(400).json()["code"], "query-fails");
    client.get("/v1/projections/successes/rows").expect(400);
    let state = client.get("/v1/projections/successes/state").expect(409).json();
    assert_eq!(state["code"], "projection-is-a-query");
    let pause =
        send(&client, "POST", "/v1/projections/successes/pause", &json!({})).expect(409).json();
    assert_eq!(pause["code"], "projection-is-a-query");
}

#[test]
fn a_preview_and_a_projection_can_be_followed() {
    let (_data, server, client) = server();
    let body = json!({ "language": "javascript", "source": BY_SERVICE });
    let headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")];
    let answer =
        client.send("POST", "/v1/projections/preview", &headers, body.to_string().as_bytes());
    let text = answer.expect(200).text();
    assert!(
        text.contains("event: progress\ndata: {\"events_done\":6,\"events_total\":6}"),
        "{text}"
    );
    assert!(text.contains("event: result\ndata: {\"state\":null"), "{text}");

    define(&client, "by-service", BY_SERVICE).expect(201);
    partitions(&client, "by-service");
    let mut lines = client.follow("/v1/projections/by-service/live");
    assert_eq!(lines.next().unwrap(), "event: progress");
    assert!(lines.next().unwrap().starts_with("data: {\"name\":\"by-service\""));
    assert!(server.stop().success());
    // It ends with its server.
    lines.for_each(drop);
}

#[test]
fn a_script_too_many_is_refused_and_another_text_for_one_is_not() {
    let (_data, _server, client) = server();
    let source = "fromAll().when({ $any(s) { s.n = 1 } })";
    for number in 0..32 {
        define(&client, &format!("p{number}"), source).expect(201);
        // Counted are those that the read model knows.
        state(&client, &format!("p{number}"));
    }
    let refused = define(&client, "surplus", source).expect(409).json();
    assert_eq!(refused["code"], "too-many-projections");
    define(&client, "p7", "fromAll().when({ $any(s) { s.n = 2 } })").expect(200);
    assert_eq!(state(&client, "p7")["state"], json!({ "n": 2 }));
    send(&client, "DELETE", "/v1/projections/p8", &json!({})).expect(204);
    client.get_at("/v1/projections", &client.position());
    define(&client, "surplus", source).expect(201);
    assert_eq!(state(&client, "surplus")["state"], json!({ "n": 1 }));
}

#[test]
fn a_preview_does_not_wait_for_long_and_ends_when_nobody_waits_for_it() {
    let (_data, server, client) = server();
    for _ in 0..20 {
        history(&client);
    }
    let slow = "fromAll().when({ $any() { for (let i = 0; i < 5e6; i++) {} } })";
    let body = json!({ "language": "javascript", "source": slow }).to_string();
    let head = format!(
        "POST /v1/projections/preview HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        server.address(),
        body.len()
    );
    let trying = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let others = (trying(), trying());
    let quick = json!({
        "language": "javascript", "source": "fromAll().when({ $any(s) { s.n = 1 } })",
    });
    let preview = || send(&client, "POST", "/v1/projections/preview", &quick);
    // As soon as both have their turns.
    let busy = (0..100).map(|_| preview()).find(|answer| answer.status == 503).unwrap();
    assert_eq!((busy.json()["code"].as_str(), busy.header("Retry-After")), (Some("busy"), "1"));
    drop(others);
    let tried = preview().expect(200).json();
    assert_eq!(tried["state"], json!({ "n": 1 }));
}
